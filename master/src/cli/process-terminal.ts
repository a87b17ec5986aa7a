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
    secret: (prompt) => askSecret(prompt, interrupt),
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

/** Lines of standard input that were read ahead. */
const ahead: string[] = [];

async function askSecret(prompt: string, interrupt: () => void): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return pipedLine();
  stderr.write(prompt);
  stdin.setRawMode(true);
  try {
    return await typedLine(interrupt);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

async function pipedLine(): Promise<string> {
  if (ahead.length === 0) {
    let text = '';
    for await (const piece of process.stdin.setEncoding('utf8')) text += piece;
    ahead.push(...text.split(/\r?\n/));
  }
  return ahead.shift() ?? '';
}

/** Raw mode hands over the keys as they are, also those that edit and end. */
function typedLine(interrupt: () => void): Promise<string> {
  const { stdin } = process;
  return new Promise((resolve) => {
    let typed = '';
    const end = (text: string) => {
      stdin.off('data', take);
      resolve(text);
    };
    const take = (piece: string) => {
      for (const key of piece) {
        if (key === '\r' || key === '\n' || key === '\u0004') return end(typed);
        if (key === '\u0003') {
          interrupt();
          return end('');
        }
        typed = key === '\u007f' || key === '\b' ? [...typed].slice(0, -1).join('') : typed + key;
      }
    };
    stdin.setEncoding('utf8').on('data', take).resume();
  });
}
