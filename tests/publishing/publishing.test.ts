import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  builder,
  cvmfsCheck,
  cvmfsEphemeral,
  cvmfsGarbageCollect,
  cvmfsIngest,
  cvmfsResign,
  cvmfsRollback,
  cvmfsRsync,
  cvmfsTag,
  cvmfsTransaction,
  factory,
  prop,
  type StepDeclaration,
  shell,
  site,
  worker,
} from '@icefall/master/config';
import { LockViews } from '@icefall/master/events/lock-views';
import { SimulatedSite } from '@icefall/master/simulation/simulated-site';
import { afterEach, describe, expect, test } from 'vitest';
import { embedded, type Publisher, stock } from './publishers.ts';

/**
 * The real engine and the real scripts, with a worker in memory that really runs them: on the embedded publisher, and on
 * a FAKE of the stock tools (fake-cvmfs-server.ts), by one and the same configuration.
 */
const stratum0 = worker({ name: 'stratum0', maxBuilds: 2 });
const another = worker({ name: 'another', maxBuilds: 2 });
let publisher: Publisher;
let sim: SimulatedSite;
let source: string;

afterEach(() => {
  sim?.[Symbol.dispose]();
  publisher?.[Symbol.dispose]();
});

type Fate = 'runs' | 'hangs' | 'works and hangs';

/** A site with one builder that publishes the folder `source`; `fates` tells of steps that do not just run. */
function publishing(made: Publisher, fates: Readonly<Record<string, Fate>> = {}, workers = [stratum0]): void {
  publisher = made;
  source = join(made.directory, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'hello'), 'hello\n');
  const { repository } = made;
  const steps = cvmfsTransaction({
    repository,
    path: prop('path', 'a/b'),
    message: 'a test',
    steps: [
      cvmfsRsync({ from: `${source}/`, repository, path: prop('path', 'a/b') }),
      shell({ name: 'check', command: 'true' }),
    ],
  });
  const publish = builder({ name: 'publish', workers, factory: factory(steps) });
  const work = (command: Parameters<Publisher['run']>[0], label: string) => {
    const fate = fates[label.replace(/^.*, /, '')] ?? 'runs';
    if (fate === 'hangs') return { durationMs: null };
    const done = made.run(command);
    return fate === 'runs' ? done : { ...done, durationMs: null };
  };
  sim = new SimulatedSite({ site: site({ title: 'test', workers, builders: [publish] }), work });
  sim.connectAll();
}

function build(): number {
  sim.request(['publish']);
  sim.run(30_000);
  return sim.master.core.db.one<{ id: number }>('SELECT MAX(id) AS id FROM builds')?.id ?? 0;
}

const steps = (id: number) =>
  sim.master.rooms.builds.rows
    .steps(id)
    .map((row) => `${row.name} ${row.state === 'finished' ? row.result : row.state}`);
const summaries = (id: number) =>
  Object.fromEntries(sim.master.rooms.builds.rows.steps(id).map(({ name, summary }) => [name, summary]));
function properties(id: number): Record<string, unknown> {
  const text = sim.master.rooms.builds.rows.build(id)?.properties ?? '{}';
  return Object.fromEntries(
    Object.entries(JSON.parse(text) as Record<string, { value: unknown }>).map(([k, { value }]) => [k, value]),
  );
}
const pathOf = (path: string) => ({ properties: { path: { value: path, source: 'test' } } });
const GATEWAY = { url: 'http://gateway.example.org:4929/api/v1', wait: '2m' } as const;

/** One step in a build of its own, which is done by the worker. */
function runStep(
  made: Publisher,
  declared: (repository: Publisher['repository']) => StepDeclaration | StepDeclaration[],
): string[] {
  publisher = made;
  const one = builder({ name: 'one', workers: [stratum0], factory: factory([declared(made.repository)]) });
  sim?.[Symbol.dispose]();
  sim = new SimulatedSite({
    site: site({ title: 'test', workers: [stratum0], builders: [one] }),
    work: made.run,
    // What is signed is signed by the clock on the wall.
    startMs: Date.now(),
  });
  sim.connectAll().request(['one']);
  sim.run(30_000);
  return steps(1);
}

/** Of the first step of a build that waits. */
function lockWaitedFor(id: number): string {
  const blocker = JSON.parse(sim.master.rooms.builds.rows.step(id, 0)?.blocker ?? '{}') as { lock?: string };
  return blocker.lock ?? '';
}

const gatewayCalls = () => readFileSync(`${publisher.gateway}.calls`, 'utf8').trimEnd().split('\n');
const note = () => join(publisher.repository.spool, 'icefall-transaction');

describe.each([
  ['the embedded publisher', embedded],
  ['the stock tools (a fake of them)', stock],
])('a transaction with %s', (_, make) => {
  test('publishes what its steps have changed, and tells the revision', () => {
    publishing(make());
    const before = publisher.revision();
    const id = build();
    expect(steps(id)).toEqual([
      'transaction SUCCESS',
      'rsync SUCCESS',
      'check SUCCESS',
      'publish SUCCESS',
      'abort SKIPPED',
    ]);
    expect(publisher.revision()).toBe(before + 1);
    expect(readFileSync(join(publisher.repository.tree, 'a/b/hello'), 'utf8')).toBe('hello\n');
    expect(properties(id)).toMatchObject({
      cvmfs_revision: before + 1,
      cvmfs_root_hash: expect.stringMatching(/^[0-9a-f]{40}$/),
      cvmfs_files_added: expect.any(Number),
      cvmfs_bytes_uploaded: expect.any(Number),
      rsync_transferred: 1,
    });
    expect(summaries(id).publish).toMatch(`software.example.org: revision ${before + 1}: `);
    expect(summaries(id).publish).toMatch(/: \d+ files? added, \d+ changed, .* stored$/);
    expect([publisher.isOpen(), sim.master.rooms.locks.holders()]).toEqual([false, []]);
  });

  test('is aborted where a step fails, and the next one publishes', () => {
    publishing(make());
    rmSync(source, { recursive: true });
    const before = publisher.revision();
    const failed = build();
    expect(steps(failed)).toEqual([
      'transaction SUCCESS',
      'rsync FAILURE',
      'check SKIPPED',
      'publish SKIPPED',
      'abort SUCCESS',
    ]);
    expect([publisher.isOpen(), publisher.revision()]).toEqual([false, before]);
    mkdirSync(source);
    expect(steps(build())).toContain('publish SUCCESS');
  });

  test('is aborted where the build is stopped while a step runs', () => {
    publishing(make(), { check: 'hangs' });
    const id = build();
    expect([steps(id)[2], publisher.isOpen()]).toEqual(['check running', true]);
    sim.master.rooms.core.turn(() => sim.master.rooms.builds.stop(id, 'enough'));
    sim.run(30_000);
    expect(steps(id).slice(2)).toEqual(['check CANCELLED', 'publish SKIPPED', 'abort SUCCESS']);
    expect([publisher.isOpen(), properties(id).cvmfs_transaction]).toEqual([false, 'aborted']);
  });

  test('is aborted where the build is stopped while it is opened', () => {
    publishing(make(), { transaction: 'works and hangs' });
    const id = build();
    sim.master.rooms.core.turn(() => sim.master.rooms.builds.stop(id, 'enough'));
    sim.run(30_000);
    expect(steps(id)).toEqual([
      'transaction CANCELLED',
      'rsync SKIPPED',
      'check SKIPPED',
      'publish SKIPPED',
      'abort SUCCESS',
    ]);
    expect(publisher.isOpen()).toBe(false);
  });

  test('goes on over a restart of the master, with its lock', () => {
    publishing(make());
    sim.request(['publish']);
    sim.run(1500).killMaster();
    sim.startMaster().run(100);
    expect(sim.master.rooms.locks.locksOf('step:1.0')).toEqual(['cvmfs_software.example.org']);
    sim.connectAll().run(30_000);
    expect(steps(1)).toContain('publish SUCCESS');
  });

  test('whose worker is lost while it publishes is never published twice, and cleaned up when the worker is back', () => {
    publishing(make(), { publish: 'works and hangs' });
    const before = publisher.revision();
    const id = build();
    expect(steps(id)[3]).toBe('publish running');
    sim.worker('stratum0').loseDisk();
    sim.run(60_000).connectAll().run(60_000);
    expect(steps(id).slice(3)).toEqual(['publish EXCEPTION', 'abort SUCCESS']);
    expect([publisher.isOpen(), publisher.revision()]).toEqual([false, before + 1]);
    expect(summaries(id).abort).toBe(
      `software.example.org: the transaction had ended before; revision ${before + 1} is published now`,
    );
    expect(properties(id).cvmfs_transaction).toBe('ended');
  });

  test('that a crash has left open is aborted by the next one, which tells whose it was', () => {
    publishing(make());
    publisher.openByHand();
    writeFileSync(note(), 'publish #7 on stratum0 (build 70)\n');
    const id = build();
    expect(summaries(id).transaction).toContain('(aborted one that publish #7 on stratum0 (build 70) left open)');
    expect(properties(id).cvmfs_recovered).toBe('publish #7 on stratum0 (build 70)');
    expect(steps(id)).toContain('publish SUCCESS');
  });

  test('is not begun, and nothing is aborted, where a person has one open', () => {
    publishing(make());
    const before = publisher.revision();
    publisher.openByHand();
    const id = build();
    expect(steps(id)).toEqual([
      'transaction FAILURE',
      'rsync SKIPPED',
      'check SKIPPED',
      'publish SKIPPED',
      'abort SUCCESS',
    ]);
    expect([summaries(id).transaction, summaries(id).abort]).toEqual([
      expect.stringContaining('is open that no build has opened; publish or abort it by hand'),
      `software.example.org: no transaction of this build is open; revision ${before} is published now`,
    ]);
    expect(publisher.isOpen()).toBe(true);
  });

  test('that an ingest has left open, which was killed, is aborted by the next step, which tells whose it was', () => {
    const made = make();
    const release = join(made.directory, 'release');
    mkdirSync(release);
    writeFileSync(join(release, 'README'), 'read me\n');
    const before = made.revision();
    const dies =
      'case $1 in ingest) cvmfs_server transaction "$NAME"; kill -9 $PPID ;; *) exec cvmfs_server "$@" ;; esac';
    const killed = (repository: Publisher['repository']) =>
      cvmfsIngest({
        repository: { ...repository, server: ['sh', '-c', dies, 'cvmfs_server'] },
        ...{ path: 'a', directory: release, env: { NAME: repository.name }, workdir: made.directory },
      });
    expect(runStep(made, killed)).toEqual(['cvmfsIngest FAILURE']);
    expect([made.isOpen(), readFileSync(note(), 'utf8')]).toEqual([true, 'one #1 on stratum0 (build 1)\n']);
    const ingest = (repository: Publisher['repository']) =>
      cvmfsIngest({ repository, path: 'a', directory: release, workdir: made.directory });
    expect(runStep(made, ingest)).toEqual(['cvmfsIngest SUCCESS']);
    expect(properties(1)).toMatchObject({
      cvmfs_recovered: 'one #1 on stratum0 (build 1)',
      cvmfs_revision: before + 1,
    });
    expect([made.isOpen(), existsSync(note()), readdirSync(made.directory)]).toEqual([false, false, ['release']]);
    // Any other step that needs it closed does the same.
    made.openByHand();
    writeFileSync(note(), 'publish #7 on stratum0 (build 70)\n');
    expect(runStep(made, (repository) => cvmfsTag({ repository, tag: 'v1' }))).toEqual(['cvmfsTag SUCCESS']);
    expect(summaries(1).cvmfsTag).toContain('(aborted one that publish #7 on stratum0 (build 70) left open)');
  });

  test('has the other verbs beside it', () => {
    const made = make();
    mkdirSync(join(made.directory, 'release'));
    writeFileSync(join(made.directory, 'release', 'README'), 'read me\n');
    const before = made.revision();
    const common = { workdir: made.directory } as const;
    const ingested = { cvmfs_files_added: expect.any(Number), cvmfs_bytes_uploaded: expect.any(Number) };
    const ingest = (repository: Publisher['repository']) =>
      cvmfsIngest({ ...common, repository, path: 'releases/v1', directory: 'release' });
    expect(runStep(made, ingest)).toEqual(['cvmfsIngest SUCCESS']);
    expect(properties(1).cvmfs_revision).toBe(before + 1);
    expect(properties(1)).toMatchObject(ingested);
    // An archive that is there already.
    execFileSync('tar', ['-C', join(made.directory, 'release'), '-cf', join(made.directory, 'made.tar'), '.']);
    const tarball = (repository: Publisher['repository']) =>
      cvmfsIngest({ ...common, repository, path: 'releases/v2', tarball: 'made.tar' });
    expect(runStep(made, tarball)).toEqual(['cvmfsIngest SUCCESS']);
    expect(properties(1)).toMatchObject({ ...ingested, cvmfs_revision: before + 2 });
    expect(runStep(made, (repository) => cvmfsTag({ repository, tag: 'v1' }))).toEqual(['cvmfsTag SUCCESS']);
    // The statistics of a publish of before are none of a tag's.
    expect(properties(1)).not.toHaveProperty('cvmfs_files_added');
    expect(runStep(made, (repository) => cvmfsRollback({ repository, tag: 'v1' }))).toEqual(['cvmfsRollback SUCCESS']);
    expect(properties(1).cvmfs_revision).toBe(before + 3);
    expect(runStep(made, (repository) => cvmfsTag({ repository, tag: 'v1', remove: true }))).toEqual([
      'cvmfsTag SUCCESS',
    ]);
    expect(runStep(made, (repository) => cvmfsRollback({ repository, tag: 'v1' }))).toEqual(['cvmfsRollback FAILURE']);
    expect(runStep(made, (repository) => cvmfsCheck({ repository }))).toEqual(['cvmfsCheck SUCCESS']);
    expect(runStep(made, (repository) => cvmfsGarbageCollect({ repository }))).toEqual(['cvmfsGarbageCollect SUCCESS']);
    made.openByHand();
    expect(runStep(made, ingest)).toEqual(['cvmfsIngest FAILURE']);
    expect(summaries(1).cvmfsIngest).toContain('is open that no build has opened; publish or abort it by hand');
    expect(made.isOpen()).toBe(true);
  });
});

describe('a transaction through a gateway', () => {
  test('waits for a path that somebody outside the site has, and holds only the lock of the path', () => {
    publishing(stock({ gateway: GATEWAY }), { check: 'hangs' });
    build();
    const keys = `${publisher.repository.keys}/software.example.org.gw`;
    const lease = `${note()}.lease`;
    expect(gatewayCalls().slice(0, 2)).toEqual([
      `${GATEWAY.url} ${keys} acquire software.example.org/a/b --wait 120 --token ${lease}`,
      `${GATEWAY.url} ${keys} release --token ${lease}`,
    ]);
    expect(sim.master.rooms.locks.locksOf('step:1.0')).toEqual([
      'cvmfs_software.example.org',
      'cvmfs_software.example.org/a',
      'cvmfs_software.example.org/a/b',
      'cvmfs_machine_software.example.org@stratum0',
    ]);
    const views = new LockViews(sim.master.core.db, sim.master.config, () => sim.clock.now());
    expect(views.all().map(({ name, ofPaths, holders }) => [name, ofPaths, holders[0]?.mode])).toEqual([
      ['cvmfs_software.example.org', true, 'counting'],
      ['cvmfs_machine_software.example.org@stratum0', false, 'exclusive'],
      ['cvmfs_software.example.org/a', true, 'counting'],
      ['cvmfs_software.example.org/a/b', true, 'exclusive'],
    ]);
  });

  test('gives back first what was left of an asking that was cut off', () => {
    publishing(stock({ gateway: GATEWAY }));
    writeFileSync(`${note()}.lease`, 'token-of-before\n');
    expect(steps(build())).toContain('publish SUCCESS');
    expect(gatewayCalls().map((call) => call.split(' ')[2])).toEqual([
      ...['release', 'acquire', 'release'],
      ...['keep', 'keep', 'keep'],
    ]);
  });

  test('keeps its lease while it copies and publishes', () => {
    publishing(stock({ gateway: GATEWAY }));
    expect(steps(build()).slice(0, 4)).toEqual([
      'transaction SUCCESS',
      'rsync SUCCESS',
      'check SUCCESS',
      'publish SUCCESS',
    ]);
    const kept = gatewayCalls().flatMap((call) => call.split(` keep --token ${publisher.repository.spool}/`).slice(1));
    expect(kept).toEqual([
      expect.stringMatching(/^session_token -- rsync .* --dry-run/),
      expect.stringMatching(/^session_token -- rsync /),
      'session_token -- cvmfs_server publish software.example.org',
    ]);
  });

  test('goes on beside one of a path that is apart, on another machine', () => {
    publishing(stock({ gateway: true }), { transaction: 'hangs' }, [stratum0, another]);
    for (const path of ['a/b', 'd', 'a/b/c', 'e']) sim.request(['publish'], pathOf(path));
    sim.run(30_000);
    expect([1, 2, 3, 4].map((id) => steps(id)[0])).toEqual([
      'transaction running',
      'transaction running',
      'transaction waitingForLocks',
      'transaction waitingForLocks',
    ]);
    expect([3, 4].map(lockWaitedFor)).toEqual([
      'cvmfs_software.example.org/a/b',
      expect.stringMatching(/^cvmfs_machine_software.example.org@/),
    ]);
  });

  test('is not opened where the path stays busy', () => {
    publishing(stock({ gateway: GATEWAY }));
    writeFileSync(`${publisher.gateway}.ends`, '75');
    const id = build();
    expect(steps(id)[0]).toBe('transaction FAILURE');
    expect(summaries(id).transaction).toContain('a publisher outside this site has the path');
    expect(publisher.isOpen()).toBe(false);
  });
});

describe('the copy', () => {
  /** A tree of so many files, of which the source has only so many. */
  function copying(files: number, kept: number, more: Partial<Parameters<typeof cvmfsRsync>[0]> = {}): string[] {
    const made = stock();
    const [from, to] = [join(made.directory, 'from'), join(made.directory, 'deep', 'er', 'to')];
    for (const folder of [from, to]) mkdirSync(folder, { recursive: true });
    for (let i = 0; i < files; i += 1) writeFileSync(join(to, `file ${i}`), 'x');
    for (let i = 0; i < kept; i += 1) writeFileSync(join(from, `file ${i}`), 'x');
    return runStep(made, () => cvmfsRsync({ from: `${from}/`, to: `${to}/`, ...more }));
  }

  test('refuses to delete more than the limit, and copies nothing then', () => {
    expect(copying(40, 10)).toEqual(['rsync FAILURE']);
    expect(summaries(1).rsync).toBe('30 of 40 entries would be deleted, more than 50 %; nothing was copied');
    expect(readdirSync(join(publisher.directory, 'deep', 'er', 'to'))).toHaveLength(40);
  });

  test('deletes what it may, and tells what it did', () => {
    expect(copying(40, 30)).toEqual(['rsync SUCCESS']);
    expect(properties(1)).toMatchObject({ rsync_deleted: 10, rsync_files: 31 });
  });

  test.each([
    ['in a small tree', 20, 0, {}],
    ['with no limit', 40, 0, { deleteLimit: null }],
    ['where nothing is deleted at all', 40, 0, { delete: false }],
  ])('has nothing against it %s', (_, files, kept, more) => {
    expect(copying(files, kept, more)).toEqual(['rsync SUCCESS']);
  });

  test.each([
    [24, 'rsync WARNINGS', 'some files vanished while they were copied; the others are there'],
    [23, 'rsync FAILURE', 'some files could not be copied; the log tells which'],
    [12, 'rsync FAILURE', expect.stringContaining('exit code 12')],
  ])('that rsync ends with %i is %s', (code, result, summary) => {
    const script = `echo "Number of files: 7 (reg: 6, dir: 1)"; exit ${code}`;
    expect(copying(1, 1, { program: ['sh', '-c', script, 'rsync'], deleteLimit: null })).toEqual([result]);
    expect(summaries(1).rsync).toEqual(summary);
    expect(properties(1).rsync_files).toBe(7);
  });
});

describe('an ephemeral publish', () => {
  /** A cvmfs_server that enters nothing: it runs the command, and hands its exit code on, or not. */
  function ephemeral(work: string, commit: string, enter: string): string[] {
    const made = stock();
    const enters = `shift; while [ "$1" != -- ]; do shift; done; shift; ${enter}`;
    const repository = { ...made.repository, server: ['sh', '-c', enters, 'cvmfs_server'] };
    return runStep(made, () =>
      cvmfsEphemeral({ repository, command: work, config: '/etc/cvmfs/site', commit: ['sh', '-c', commit] }),
    );
  }

  test('commits what its command has changed', () => {
    expect(ephemeral('true', 'test "$0" = software.example.org', '"$@"')).toEqual(['cvmfsEphemeral SUCCESS']);
  });

  test.each([
    ['the command fails', 'false', 'true', '"$@"'],
    ['the commit fails', 'true', 'false', '"$@"'],
    ['it fails without an exit code', 'true', 'false', '"$@"; exit 0'],
  ])('fails where %s', (_, work, commit, enter) => {
    expect(ephemeral(work, commit, enter)).toEqual(['cvmfsEphemeral FAILURE']);
  });
});

describe('a whitelist', () => {
  const alarms = () => sim.master.core.alarms.all.map(({ message }) => message.replace(/ on .* UTC/, ''));
  const served = () => join(publisher.repository.served, '.cvmfswhitelist');
  test('is signed by the publisher; the days left are told, and watched', () => {
    const resigned = (repository: Publisher['repository']) => cvmfsResign({ repository, days: 2, warnDays: 3 });
    expect(runStep(embedded(), resigned)).toEqual(['cvmfsResign SUCCESS']);
    expect([1, 2]).toContain(properties(1).cvmfs_whitelist_days);
    expect(alarms()).toEqual([expect.stringMatching(/^the whitelist of software.example.org ends, in [12] days?$/)]);
    for (let hours = 0; hours < 60; hours += 12) sim.run(12 * 3_600_000);
    expect(alarms()).toEqual(['the whitelist of software.example.org has ended']);
  });

  test('that another program has signed is verified and put in place', () => {
    const made = embedded();
    const before = readFileSync(join(made.repository.served, '.cvmfswhitelist'));
    const signer = ['sh', '-c', 'cat "$0/.cvmfswhitelist"', made.repository.served];
    expect(runStep(made, (repository) => cvmfsResign({ repository, signer }))).toEqual([
      'whitelist, fetched SUCCESS',
      'whitelist SUCCESS',
    ]);
    expect(readFileSync(served())).toEqual(before);
    expect(sim.master.rooms.locks.holders()).toEqual([]);
  });

  test.each([
    ['is no whitelist', 'echo hello', 'it is no whitelist: there is no signature'],
    ['was changed', 'sed s/^E2/E9/ "$0/.cvmfswhitelist"', 'its text does not have the hash that is given for it'],
    ['is of another key', 'head -c -1 "$0/.cvmfswhitelist"; printf x', 'it was not signed with the master key'],
  ])('that %s is refused, and the old one stays', (_, command, why) => {
    const made = embedded();
    const before = readFileSync(join(made.repository.served, '.cvmfswhitelist'));
    const signer = ['sh', '-c', `export LC_ALL=C; ${command}`, made.repository.served];
    const renewed = runStep(made, (repository) => cvmfsResign({ repository, signer }));
    expect(renewed).toEqual(['whitelist, fetched FAILURE', 'whitelist SKIPPED']);
    expect(summaries(1)['whitelist, fetched']).toBe(`new whitelist of software.example.org is refused: ${why}`);
    expect(readFileSync(served())).toEqual(before);
  });
});
