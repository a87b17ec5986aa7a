import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Gateway } from './client.ts';
import { GatewayError } from './errors.ts';
import { acquireWithin, holdLease, keepLease } from './hold.ts';
import { readKey } from './key.ts';

export const USAGE = `icefall-gateway: leases of a CernVM-FS repository gateway

  acquire REPO[/path]              ask for a lease; its token is printed, or written to --token FILE
  renew --token FILE               make it last longer, where the gateway can
  release --token FILE             give it back; what was not committed is dropped
  hold REPO[/path] -- COMMAND...   run a command under a lease, which is renewed, and given back in every case;
                                   the command finds the token in ICEFALL_LEASE_TOKEN
  keep --token FILE -- COMMAND...  run a command while a lease that others have asked for is renewed, such as that of an open
                                   transaction of cvmfs_server: /var/spool/cvmfs/REPO/session_token
  leases                           leases that are held now, as JSON

Options:
  --url URL      address of the gateway's API, http://HOST:4929/api/v1 (default: $ICEFALL_GATEWAY_URL)
  --key FILE     the key, "plain_text ID SECRET" (default: $ICEFALL_GATEWAY_KEY)
  --wait SECONDS how long to wait for a path that somebody else has (default: 0)
Exit codes: 75 while the path is leased to somebody else, 2 for a wrong command line, 1 for what else fails; hold and
keep: that of the command.`;

/** What the command line is given by the process. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly out: (line: string) => void;
  readonly error: (line: string) => void;
}

const OPTIONS = {
  url: { type: 'string' },
  key: { type: 'string' },
  token: { type: 'string' },
  wait: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;
type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/** Runs one command line (without the program's name) and returns its exit code. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const at = args.indexOf('--');
    const own = at === -1 ? args : args.slice(0, at);
    const { values, positionals } = parse(own);
    const [verb = 'help', target, ...more] = positionals;
    if (values.help === true || verb === 'help') {
      terminal.out(USAGE);
      return 0;
    }
    if (more.length > 0) throw new GatewayError('usage', `${verb} takes one path, not ${more.join(', ')}`);
    return await act(verb, target, at === -1 ? [] : args.slice(at + 1), values, terminal);
  } catch (error) {
    terminal.error(`icefall-gateway: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof GatewayError ? error.exitCode : 1;
  }
}

async function act(
  verb: string,
  target: string | undefined,
  command: readonly string[],
  values: Values,
  terminal: Terminal,
): Promise<number> {
  const gateway = gatewayOf(values, terminal);
  const options = { waitMs: secondsOf(values.wait) * 1000, say: terminal.error };
  switch (verb) {
    case 'acquire': {
      const token = await acquireWithin(gateway, targetOf(target), options);
      if (values.token === undefined) terminal.out(token);
      else await keepToken(gateway, token, values.token);
      return 0;
    }
    case 'renew':
      await gateway.renew(tokenOf(values));
      return 0;
    case 'release':
      await gateway.release(tokenOf(values));
      rmSync(values.token ?? '', { force: true });
      return 0;
    case 'hold': {
      const work = given(verb, command);
      return holdLease(gateway, targetOf(target), options, (token) => runUnder(token, work));
    }
    case 'keep': {
      const work = given(verb, command);
      const token = tokenOf(values);
      return keepLease(gateway, token, options, () => runUnder(token, work));
    }
    case 'leases':
      terminal.out(JSON.stringify(await gateway.leases(), null, 2));
      return 0;
    default:
      throw new GatewayError('usage', `"${verb}" is not a command; see icefall-gateway help`);
  }
}

/** Whoever has the token can publish: it is nobody else's to read. A lease whose token cannot be kept is given back. */
async function keepToken(gateway: Gateway, token: string, file: string): Promise<void> {
  try {
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
  } catch (error) {
    await gateway.release(token).catch(() => {});
    throw error;
  }
}

function given(verb: string, command: readonly string[]): readonly string[] {
  if (command.length === 0) throw new GatewayError('usage', `${verb} takes a command after "--"`);
  return command;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new GatewayError('usage', error instanceof Error ? error.message : String(error));
  }
}

function gatewayOf(values: Values, { environment }: Terminal): Gateway {
  const url = values.url ?? environment.ICEFALL_GATEWAY_URL ?? '';
  const file = values.key ?? environment.ICEFALL_GATEWAY_KEY ?? '';
  if (!/^https?:\/\//.test(url))
    throw new GatewayError('usage', 'say where the gateway is: --url http://HOST:4929/api/v1');
  if (file === '') throw new GatewayError('usage', 'say where its key is: --key FILE');
  return new Gateway({ url, key: readKey(readText(file), file) });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new GatewayError(
      'usage',
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function tokenOf(values: Values): string {
  if (values.token === undefined) throw new GatewayError('usage', 'say which lease: --token FILE');
  return readText(values.token).trim();
}

function targetOf(target: string | undefined): string {
  const words = (target ?? '').split('/');
  const isSound = words.every(
    (word, i) => word !== '' && word !== '.' && word !== '..' && (i > 0 || word.includes('.')),
  );
  if (target === undefined || !isSound)
    throw new GatewayError('usage', `say what to lease as REPOSITORY or REPOSITORY/path, not "${target ?? ''}"`);
  return target;
}

function secondsOf(text = '0'): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 86_400)
    throw new GatewayError('usage', `--wait is a whole number of seconds, at most a day, not "${text}"`);
  return seconds;
}

/** Signals that end this process are for the command: it ends, and then the lease is given back. */
function runUnder(token: string, [program = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ICEFALL_LEASE_TOKEN: token } });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, forward);
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  }).finally(() => {
    for (const signal of signals) process.off(signal, forward);
  });
}
