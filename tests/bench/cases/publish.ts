import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { type BenchCase, type BenchContext, BenchError, type Outcome } from '../bench-case.ts';
import { type Figure, lower, type Peers } from '../figures.ts';
import { memoryMib, startNode } from '../site/processes.ts';

const PROGRAM = join(import.meta.dirname, '../../../worker/bin/icefall-stratum0.mjs');
const REPOSITORY = 'bench.icefall.example';
const FILES_A_DIRECTORY = 100;
/** Files of one package of the large tree; each package is a nested catalog. */
const FILES_A_PACKAGE = 1000;
const POLL_MS = 25;
const TICKS_PER_SECOND = 100;

/** A command's end: what it took. */
interface Cost {
  readonly wallS: number;
  readonly cpuS: number;
  readonly peakMib: number;
}

/** One repository of the embedded stratum 0, driven by its command line. */
class Repository {
  readonly directory: string;
  readonly mount: string;
  constructor(directory: string) {
    this.directory = directory;
    this.mount = join(directory, 'mount', REPOSITORY);
  }

  async command(...args: readonly string[]): Promise<Cost> {
    const cpuBefore = childrenSeconds();
    const begun = performance.now();
    await using run = startNode([PROGRAM, '--dir', this.directory, ...args]);
    let peakMib = 0;
    const ended = once(run.child, 'exit');
    const isOver = new AbortController();
    ended.then(() => isOver.abort());
    while (!isOver.signal.aborted) {
      peakMib = Math.max(peakMib, peakOf(run.pid));
      await pause(POLL_MS, null, { signal: isOver.signal }).catch(() => {});
    }
    const wallS = (performance.now() - begun) / 1000;
    if (run.child.exitCode !== 0) throw new BenchError(`icefall-stratum0 ${args.join(' ')}: ${run.errors()}`);
    return { wallS, cpuS: childrenSeconds() - cpuBefore, peakMib };
  }

  /** What it takes to publish what `change` does, in a transaction of its own; with a path: on that path. */
  async publish(change: () => void | Promise<void>, path = '', options: readonly string[] = []): Promise<Cost> {
    await this.command('transaction', `${REPOSITORY}${path}`);
    await change();
    // What was changed in the moment of a publish is read again by the next one.
    await pause(200);
    return this.command('publish', ...options, REPOSITORY);
  }
}

/** Of a process that may just have ended. */
function peakOf(pid: number): number {
  try {
    return memoryMib(pid).peak || 0;
  } catch {
    return 0;
  }
}

/** Processor time of all children that have ended. */
function childrenSeconds(): number {
  const own = readFileSync('/proc/self/stat', 'latin1');
  const fields = own.slice(own.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

function costs(name: string, cost: Cost, wall: Partial<Peers> = {}, cpu: Partial<Peers> = {}): Figure[] {
  return [
    lower({ name, unit: 's', value: cost.wallS }, wall),
    lower({ name: `${name}: CPU`, unit: 's', value: cost.cpuS }, cpu),
  ];
}

function writeSmallFiles(root: string, count: number): void {
  for (let i = 0; i < count; i += 1) {
    const directory = join(root, `d${Math.floor(i / FILES_A_DIRECTORY)}`);
    if (i % FILES_A_DIRECTORY === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${i % FILES_A_DIRECTORY}`), `${i} ${'lorem ipsum dolor '.repeat(20)}`);
  }
}

async function writeNoise(path: string, megabytes: number): Promise<void> {
  const stream = createWriteStream(path);
  for (let i = 0; i < megabytes; i += 1) if (!stream.write(randomBytes(1_000_000))) await once(stream, 'drain');
  stream.end();
  await finished(stream);
}

async function measure({ directory, quick, say }: BenchContext): Promise<Outcome> {
  const files = quick ? 500 : 10_000;
  const megabytes = quick ? 20 : 1000;
  const repository = new Repository(directory);
  await repository.command('mkfs', REPOSITORY);
  // Node keeps what it has compiled: a site publishes for the first time once.
  await repository.publish(() => writeSmallFiles(join(repository.mount, 'first'), FILES_A_DIRECTORY));
  const many = await repository.publish(() => writeSmallFiles(join(repository.mount, 'many'), files));
  say(`${files} files: ${many.wallS.toFixed(2)} s`);
  const one = await repository.publish(() => writeFileSync(join(repository.mount, 'many/d0/f7'), 'changed'));
  say(`one of them: ${one.wallS.toFixed(2)} s`);
  const large = await repository.publish(() => writeNoise(join(repository.mount, 'large'), megabytes));
  say(`${megabytes} MB: ${large.wallS.toFixed(2)} s`);
  return {
    conditions: `${files} files of 370 bytes, 100 in a directory; ${megabytes} MB that cannot be compressed; each the time of one command, from its start to its end`,
    figures: [
      ...costs('10,000 small new files', many, { cvmfsServer: 1.06 }, { cvmfsServer: 1.4 }),
      lower({ name: '10,000 small new files: memory, peak', unit: 'MiB', value: many.peakMib }),
      ...costs('one changed among them', one, { cvmfsServer: 0.33 }),
      ...costs('1 GB of incompressible data', large, { cvmfsServer: 17 }, { cvmfsServer: 31 }),
    ],
  };
}

/** What publishing takes, beside the stock tools. */
export const publish: BenchCase = { name: 'publish', title: 'publishing to CernVM-FS', run: measure };

async function measureLarge({ directory, quick, say }: BenchContext): Promise<Outcome> {
  const packages = quick ? 4 : 1000;
  const repository = new Repository(directory);
  await repository.command('mkfs', REPOSITORY);
  const all = await repository.publish(() => {
    for (let i = 0; i < packages; i += 1) {
      const root = join(repository.mount, `s${Math.floor(i / FILES_A_DIRECTORY)}`, `p${i}`);
      writeSmallFiles(root, FILES_A_PACKAGE);
      writeFileSync(join(root, '.cvmfscatalog'), '');
    }
  });
  say(`${packages * FILES_A_PACKAGE} files: ${all.wallS.toFixed(1)} s`);
  const file = 's0/p3/d1/f7';
  const change = (text: string) => () => writeFileSync(join(repository.mount, file), text);
  const there = await repository.publish(change('one'), '/s0/p3');
  say(`one of them, on its path: ${there.wallS.toFixed(2)} s`);
  const list = join(directory, 'changed');
  writeFileSync(list, `${file}\n`);
  const listed = await repository.publish(change('two'), '', ['--changed', list]);
  say(`one of them, by a list: ${listed.wallS.toFixed(2)} s`);
  const anywhere = await repository.publish(change('three'));
  return {
    conditions: `${packages * FILES_A_PACKAGE} small files in ${packages} nested catalogs`,
    figures: [
      ...costs('1,000,000 new files', all),
      lower({ name: '1,000,000 new files: memory, peak', unit: 'MiB', value: all.peakMib }),
      ...costs('one changed among them, transaction on a path', there),
      ...costs('one changed among them, on a list (--changed)', listed),
      ...costs('one changed among them, anywhere', anywhere),
    ],
  };
}

/** What a change costs in a large repository. Takes minutes, and as many inodes as files. */
export const publishMillion: BenchCase = {
  name: 'publish-million',
  title: 'publishing one change among a million files',
  onRequest: true,
  run: measureLarge,
};
