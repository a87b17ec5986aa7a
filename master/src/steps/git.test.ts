import { describe, expect, test } from 'vitest';
import { prop } from '../properties/references.ts';
import { type GitOptions, git } from './git.ts';
import { anOutcome, aRun, aStamp, beginning, commandOf, mistakesIn } from './test-run.ts';

const command = (options: Parameters<typeof git>[0] = {}, run = aRun()) => commandOf('git', () => git(options), run);
const load = (options: object) => mistakesIn(() => git(options as GitOptions));

describe('the command of a git step', () => {
  test("updates the source stamp's branch in place, unless told otherwise", () => {
    expect(command()).toEqual({
      kind: 'git',
      repository: '/srv/scripts.git',
      branch: 'main',
      revision: null,
      mode: 'incremental',
      method: null,
      workdir: 'build',
      submodules: false,
      depth: null,
      tags: false,
      clobberOnFailure: false,
      retry: null,
      describe: null,
      reference: null,
      filter: null,
      config: {},
      env: {},
      idleTimeoutMs: 1_200_000,
      maxTimeMs: null,
    });
  });

  test.each([
    [{ mode: 'incremental' }, { mode: 'incremental', method: null }],
    [{ mode: 'full' }, { mode: 'full', method: 'fresh' }],
    [
      { mode: 'full', method: 'clobber' },
      { mode: 'full', method: 'clobber' },
    ],
    [
      { mode: 'full', method: 'fresh' },
      { mode: 'full', method: 'fresh' },
    ],
    [
      { mode: 'full', method: 'clean' },
      { mode: 'full', method: 'clean' },
    ],
    [
      { mode: 'full', method: 'copy' },
      { mode: 'full', method: 'copy' },
    ],
    [{ workdir: 'src' }, { workdir: 'src' }],
    [
      { submodules: true, tags: true, clobberOnFailure: true },
      { submodules: true, tags: true, clobberOnFailure: true },
    ],
    [{ shallow: true }, { depth: 1 }],
    [
      { shallow: 20, mode: 'full', method: 'clobber' },
      { depth: 20, method: 'clobber' },
    ],
    [{ shallow: false }, { depth: null }],
    [{ retry: { delay: '10s', repeats: 3 } }, { retry: { delayMs: 10_000, repeats: 3 } }],
    [{ retry: { delay: 0, repeats: 0 } }, { retry: { delayMs: 0, repeats: 0 } }],
    [{ describe: ['--tags'] }, { describe: ['--tags'] }],
    [
      { reference: '/cache/scripts.git', filter: 'blob:none' },
      { reference: '/cache/scripts.git', filter: 'blob:none' },
    ],
    [{ config: { 'http.proxy': 'p' } }, { config: { 'http.proxy': 'p' } }],
    [{ env: { GIT_SSH: null, A: 'a' } }, { env: { GIT_SSH: null, A: 'a' } }],
    [
      { idleTimeout: '1h', maxTime: '2h' },
      { idleTimeoutMs: 3_600_000, maxTimeMs: 7_200_000 },
    ],
  ] as const)('with %j has %j', (options, expected) => {
    expect(command(options)).toMatchObject(expected);
  });

  test('takes branch and revision of the source stamp of its code base', () => {
    const data = aStamp({ codebase: 'data', repository: '/srv/data.git', branch: 'v2', revision: 'abc' });
    const run = aRun({ sourceStamps: [aStamp(), data] });
    expect(command({ codebase: 'data' }, run)).toMatchObject({
      repository: '/srv/data.git',
      branch: 'v2',
      revision: 'abc',
    });
    expect(command({}, run)).toMatchObject({ repository: '/srv/scripts.git', branch: 'main', revision: null });
  });

  test.each([
    [null, 'step', 'step'],
    ['', 'step', 'step'],
    ['stamp', 'step', 'stamp'],
    [null, undefined, null],
    ['', undefined, null],
  ])('of a source stamp with branch %j and an option %j checks out %j', (ofStamp, option, expected) => {
    const run = aRun({ sourceStamps: [aStamp({ branch: ofStamp })] });
    expect(command(option === undefined ? {} : { branch: option }, run).branch).toBe(expected);
  });

  test('with alwaysUseLatest leaves the revision out, and keeps the branch', () => {
    const run = aRun({ sourceStamps: [aStamp({ branch: 'v2', revision: 'abc' })] });
    expect(command({ alwaysUseLatest: true }, run)).toMatchObject({ branch: 'v2', revision: null });
    expect(command({}, run)).toMatchObject({ branch: 'v2', revision: 'abc' });
  });

  test('prefers the repository it is given, which may be a reference', () => {
    const run = aRun({ properties: { mirror: '/srv/mirror.git' }, sourceStamps: [] });
    expect(command({ repository: prop('mirror') }, run)).toMatchObject({ repository: '/srv/mirror.git', branch: null });
  });

  test("merges its environment over the builder's", () => {
    expect(command({ env: { A: 'step' } }, aRun({ env: { A: 'builder', B: 'b' } })).env).toEqual({ A: 'step', B: 'b' });
  });

  test.each([
    [{ codebase: 'data' }, [aStamp()]],
    [{}, []],
    [{}, [aStamp({ repository: '' })]],
  ])('is not there for %j without a repository: the step fails, and says the remedy', (options, sourceStamps) => {
    const action = beginning(() => git(options), aRun({ sourceStamps }));
    expect(action).toMatchObject({ do: 'finish', result: 'FAILURE', summary: 'no repository known' });
    expect(action).toHaveProperty('text', expect.stringMatching(/code base "(data)?"; give git\(\) a repository/));
  });
});

describe('the end of a git step', () => {
  const end = (options: GitOptions, outcome: Parameters<typeof anOutcome>[0], got: string | object | null = null) =>
    git(options)
      .prepare(aRun({ properties: got === null ? {} : { got_revision: JSON.parse(JSON.stringify(got)) } }))
      .end(anOutcome(outcome));
  const found = { values: { revision: '0123456789abcdef' } };

  test('sets got_revision to what was checked out', () => {
    expect(end({}, found)).toEqual({
      result: 'SUCCESS',
      summary: 'at 0123456789',
      properties: { got_revision: '0123456789abcdef' },
    });
    expect(end({}, found, 'older').properties).toEqual({ got_revision: '0123456789abcdef' });
  });

  test('adds a named code base to those that were checked out before, and loses none', () => {
    const revision = '0123456789abcdef';
    expect(end({ codebase: 'data' }, found).properties).toEqual({ got_revision: { data: revision } });
    expect(end({ codebase: 'data' }, found, { docs: 'd', data: 'old' }).properties).toEqual({
      got_revision: { docs: 'd', data: revision },
    });
    expect(end({ codebase: 'data' }, found, 'unnamed').properties).toEqual({
      got_revision: { '': 'unnamed', data: revision },
    });
    expect(end({}, found, { docs: 'd' }).properties).toEqual({ got_revision: { docs: 'd', '': revision } });
  });

  test('sets commit-description where git describe was asked for', () => {
    expect(end({ describe: [] }, { values: { revision: 'abc', description: 'v1-2-gabc' } }).properties).toEqual({
      got_revision: 'abc',
      'commit-description': 'v1-2-gabc',
    });
  });

  test.each([
    [
      { exitCode: 128, error: { code: 'git', message: 'cannot clone: not found' } },
      'FAILURE',
      'checkout: cannot clone: not found',
    ],
    [{ exitCode: 128 }, 'FAILURE', 'checkout: exit code 128'],
    [{ reason: 'idleTimeout', exitCode: null }, 'FAILURE', 'checkout: timed out: no output'],
    [{ reason: 'maxTime', exitCode: null }, 'FAILURE', 'checkout: timed out after 3.0 s'],
    [{ reason: 'interrupted', exitCode: null }, 'CANCELLED', 'checkout: interrupted'],
    [{ reason: 'lost', exitCode: null }, 'RETRY', 'checkout: lost: the worker stopped while it ran'],
  ] as const)('for %j is %s and sets nothing', (outcome, result, summary) => {
    expect(end({}, { ...outcome, values: { revision: 'abc' } })).toEqual({ result, summary });
  });
});

test('a git step halts its build on failure', () => {
  expect(git({}).flags).toMatchObject({ haltOnFailure: true, flunkOnFailure: true });
  expect(git({ haltOnFailure: false }).flags.haltOnFailure).toBe(false);
});

describe('a git step whose options are wrong', () => {
  test.each([
    [{ mode: 'ful' }, /option "mode": .*"incremental"\|"full" \(found "ful"\)/],
    [{ mode: 'full', method: 'clober' }, /option "method": .*\(found "clober"\)/],
    [{ method: 'clobber' }, /option "method": is only for mode 'full'; .*\(found "clobber"\)/],
    [{ mode: 'incremental', method: 'fresh' }, /option "method": is only for mode 'full'/],
    [{ mode: 'full', shallow: true }, /option "shallow": works only with .*'clobber' \(found true\)/],
    [{ mode: 'full', method: 'clean', shallow: 3 }, /option "shallow": works only with/],
    [{ shallow: 0 }, /option "shallow"/],
    [{ retry: { delay: '1 fortnight', repeats: 1 } }, /option "retry.delay": must be milliseconds/],
    [{ retry: { delay: 1, repeats: -1 } }, /option "retry.repeats"/],
    [{ repository: '' }, /option "repository"/],
    [{ describe: '--tags' }, /option "describe"/],
    [{ config: { a: 1 } }, /option "config.a"/],
    [{ repo: 'x' }, /"repo"/],
  ])('tells %j at load', (options, expected) => {
    expect(load(options)).toEqual([expect.stringMatching(expected)]);
  });

  test('tells at load what two options make of each other, although a third is a reference', () => {
    expect(load({ repository: prop('mirror'), method: 'clobber' })).toEqual([
      expect.stringContaining("is only for mode 'full'"),
    ]);
  });

  test('waits with that for the start where one of the two is a reference', () => {
    const options: object = { mode: prop('mode'), method: 'clobber' };
    expect(load(options)).toEqual([]);
    const declared = git(options as GitOptions);
    expect(declared.prepare(aRun({ properties: { mode: 'full' } })).begin()).toMatchObject({
      command: { method: 'clobber' },
    });
    expect(() => declared.prepare(aRun({ properties: { mode: 'incremental' } }))).toThrow(
      /git\.test\.ts:\d+: step git "step": option "method": is only for mode 'full'/,
    );
  });
});
