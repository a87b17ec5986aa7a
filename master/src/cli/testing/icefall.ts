import { run } from '../program.ts';
import type { Terminal } from '../terminal.ts';
import type { FakeApi } from './fake-api.ts';
import { fakeTerminal } from './fake-terminal.ts';

/** Runs one command line against a fake master. */
export async function runAgainst(api: FakeApi, args: readonly string[], options: Partial<Terminal> = {}) {
  const terminal = fakeTerminal({ env: { ICEFALL_URL: api.url }, ...options });
  const code = await run(args, terminal);
  return { code, ...terminal.written };
}
