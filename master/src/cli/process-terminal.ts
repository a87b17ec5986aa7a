import { userInfo } from 'node:os';
import type { Terminal } from './terminal.ts';

/** What a shell tells of a program that was ended by SIGPIPE. */
const BROKEN_PIPE = 141;

/** The terminal, pipe or file that this process was started with. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const interrupted = new AbortController();
  let told = false;
  const interrupt = () => {
    // A second Ctrl-C means now.
    if (told) process.exit(130);
    told = true;
    interrupted.abort();
  };
  process.on('SIGINT', interrupt);
  // Whoever read us has gone (`icefall builds | head`).
  stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? BROKEN_PIPE : 1));
  stderr.on('error', () => {});
  const isTerminal = stdout.isTTY === true && env.TERM !== 'dumb';
  return {
    out: (text) => stdout.write(text),
    err: (text) => stderr.write(text),
    get columns() {
      return isTerminal ? stdout.columns : null;
    },
    get rows() {
      return isTerminal ? stdout.rows : null;
    },
    colour: isTerminal && (env.NO_COLOR === undefined || env.NO_COLOR === ''),
    env,
    cwd: process.cwd(),
    user: userName(),
    signal: interrupted.signal,
    now: () => Date.now(),
    wait: (ms) => waitFor(ms, interrupted.signal),
  };
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

/** Null where the user has no entry, as in some containers. */
function userName(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}
