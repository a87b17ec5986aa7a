import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type CvmfsRepository, type CvmfsRepositoryOptions, cvmfsRepository } from '@icefall/master/config';
import type { Work } from '@icefall/master/simulation/simulated-command';
import type { Command } from '@icefall/shared';

const NAME = 'software.example.org';
const PROJECT = resolve(import.meta.dirname, '..', '..');

/** A publisher with one repository, in a folder of its own. */
export interface Publisher extends Disposable {
  readonly repository: CvmfsRepository;
  /** Of the working directory of what runs. */
  readonly directory: string;
  isOpen(): boolean;
  revision(): number;
  /** The program that asks a gateway; a double. It notes its calls in a file beside it. */
  readonly gateway: string;
  /** Opens a transaction as a person would. */
  openByHand(): void;
  /** Runs what the master tells a worker: for a simulated worker, which takes a second for it. */
  run(command: Command): Work;
}

/** The programs of a kind of publisher. */
interface Programs {
  readonly script: string;
  readonly args: readonly string[];
  readonly make: string;
  readonly mount: string;
}

/** The embedded publisher; real. */
export function embedded(more: Pick<CvmfsRepositoryOptions, 'gateway'> = {}): Publisher {
  const home = mkdtempSync(join(tmpdir(), 'publisher-'));
  const script = join(PROJECT, 'worker', 'src', 'stratum0', 'main.ts');
  return publisher(home, { script, args: ['--dir', home], make: 'mkfs', mount: 'mount' }, more);
}

/** The stock tools; a strict fake of them, found on the PATH. */
export function stock(more: Pick<CvmfsRepositoryOptions, 'gateway'> = {}): Publisher {
  const home = mkdtempSync(join(tmpdir(), 'publisher-'));
  const script = join(PROJECT, 'tests', 'publishing', 'fake-cvmfs-server.ts');
  return publisher(home, { script, args: [], make: 'fake-mkfs', mount: 'cvmfs' }, more);
}

function publisher(home: string, programs: Programs, more: Pick<CvmfsRepositoryOptions, 'gateway'>): Publisher {
  const bin = join(home, 'bin');
  const directory = join(home, 'build');
  for (const folder of [bin, directory]) mkdirSync(folder);
  const program = join(bin, 'cvmfs_server');
  const line = [process.execPath, programs.script, ...programs.args].map((word) => `'${word}'`).join(' ');
  writeFileSync(program, `#!/bin/sh\nexec ${line} "$@"\n`);
  chmodSync(program, 0o755);
  // Of a gateway that is asked by it: tests say in a file how it ends, and read what it was told in another.
  const gateway = join(bin, 'icefall-gateway');
  const ends = [
    'echo "$ICEFALL_GATEWAY_URL $ICEFALL_GATEWAY_KEY $*" >> "$0.calls"',
    '[ "$1" != keep ] || { shift 4; exec "$@"; }',
    'exit "$(cat "$0.ends" 2> /dev/null || echo 0)"',
  ].join('\n');
  writeFileSync(gateway, `#!/bin/sh\n${ends}\n`);
  chmodSync(gateway, 0o755);
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, FAKE_CVMFS_DIR: home };
  const call = (...args: string[]) => execFileSync('cvmfs_server', args, { env, encoding: 'utf8' });
  call(programs.make, NAME);
  const [mount, spool, served] = [programs.mount, 'spool', 'srv'].map((folder) => join(home, folder));
  const places = { mount: mount ?? '', spool: spool ?? '', served: served ?? '', keys: join(home, 'keys') };
  return {
    // The program is the default, `cvmfs_server`: whichever is found on the worker's PATH.
    repository: cvmfsRepository({ name: NAME, ...places, ...more }),
    directory,
    isOpen: () => call('list').includes('in transaction'),
    revision: () =>
      Number(/^S(\d+)$/m.exec(readFileSync(join(home, 'srv', NAME, '.cvmfspublished'), 'latin1'))?.[1] ?? 1),
    gateway,
    openByHand: () => call('transaction', NAME),
    run: (command) => runHere(command, directory, env),
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

function runHere(command: Command, cwd: string, env: NodeJS.ProcessEnv): Work {
  if (command.kind !== 'shell') return { durationMs: 1000 };
  const [program = 'sh', ...args] =
    typeof command.command === 'string' ? ['sh', '-c', command.command] : command.command;
  const own = Object.fromEntries(
    Object.entries(command.env).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env: { ...env, ...own }, encoding: 'utf8' });
  const values = { stdout, stderr };
  return {
    durationMs: 1000,
    exitCode: status ?? 128,
    values,
    lines: `${stdout}${stderr}`.split('\n').filter((line) => line !== ''),
  };
}
