import { describe, expect, test } from 'vitest';
import { masterLock, pathLock } from '../../config/locks.ts';
import { prop } from '../../properties/references.ts';
import { locksOf } from '../kind.ts';
import { shell } from '../shell.ts';
import type { StepDeclaration } from '../step.ts';
import { anOutcome, aRun, commandOf, mistakesIn } from '../test-run.ts';
import { readPublished } from './published.ts';
import { cvmfsRepository } from './repository.ts';
import { cvmfsResign } from './resign.ts';
import { cvmfsRsync, readStatistics } from './rsync.ts';
import { plainMessage } from './script.ts';
import { cvmfsTransaction } from './transaction.ts';
import { cvmfsCheck, cvmfsEphemeral, cvmfsGarbageCollect, cvmfsIngest, cvmfsRollback, cvmfsTag } from './verbs.ts';

const repository = cvmfsRepository({ name: 'software.example.org' });
const remote = cvmfsRepository({ name: 'far.example.org', served: 'http://far.example.org/cvmfs' });
const work = shell({ name: 'work', command: 'make install' });
// What the compiler refuses, a program may hold all the same.
const wrong = (declare: (options: never) => unknown, options: unknown) => mistakesIn(() => declare(options as never));

describe('a repository', () => {
  test('has the places of the stock tools, and a lock of its own for each path', () => {
    expect(repository).toMatchObject({
      server: ['cvmfs_server'],
      tree: '/cvmfs/software.example.org',
      spool: '/var/spool/cvmfs/software.example.org',
      served: '/srv/cvmfs/software.example.org',
      gateway: false,
      lock: { name: 'cvmfs_software.example.org' },
    });
  });

  test.each([
    [{ name: 'software' }, /option "name": must be a fully qualified repository name/],
    [{ name: 'a b.org' }, /option "name"/],
    [{ name: '../etc.org' }, /option "name"/],
    [{ name: `${'a'.repeat(60)}.org` }, /at most 60 characters/],
    [{ name: 'a.org', mount: 'cvmfs' }, /option "mount": must be an absolute path/],
    [{ name: 'a.org', spool: '/var/../etc' }, /option "spool": must be an absolute path without/],
    [{ name: 'a.org', served: 'ftp://a.org' }, /option "served": must be an absolute path or an http address/],
    [{ name: 'a.org', server: [] }, /option "server"/],
    [{ name: 'a.org', lock: 'publish' }, /option "lock": must be a masterLock/],
    [{ name: 'a.org', gateway: { url: 'gateway:4929' } }, /option "gateway.url"/],
    [{ name: 'a.org', gateway: { url: 'http://g/api/v1', wait: 'long' } }, /option "gateway.wait"/],
    [{ name: 'a.org', servre: [] }, /unknown option "servre"/],
    [{}, /option "name": is missing/],
  ])('tells at load what is wrong (%#)', (options, expected) => {
    expect(wrong(cvmfsRepository, options)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('the locks of a publish', () => {
  const locksOfFirst = (steps: readonly StepDeclaration[], path = 'a/b') =>
    steps.slice(0, 1).flatMap((step) => locksOf(step, aRun({ properties: { path } })));
  const transaction = (of: typeof repository, more = {}) =>
    cvmfsTransaction({ repository: of, path: prop('path'), steps: [work], ...more });

  test('are the whole repository, and through a gateway only the path', () => {
    expect(locksOfFirst(transaction(repository))).toMatchObject([{ lock: { name: repository.lock.name }, path: '' }]);
    const leased = cvmfsRepository({ name: 'leased.example.org', gateway: true });
    expect(locksOfFirst(transaction(leased), 'a/b/')).toMatchObject([
      { lock: { name: leased.lock.name }, path: 'a/b' },
      { lock: { name: 'cvmfs_machine_leased.example.org', scope: 'worker' } },
    ]);
    expect(() => locksOfFirst(transaction(leased), '../b')).toThrow();
  });

  test('are the one that the site gave, with others that it names', () => {
    const [publishing, tree] = [masterLock('publishing'), pathLock('tree')];
    const one = cvmfsRepository({ name: 'one.example.org', lock: publishing });
    expect(locksOfFirst(transaction(one, { locks: [tree.exclusive()] }))).toMatchObject([
      { lock: { name: 'tree' } },
      { lock: { name: 'publishing' }, mode: 'exclusive' },
    ]);
    expect(cvmfsGarbageCollect({ repository: one }).locks).toMatchObject([{ lock: { name: 'publishing' } }]);
    expect(cvmfsEphemeral({ repository: one, command: 'true', config: '/etc/x' }).locks).toHaveLength(1);
  });

  test('are kept from the opening to the end of the clean-up', () => {
    const steps = transaction(repository);
    expect(steps.map(({ name }) => name)).toEqual(['transaction', 'work', 'publish', 'abort']);
    expect(steps[0]?.locksUntil).toBe(steps.at(-1));
  });
});

describe('steps that publish', () => {
  test('are never started twice by themselves, those in the transaction neither', () => {
    const steps = [
      ...cvmfsTransaction({ repository, steps: [work] }),
      cvmfsTag({ repository, tag: 'v1' }),
      cvmfsEphemeral({ repository, command: 'true', config: '/etc/x' }),
    ];
    expect(steps.map(({ retryable }) => retryable)).toEqual(steps.map(() => false));
  });

  test('tell the publisher for whom they work, and under which number of their locks', () => {
    const run = aRun({
      builder: 'publish',
      buildNumber: 7,
      buildId: 70,
      worker: 'stratum0',
      properties: { lock_fence: 9 },
    });
    const { env } = commandOf('shell', () => cvmfsGarbageCollect({ repository }), run);
    expect(env).toMatchObject({ ICEFALL_STRATUM0_OWNER: 'publish #7 on stratum0 (build 70)', ICEFALL_FENCE: '9' });
  });

  test('show what they run, not how, and mean no variable of the worker', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a word of the publisher's own
    const server = ['sh', '-c', 'exec "${TOOLS}/it\'s" "$@"', 'cvmfs_server'];
    const { command, env } = commandOf('shell', () => cvmfsCheck({ repository: { ...repository, server } }));
    const [shell, , line, name, ...args] = command;
    expect([shell, line, name, args.slice(4)]).toEqual([
      ...['sh', 'eval "$ICEFALL_SCRIPT"', 'cvmfsCheck'],
      [...server, 'check', 'software.example.org'],
    ]);
    expect(env.ICEFALL_SCRIPT).toContain(
      `publisher() { 'sh' '-c' 'exec "$''{TOOLS}/it'\\''s" "$@"' 'cvmfs_server' "$@"; }`,
    );
    expect(env.ICEFALL_SCRIPT).not.toContain('${');
  });

  test.each([
    [cvmfsTransaction, { repository, steps: [] }, /option "steps": must be a list of at least one step/],
    [cvmfsTransaction, { repository: 'software.example.org', steps: [work] }, /must be a cvmfsRepository/],
    [cvmfsTransaction, { repository, path: '/etc', steps: [work] }, /option "path": must be a path below the root/],
    [cvmfsTransaction, { repository, path: 'a/../..', steps: [work] }, /option "path"/],
    [cvmfsTransaction, { repository, tag: 'a b', steps: [work] }, /option "tag"/],
    [cvmfsTransaction, { repository, tag: '-f', steps: [work] }, /option "tag": .* does not begin with "-"/],
    [cvmfsTransaction, { repository, steps: [work, [false]] }, /option "steps": element 1 is not a step/],
    [cvmfsTransaction, { repository, stepz: [work], steps: [work] }, /unknown option "stepz"/],
    [cvmfsRsync, { from: 'a/' }, /needs either "to" .* or "repository"/],
    [cvmfsRsync, { from: 'a/', repository, to: '/b' }, /needs either/],
    [cvmfsRsync, { from: 'a/', to: '/b', path: 'c' }, /option "path": is a path in a repository/],
    [cvmfsRsync, { from: 'a/', repository, path: '../b' }, /option "path": must be a path below the root/],
    [cvmfsRsync, { from: '--rsh=touch owned', to: '/b' }, /option "from": must be a folder or an address/],
    [cvmfsRsync, { from: 'a/', to: '-oProxyCommand=touch owned:/b' }, /option "to": must be a folder or an address/],
    [cvmfsRsync, { from: 'a/', to: '/b', deleteLimit: 50 }, /option "deleteLimit": must be a share from 0 to 1/],
    [cvmfsIngest, { repository, path: 'a' }, /needs either "tarball" or "directory"/],
    [cvmfsIngest, { repository, path: '', tarball: 'a.tar' }, /must name a path in the repository/],
    [cvmfsIngest, { repository, path: 'a $(b)', tarball: 'a.tar' }, /option "path": must have no spaces/],
    [cvmfsIngest, { repository, path: 'a', tarball: 'a;b.tar' }, /option "tarball": must have no spaces/],
    [cvmfsIngest, { repository, path: 'a', tarball: '-b' }, /option "tarball": must have no spaces/],
    [cvmfsTag, { repository, tag: '-x y' }, /option "tag"/],
    [cvmfsRollback, { repository, tag: '--help' }, /option "tag": .* does not begin with "-"/],
    [cvmfsResign, { repository, from: 'ftp://a' }, /option "from": must be an http or https address/],
    [cvmfsResign, { repository: remote, from: 'http://a' }, /option "repository": must be served from a folder/],
    [cvmfsEphemeral, { repository, command: 'true', config: 'etc' }, /option "config": must be an absolute path/],
  ])('tell at load what is wrong (%#)', (declare, options, expected) => {
    expect(wrong(declare, options)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('a message', () => {
  test.each([
    ['Release 1.2: größer, schneller!', 'Release 1.2: größer, schneller!'],
    ['Fix #12 (urgent)', 'Fix 12 urgent'],
    ['it\'s "$(reboot)" `reboot`; \\', 'it s reboot reboot'],
    ['one\n\ntwo\tthree\0', 'one two three'],
    ['-r x --force a-b - c', 'r x force a-b  c'],
    ['"-r', 'r'],
  ])('of %j is handed on as %j', (given, told) => {
    expect(plainMessage(given)).toBe(told);
    const { command } = commandOf('shell', () => cvmfsTag({ repository, tag: 'v1', message: given }), aRun({}));
    expect(command).toContain(told);
  });
});

describe('the account of a publish', () => {
  const manifest = 'C0123456789012345678901234567890123456789\nB4096\nS12\nNsoftware.example.org\nT1700000000\n';

  test('is read from the manifest and the statistics of the stock tools', () => {
    const output = `busy\n--- manifest\n${manifest}--- statistics\nrevision|files_added|sz_bytes_uploaded\n12|34|99\n`;
    expect(readPublished(output)).toEqual({
      properties: {
        cvmfs_revision: 12,
        cvmfs_root_hash: '0123456789012345678901234567890123456789',
        cvmfs_catalog_bytes: 4096,
        cvmfs_published_at: '2023-11-14T22:13:20.000Z',
        cvmfs_files_added: 34,
        cvmfs_bytes_uploaded: 99,
      },
      summary: 'revision 12: 34 files added, 99 B stored',
    });
  });

  test('has no statistics of another revision, and those of publishers that tell none', () => {
    const counted = (header: string, row: string) =>
      readPublished(`--- manifest\n${manifest}--- statistics\n${header}\n${row}\n`).properties.cvmfs_files_added;
    expect(counted('revision|files_added', '11|34')).toBeUndefined();
    expect(counted('publish_id|files_added', '5|34')).toBe(34);
  });

  test('is short where nothing is told', () => {
    expect(readPublished('')).toEqual({ properties: {}, summary: 'published' });
    expect(readPublished('--- manifest\nCxyz\nSnone\n--- statistics\n')).toEqual({
      properties: {},
      summary: 'published',
    });
  });
});

test('the statistics of rsync are numbers, also where it writes them for people', () => {
  const text =
    'Number of files: 1,234 (reg: 1,200, dir: 34)\nNumber of deleted files: 5\nTotal file size: 9,999 bytes\n';
  expect(readStatistics(text)).toEqual({ rsync_files: 1234, rsync_deleted: 5, rsync_bytes: 9999 });
});

describe('a failure', () => {
  const endOf = (stderr: string, more = {}, stdout = '') =>
    cvmfsGarbageCollect({ repository })
      .prepare(aRun())
      .end(anOutcome({ exitCode: 1, values: { stdout, stderr }, ...more })).summary;
  const what = 'collect the garbage of software.example.org';

  test('tells why, as the program did last', () => {
    expect(endOf('busy\r\n\ngc: the disk is full\n\n')).toBe(`${what}: exit code 1: gc: the disk is full`);
    expect(endOf('', {}, 'Repository whitelist is expired!\n')).toBe(
      `${what}: exit code 1: Repository whitelist is expired!`,
    );
    expect(endOf('the reason\n', {}, 'busy\n')).toBe(`${what}: exit code 1: the reason`);
    expect(endOf(`${'x'.repeat(500)}\n`)).toBe(`${what}: exit code 1: ${'x'.repeat(200)}`);
  });

  test('tells how it ended where the program said nothing, or was ended', () => {
    expect(endOf('')).toBe(`${what}: exit code 1`);
    expect(endOf('still busy\n', { reason: 'interrupted', exitCode: null })).toBe(`${what}: interrupted`);
  });

  test('of rsync is told by its errors, not by its statistics', () => {
    const stderr = 'rsync error: timeout (code 30)\nNumber of files: 3\nTotal file size: 9 bytes\n';
    const { end } = cvmfsRsync({ from: 'a/', to: '/b' }).prepare(aRun());
    const summary = 'rsync a/ to /b: exit code 30: rsync error: timeout (code 30)';
    expect(end(anOutcome({ exitCode: 30, values: { stderr } }))).toMatchObject({
      summary,
      properties: { rsync_files: 3 },
    });
  });
});

test('an abort asks for nothing that a step may have made wrong', () => {
  const given = { path: prop('path', ''), tag: prop('tag', ''), message: prop('message', '') };
  const [, , publishing, aborting] = cvmfsTransaction({ repository, steps: [work], ...given });
  const run = aRun({ properties: { path: '../a', tag: 'not yet known', message: 7 } });
  expect(() => publishing?.prepare(run)).toThrow(/option "tag"/);
  expect(aborting?.prepare(run).begin()).toMatchObject({ do: 'command' });
});

test('an abort is left out only where the build has passed, and published: another transaction of it may have', () => {
  const { doStepIf } = cvmfsTransaction({ repository, steps: [work] }).at(-1) ?? {};
  const isWanted = (cvmfs_transaction: string, resultSoFar: 'SUCCESS' | 'WARNINGS' | 'EXCEPTION') =>
    typeof doStepIf === 'function' && doStepIf(aRun({ properties: { cvmfs_transaction }, resultSoFar }));
  expect([isWanted('published', 'SUCCESS'), isWanted('published', 'WARNINGS')]).toEqual([false, false]);
  expect([isWanted('published', 'EXCEPTION'), isWanted('open', 'SUCCESS')]).toEqual([true, true]);
});

test('an opening that failed sets no property', () => {
  const [opening] = cvmfsTransaction({ repository, steps: [work] });
  expect(opening?.prepare(aRun()).end(anOutcome({ exitCode: 1 })).properties).toBeUndefined();
});
