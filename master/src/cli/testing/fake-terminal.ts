import type { Terminal } from '../terminal.ts';

export interface FakeTerminal extends Terminal {
  readonly written: { out: string; err: string };
  interrupt(): void;
}

/** A terminal that keeps what is written; no terminal at all by default, and no colour. */
export function fakeTerminal(options: Partial<Terminal> = {}): FakeTerminal {
  const written = { out: '', err: '' };
  const interrupted = new AbortController();
  return {
    written,
    interrupt: () => interrupted.abort(),
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    columns: null,
    rows: null,
    colour: false,
    env: {},
    cwd: '/nowhere',
    user: 'ada',
    signal: interrupted.signal,
    secret: () => Promise.resolve(''),
    now: () => 1_000_000,
    // Waiting is over as soon as others had their turn.
    wait: () => new Promise((resolve) => setTimeout(resolve, 1)),
    ...options,
  };
}
