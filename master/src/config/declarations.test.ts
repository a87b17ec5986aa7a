import { describe, expect, test } from 'vitest';
import { prop } from '../properties/references.ts';
import { shell } from '../steps/shell.ts';
import { mistakesIn, problemsOf } from '../steps/test-run.ts';
import { builder, factory } from './builders.ts';
import { gitPoller, webhook } from './changes.ts';
import { masterLock, pathLock, workerLock } from './locks.ts';
import { formatProblem } from './problems.ts';
import { worker } from './workers.ts';

const w1 = worker({ name: 'w1' });
const lock = masterLock('tree', { maxCount: 3 });
const steps = factory([shell({ command: 'make' })]);
// What the compiler refuses, a program may hold all the same: types are stripped, not checked, when it is loaded.
const wrong = (declare: (options: never) => unknown, options: unknown) => mistakesIn(() => declare(options as never));

describe('a worker', () => {
  test('runs one build at a time and keeps its builds for 10 minutes, unless told otherwise', () => {
    expect(w1).toMatchObject({
      type: 'worker',
      name: 'w1',
      maxBuilds: 1,
      properties: {},
      locks: [],
      token: null,
      graceMs: 600_000,
      cleanUpGraceMs: 86_400_000,
    });
    const locks = [lock.counting(2)];
    const token = { file: '/run/token' };
    expect(worker({ name: 'w2', maxBuilds: 4, properties: { n: 4 }, locks, token, grace: '1h' })).toMatchObject({
      maxBuilds: 4,
      properties: { n: 4 },
      locks,
      token,
      graceMs: 3_600_000,
    });
  });

  test.each([
    [undefined, /^worker: /],
    [{}, /^worker: option "name"/],
    [{ name: 'a b' }, /^worker "a b": option "name": must be 1 to 100 letters/],
    [{ name: '../x' }, /option "name"/],
    [{ name: 'w', maxBuilds: 0 }, /^worker "w": option "maxBuilds": .* \(found 0\)/],
    [{ name: 'w', properties: { a: prop('b') } }, /option "properties.a": must be JSON/],
    [{ name: 'w', locks: [lock] }, /option "locks.0": must be a use of a lock/],
    [{ name: 'w', token: 'secret' }, /option "token": must be { file: 'PATH' } or { env: 'VARIABLE' }/],
    [{ name: 'w', token: { file: '' } }, /option "token/],
    [{ name: 'w', grace: 0 }, /option "grace": must be more than zero/],
    [{ name: 'w', max_builds: 2 }, /"max_builds"/],
  ])('tells %j at load', (options, expected) => {
    expect(wrong(worker, options)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('a path lock', () => {
  const repository = pathLock('repository');

  test('is used for a path, or for the whole', () => {
    expect(repository.below('data/gcd')).toMatchObject({ lock: repository, mode: 'exclusive', path: 'data/gcd' });
    expect(repository.exclusive()).toMatchObject({ lock: repository, mode: 'exclusive', path: '' });
  });

  test.each(['/etc', '../keys', 'data/../..', 'data//gcd', 'data/', './data', 'a\nb'])(
    'refuses the path %j',
    (path) => {
      expect(mistakesIn(() => repository.below(path))).toEqual([
        expect.stringMatching(/^lock "repository": below\(\): must be a path below the root/),
      ]);
    },
  );

  test('is not counted, and of a builder not of a path that is known only later', () => {
    expect(mistakesIn(() => repository.counting())).toEqual([expect.stringMatching(/a path lock is not counted/)]);
    const locks = [repository.below(prop('path'))];
    expect(mistakesIn(() => builder({ name: 'b', workers: [w1], factory: steps, locks }))).toEqual([
      expect.stringMatching(/option "locks.0": must be of a path that is known/),
    ]);
    expect(mistakesIn(() => shell({ command: 'x', locks }))).toEqual([]);
  });
});

describe('a lock', () => {
  test('is taken alone, or shared by as many as its count allows', () => {
    expect(lock.exclusive()).toMatchObject({ lock, mode: 'exclusive', count: 1 });
    expect(lock.counting()).toMatchObject({ lock, mode: 'counting', count: 1 });
    expect(lock.counting(3)).toMatchObject({ count: 3 });
    expect(masterLock('one')).toMatchObject({ scope: 'master', maxCount: 1 });
    expect(workerLock('disk', { maxCount: 2, maxCountForWorker: { w1: 5 } })).toMatchObject({
      scope: 'worker',
      maxCount: 2,
      maxCountForWorker: { w1: 5 },
    });
  });

  test.each([0, 4, -1, 1.5, Number.NaN])('is never counted %d times when there are 3', (count) => {
    const problems = problemsOf(() => lock.counting(count)).map(formatProblem);
    expect(problems).toEqual([
      expect.stringMatching(
        /declarations\.test\.ts:\d+: lock "tree": counting\(.*\) can never be granted; .*maxCount 3/,
      ),
    ]);
  });

  test('of workers can be counted as often as the worker with the most allows', () => {
    const disk = workerLock('disk', { maxCountForWorker: { w1: 5 } });
    expect(mistakesIn(() => disk.counting(5))).toEqual([]);
    expect(mistakesIn(() => disk.counting(6))).toHaveLength(1);
  });

  test.each([
    [() => masterLock('a b'), /lock "a b": must be 1 to 100 letters/],
    [() => masterLock('l', { maxCount: 0 }), /lock "l": option "maxCount": .* \(found 0\)/],
    [() => masterLock('l', { maxCountForWorker: {} } as never), /"maxCountForWorker"/],
    [() => workerLock('l', { maxCountForWorker: { w1: 0 } }), /option "maxCountForWorker.w1"/],
    [() => workerLock('l', null as never), /lock "l"/],
  ])('tells at load what is wrong (%#)', (declare, expected) => {
    expect(mistakesIn(declare)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('a builder', () => {
  test('has its own directory, three attempts, and collapses no requests, unless told otherwise', () => {
    expect(builder({ name: 'linux', workers: [w1], factory: steps })).toMatchObject({
      workers: [w1],
      factory: steps,
      group: '',
      tags: [],
      env: {},
      locks: [],
      collapseRequests: false,
      nextRequest: null,
      nextWorker: null,
      mayStart: null,
      directory: 'linux',
      retry: { maxAttempts: 3, backOffMs: 5000 },
    });
  });

  test('takes every option', () => {
    const options = {
      name: 'linux',
      workers: [w1],
      factory: steps,
      group: 'g',
      description: 'd',
      tags: ['t'],
      env: { A: prop('a'), B: null, C: 'c' },
      properties: { n: 4 },
      locks: [lock.exclusive()],
      collapseRequests: () => true,
      nextRequest: () => null,
      nextWorker: () => null,
      mayStart: () => 'later',
      directory: 'dir',
    };
    const { type, place, retry, ...declared } = builder({ ...options, retry: { maxAttempts: 5, backOff: '1m' } });
    expect(declared).toEqual(options);
    expect(retry).toEqual({ maxAttempts: 5, backOffMs: 60_000 });
    expect(builder({ ...options, retry: { maxAttempts: 1 } }).retry).toEqual({ maxAttempts: 1, backOffMs: 5000 });
  });

  test('keeps what is right of a declaration with mistakes, so that the checks of the site see it', () => {
    let declared: ReturnType<typeof builder> | undefined;
    const options: object = { name: 'a b', workers: [w1], factory: steps, tags: [5], directory: '/abs' };
    const mistakes = mistakesIn(() => {
      declared = builder(options as never);
    });
    expect(mistakes).toHaveLength(3);
    expect(declared).toMatchObject({ name: 'a b', workers: [w1], factory: steps, tags: [], directory: 'a b' });
  });

  test.each([
    [undefined, /^builder: /],
    [{ workers: [w1], factory: steps }, /^builder: option "name"/],
    [{ name: 'b', workers: [], factory: steps }, /^builder "b": option "workers": must name at least one worker/],
    [{ name: 'b', workers: ['w1'], factory: steps }, /option "workers.0": must be a worker\(...\) \(found "w1"\)/],
    [{ name: 'b', workers: [w1], factory: [] }, /option "factory": must be a factory\(\[...\]\)/],
    [{ name: 'b', workers: [w1] }, /option "factory": must be a factory/],
    [
      { name: 'b', workers: [w1], factory: steps, env: { A: 5 } },
      /option "env.A": .*must be text, null, a reference or a secret/,
    ],
    [{ name: 'b', workers: [w1], factory: steps, locks: [lock] }, /option "locks.0": must be a use of a lock/],
    [{ name: 'b', workers: [w1], factory: steps, collapseRequests: 'yes' }, /option "collapseRequests"/],
    [{ name: 'b', workers: [w1], factory: steps, nextWorker: 'w1' }, /option "nextWorker": must be a function/],
    [{ name: 'b', workers: [w1], factory: steps, nextRequest: 1 }, /option "nextRequest": must be a function/],
    [{ name: 'b', workers: [w1], factory: steps, mayStart: true }, /option "mayStart": must be a function/],
    [{ name: 'b', workers: [w1], factory: steps, mayStart: async () => true }, /option "mayStart": must not be async/],
    [
      { name: 'b', workers: [w1], factory: steps, collapseRequests: async () => true },
      /option "collapseRequests": must not be async/,
    ],
    [{ name: 'b', workers: [w1], factory: steps, directory: 'a/b' }, /option "directory"/],
    [{ name: 'b', workers: [w1], factory: steps, retry: { maxAttempts: 0 } }, /option "retry.maxAttempts"/],
    [{ name: 'b', workers: [w1], factory: steps, retry: { backOff: 'soon' } }, /option "retry.backOff": must be milli/],
    [{ name: 'b', workers: [w1], factory: steps, properties: { '': 1 } }, /option "properties/],
    [{ name: 'b', worker: w1, workers: [w1], factory: steps }, /"worker"/],
  ])('tells at load what is wrong (%#)', (options, expected) => {
    expect(wrong(builder, options)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('a factory', () => {
  test('flattens lists of steps, in order', () => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => shell({ name, command: 'x' })) as [
      never,
      never,
      never,
      never,
    ];
    expect(factory([a, [b, [c], []], d]).steps.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
  });

  test.each([
    [[shell({ command: 'x' }), 'make'], 'factory: element 1 is not a step'],
    [[null], 'factory: element 0 is not a step'],
    [undefined, 'factory: needs a list of steps: factory([...])'],
    [shell({ command: 'x' }), 'factory: needs a list of steps: factory([...])'],
  ])('tells what is no step (%#)', (given, expected) => {
    expect(wrong(factory, given)).toEqual([expected]);
  });
});

describe('a source of change', () => {
  test('that polls is named after its repository, and asks every 5 minutes', () => {
    expect(gitPoller({ repository: 'https://host/group/my scripts.git/' })).toMatchObject({
      name: 'poll-my-scripts',
      branches: null,
      everyMs: 300_000,
      atStart: true,
      codebase: '',
      category: null,
    });
    expect(gitPoller({ name: 'p', repository: 'r', branches: ['a'], every: '20s', atStart: false })).toMatchObject({
      name: 'p',
      branches: ['a'],
      everyMs: 20_000,
      atStart: false,
    });
  });

  test('that receives pushes skips what says so, and knows its secrets', () => {
    expect(webhook('github')).toMatchObject({ dialect: 'github', secrets: [], codebase: '', repositories: {} });
    expect(webhook('gitea').skip.some((pattern) => pattern.test('fix [skip ci]'))).toBe(true);
    expect(webhook('gitlab', { secrets: [{ env: 'A' }, { file: 'b' }], skip: [] })).toMatchObject({
      secrets: [{ env: 'A' }, { file: 'b' }],
      skip: [],
    });
  });

  test.each([
    [() => gitPoller(undefined as never), /^gitPoller: /],
    [() => gitPoller({} as never), /^gitPoller: option "repository"/],
    [() => gitPoller({ repository: 'r', every: 0 }), /option "every": must be more than zero/],
    [() => gitPoller({ repository: 'r', branches: 'main' } as never), /option "branches"/],
    [() => gitPoller({ name: 'a b', repository: 'r' }), /^gitPoller "a b": option "name"/],
    [() => gitPoller({ repository: 'r', pollInterval: 5 } as never), /"pollInterval"/],
    [() => webhook('bitbucket' as never), /^webhook: .*"github"\|"gitlab"\|"gitea".* \(found "bitbucket"\)/],
    [() => webhook('github', { secrets: ['s3cret'] } as never), /option "secrets.0": must be { file/],
    [() => webhook('github', { skip: ['skip'] } as never), /option "skip.0"/],
    [() => webhook('github', { secret: 's' } as never), /"secret"/],
  ])('tells at load what is wrong (%#)', (declare, expected) => {
    expect(mistakesIn(declare)).toEqual([expect.stringMatching(expected)]);
  });
});
