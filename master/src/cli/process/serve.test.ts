import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CliError, EXIT } from '../exit.ts';
import { serve } from './serve.ts';

const SMALL = join(import.meta.dirname, '../../../../docs/examples/small.ts');
const log = { info: () => {}, warn: () => {}, error: () => {} };

test('a master whose site does not say who may do what listens nowhere but on its machine, and says what to do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'icefall-serve-'));
  const directory = join(folder, 'master');
  try {
    const ports = { host: '0.0.0.0', port: 0, workerHost: '127.0.0.1', workerPort: 0 };
    const options = { directory, config: SMALL, ...ports, leastFreeBytes: null, certificate: null, log };
    const refusal = await serve(options).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(CliError);
    expect(refusal).toMatchObject({ exitCode: EXIT.usage });
    expect(String(refusal)).toMatch(/listen on 0\.0\.0\.0.*Declare it with access in site.*ssh -L/);
    // Before anything is touched.
    expect(existsSync(directory)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
