import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, messageOf, systemWords } from './failure.ts';
import { DEFAULT_JOURNAL_LIMIT_BYTES } from './journal/journal.ts';
import type { TlsFiles } from './link/tls.ts';

export const HELP = `icefall-worker: runs what an Icefall master orders, and keeps its output safe until the master has it

Usage: icefall-worker --master ws://HOST:9989 --name NAME --token-file FILE [options]

  --master URL          the master's worker port, ws:// or wss:// (or ICEFALL_MASTER)
  --name NAME           name of this worker, as the master's configuration has it (or ICEFALL_WORKER_NAME)
  --token-file FILE     file that holds the worker's token (or the token itself in ICEFALL_WORKER_TOKEN)
  --tls-cert FILE       certificate of this worker (PEM), where the master asks for one; with --tls-key
  --tls-key FILE        its key
  --tls-ca FILE         authority of the master's certificate (PEM; default: those that the system's Node knows)
  --dir DIRECTORY       where builds are made and the journal is kept (default: the current directory)
  --once                leave after the first time there was something to do
  --linger TIME         idle time before an agent leaves that works once or was told to finish (default 10s)
  --max-delay TIME      longest time between two tries to reach the master (default 10m)
  --journal-limit SIZE  output a command may have that the master has not taken yet; then it waits (default 64M)
  --json-log            log as JSON
  --help, --version

Times: 500ms, 10s, 5m, 1h; a number alone is seconds. Sizes: bytes, or with k, M or G.

Signals: TERM or INT end what runs and leave, a second one leaves at once; USR1 finishes what runs and leaves.
`;

export interface WorkerOptions {
  /** `ws://…` or `wss://…`, without a slash at the end. */
  readonly master: string;
  readonly name: string;
  readonly token: string;
  readonly tls: TlsFiles;
  /** Absolute. */
  readonly directory: string;
  readonly once: boolean;
  readonly lingerMs: number;
  readonly longestDelayMs: number;
  readonly journalLimitBytes: number;
  readonly jsonLog: boolean;
}

export type Invocation =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'work'; readonly options: WorkerOptions };

const LONGEST_DELAY_MS = 10 * 60_000;
const LINGER_MS = 10_000;
/** Below this a single burst of output would make the command wait for the master. */
const SMALLEST_JOURNAL_BYTES = 1024 * 1024;

type OwnEnvironment = Readonly<Record<string, string | undefined>>;

/** Reads the command line and the environment. Throws {@link Failure} `usage`. */
export function parseInvocation(argv: readonly string[], env: OwnEnvironment): Invocation {
  const values = parseValues(argv);
  if (values.help) return { kind: 'help' };
  if (values.version) return { kind: 'version' };
  return {
    kind: 'work',
    options: {
      master: masterUrl(required('--master', 'ICEFALL_MASTER', values.master ?? env.ICEFALL_MASTER)),
      name: workerName(required('--name', 'ICEFALL_WORKER_NAME', values.name ?? env.ICEFALL_WORKER_NAME)),
      token: token(values['token-file'], env),
      tls: tlsFiles(values['tls-cert'], values['tls-key'], values['tls-ca']),
      directory: resolve(values.dir ?? '.'),
      once: values.once ?? false,
      lingerMs: duration('--linger', values.linger) ?? LINGER_MS,
      longestDelayMs: duration('--max-delay', values['max-delay']) ?? LONGEST_DELAY_MS,
      journalLimitBytes: journalLimit(values['journal-limit']),
      jsonLog: values['json-log'] ?? false,
    },
  };
}

const OPTIONS = {
  master: { type: 'string' },
  name: { type: 'string' },
  'token-file': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'tls-ca': { type: 'string' },
  dir: { type: 'string' },
  once: { type: 'boolean' },
  linger: { type: 'string' },
  'max-delay': { type: 'string' },
  'journal-limit': { type: 'string' },
  'json-log': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

function parseValues(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: OPTIONS,
    }).values;
  } catch (error) {
    throw usage(mistakeIn(error));
  }
}

function mistakeIn(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : null;
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL')
    return `${messageOf(error).replace(/\. .*$/s, '')}: everything is given by options`;
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return messageOf(error);
  const known = Object.keys(OPTIONS).map((name) => `--${name}`);
  return `${messageOf(error)}; there are ${known.join(', ')}`;
}

function usage(message: string): Failure {
  return new Failure('usage', `${message}\nTry icefall-worker --help`);
}

function required(option: string, variable: string, value: string | undefined): string {
  if (value !== undefined && value !== '') return value;
  throw usage(`${option} is missing; give it, or set ${variable}`);
}

function masterUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'ws:' && url.protocol !== 'wss:') || url.hostname === '')
    throw usage(`--master ${JSON.stringify(text)} is not an address like ws://master.example:9989 or wss://…`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw usage('--master must hold no user, password, query or fragment; the token has its own option');
  return url.href.replace(/\/+$/, '');
}

function workerName(text: string): string {
  // It travels in a header.
  if (/^[\x21-\x7e]{1,100}$/.test(text)) return text;
  throw usage(`--name ${JSON.stringify(text)} must be 1 to 100 ASCII characters without spaces`);
}

function token(file: string | undefined, env: OwnEnvironment): string {
  const text = file === undefined ? env.ICEFALL_WORKER_TOKEN : readToken(file);
  const trimmed = text?.trim() ?? '';
  if (trimmed === '')
    throw usage(
      file === undefined
        ? '--token-file is missing; give it, or set ICEFALL_WORKER_TOKEN'
        : `the token file ${file} is empty`,
    );
  if (!/^[\x21-\x7e]+$/.test(trimmed)) throw usage('the token must be one line of ASCII characters without spaces');
  return trimmed;
}

function tlsFiles(certificate: string | undefined, key: string | undefined, authority: string | undefined): TlsFiles {
  if ((certificate === undefined) !== (key === undefined))
    throw usage('--tls-cert and --tls-key belong together: a certificate, and its key');
  const absolute = (file: string | undefined) => (file === undefined ? null : resolve(file));
  return { certificate: absolute(certificate), key: absolute(key), authority: absolute(authority) };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(`cannot read the token file ${file}: ${systemWords(error)}`);
  }
}

const MS_OF_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function duration(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const [, digits, unit = 's'] = /^(\d{1,9}(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  const factor = MS_OF_UNIT[unit];
  if (digits === undefined || factor === undefined)
    throw usage(`${option} ${JSON.stringify(text)} is not a time like 500ms, 10s, 5m or 1h`);
  return Math.round(Number(digits) * factor);
}

const BYTES_OF_UNIT: Readonly<Record<string, number>> = { '': 1, k: 1024, M: 1024 ** 2, G: 1024 ** 3 };

function journalLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_JOURNAL_LIMIT_BYTES;
  const [, digits, unit = ''] = /^(\d{1,12})([kMG])?$/.exec(text) ?? [];
  const factor = BYTES_OF_UNIT[unit];
  if (digits === undefined || factor === undefined)
    throw usage(`--journal-limit ${JSON.stringify(text)} is not a size like 67108864 or 64M`);
  const bytes = Number(digits) * factor;
  if (bytes < SMALLEST_JOURNAL_BYTES) throw usage(`--journal-limit ${text} is below ${SMALLEST_JOURNAL_BYTES} bytes`);
  return bytes;
}
