import { describe, expect, test } from 'vitest';
import { prop } from '../properties/references.ts';
import { shell } from '../steps/shell.ts';
import { mistakesIn, problemsOf } from '../steps/test-run.ts';
import { trigger } from '../steps/trigger.ts';
import { type BuilderOptions, builder, factory, type Steps } from './builders.ts';
import { gitPoller, webhook } from './changes.ts';
import { masterLock, workerLock } from './locks.ts';
import { formatProblem } from './problems.ts';
import { dependentScheduler, forceScheduler, periodicScheduler, triggerableScheduler } from './schedulers.ts';
import type { SiteOptions } from './site.ts';
import { site } from './site-program.ts';
import { worker } from './workers.ts';

const [w1, w2] = [worker({ name: 'w1' }), worker({ name: 'w2' })];
const tree = masterLock('tree', { maxCount: 3 });

const aBuilder = (name: string, more: Partial<BuilderOptions> = {}) =>
  builder({ name, workers: [w1], factory: factory([]), ...more });
const withSteps = (name: string, steps: Steps, more: Partial<BuilderOptions> = {}) =>
  aBuilder(name, { factory: factory(steps), ...more });
const make = (more: object) => shell({ name: 'make', command: 'make', ...more });
const linux = aBuilder('linux');

/** What a site reports that has one worker, one builder, and this. */
const check = (more: Partial<SiteOptions>) =>
  mistakesIn(() => site({ title: 'test', workers: [w1], builders: [linux], ...more }));

describe('a site', () => {
  test('is in UTC, and takes the usual names of branches and revisions, unless told otherwise', () => {
    const declared = site({ title: 'test', workers: [w1], builders: [linux] });
    expect(declared).toMatchObject({
      title: 'test',
      url: null,
      timeZone: 'UTC',
      schedulers: [],
      changeSources: [],
      properties: {},
    });
    const { branch, revision } = declared.validation;
    const real = ['main', 'feature/x-1', 'refs/pull/5/merge', 'fix/#12', 'renovate/@types', 'Änderung', '修正', ''];
    expect(real.filter((name) => !branch.test(name))).toEqual([]);
    const bad = [
      '-x',
      '#x',
      'a b',
      'a;b',
      '$(x)',
      'a\nb',
      '`x`',
      'a|b',
      "a'b",
      'a"b',
      'a&b',
      'a>b',
      'a*',
      '{a}',
      'a\\b',
    ];
    expect([...bad, 'a\u202eb', 'a\u0000', 'a!b', 'a^b', 'a:b', 'a%b'].filter((name) => branch.test(name))).toEqual([]);
    expect(['0123abc', ''].every((name) => revision.test(name))).toBe(true);
    expect(['--upload-pack=x', 'a b'].some((name) => revision.test(name))).toBe(false);
    const own = { branch: /^x/ };
    expect(site({ title: 't', workers: [w1], builders: [linux], validation: own }).validation).toEqual({
      branch: /^x/,
      repository: null,
      revision,
    });
  });

  test('finds every lock that a worker, a builder or a step uses', () => {
    const [disk, gpu] = [workerLock('disk'), masterLock('gpu')];
    const w3 = worker({ name: 'w3', locks: [gpu.exclusive()] });
    const all = withSteps('all', [make({ locks: [disk.counting()] }), make({ locks: () => [] })], {
      workers: [w1, w3],
      locks: [tree.exclusive()],
    });
    const { locks } = site({ title: 'test', workers: [w1, w3], builders: [all] });
    expect(new Set(locks)).toEqual(new Set([disk, gpu, tree]));
  });

  test.each([
    [{ title: '' }, /^site: option "title"/],
    [{ url: 'icefall' }, /^site: option "url": .* \(found "icefall"\)/],
    [{ timeZone: 'CEST/Geneva' }, /^site: option "timeZone": must be an IANA time zone such as Europe\/Zurich/],
    [{ builders: [] }, /^site: option "builders": must have at least one builder/],
    [{ builders: [linux, 'macos'] }, /^site: option "builders.1": must be a builder\(...\) \(found "macos"\)/],
    [{ workers: [w1, { name: 'w2' }] }, /^site: option "workers.1": must be a worker\(...\)/],
    [{ schedulers: [linux] }, /^site: option "schedulers.0": must be a scheduler \(found "builder linux"\)/],
    [{ changeSources: ['r'] }, /^site: option "changeSources.0": must be a gitPoller\(...\) or webhook\(...\)/],
    [{ properties: { 'a b': 1 } }, /^site: option "properties.a b": must begin/],
    [{ properties: { a: prop('b') } }, /^site: option "properties.a": must be JSON.* \(found "prop\(.*\)"\)/],
    [{ validation: { branch: '^a' } }, /^site: option "validation.branch"/],
    [{ colour: 'blue' }, /^site: .*"colour"/],
  ])('tells %# at load', (options, expected) => {
    expect(check(options as Partial<SiteOptions>)).toEqual([expect.stringMatching(expected)]);
  });

  test('is told even if it is nothing at all', () => {
    for (const nothing of [undefined, null, 5])
      expect(mistakesIn(() => site(nothing as never)).length).toBeGreaterThan(0);
  });
});

describe('names', () => {
  test('are written once only, and the second says where the first is', () => {
    const problems = problemsOf(() =>
      site({ title: 't', workers: [w1], builders: [linux, aBuilder('linux', { directory: 'other' })] }),
    ).map(formatProblem);
    expect(problems).toEqual([
      expect.stringMatching(
        /^\/.*site\.test\.ts:\d+: a second builder is named "linux" \(the first is at .*site\.test\.ts:\d+\); names are written once only$/,
      ),
    ]);
  });

  test.each<[string, Partial<SiteOptions>]>([
    ['a second worker is named "w1"', { workers: [w1, worker({ name: 'w1' })] }],
    ['a second worker is named "w1"', { workers: [w1, w1] }],
    [
      'a second scheduler is named "s"',
      {
        schedulers: [
          periodicScheduler({ name: 's', every: '1h', builders: [linux] }),
          forceScheduler({ name: 's', builders: [linux] }),
        ],
      },
    ],
    [
      'a second lock is named "tree"',
      {
        builders: [
          aBuilder('a', { locks: [tree.exclusive()] }),
          aBuilder('b', { locks: [masterLock('tree').exclusive()] }),
        ],
      },
    ],
    [
      'a second source of change is named "poll-a"',
      { changeSources: [gitPoller({ repository: '/x/a' }), gitPoller({ repository: '/y/a.git' })] },
    ],
    ['a second webhook is named "github"', { changeSources: [webhook('github'), webhook('gitea'), webhook('github')] }],
  ])('are refused: %s', (expected, options) => {
    expect(check(options)).toEqual([expect.stringContaining(expected)]);
  });
});

describe('what declarations say of each other', () => {
  const other = aBuilder('other');
  const all = triggerableScheduler({ name: 'all', builders: [linux] });

  test.each<[string, Partial<SiteOptions>]>([
    [
      'builder "b": worker "w2" is not among the site\'s workers; add it to site({ workers })',
      { builders: [aBuilder('b', { workers: [w1, w2] })] },
    ],
    [
      'scheduler "s": builder "other" is not among the site\'s builders; add it to site({ builders })',
      { schedulers: [triggerableScheduler({ name: 's', builders: [linux, other] })] },
    ],
    [
      'scheduler "d": its upstream "all" is not among the site\'s schedulers; add it to site({ schedulers })',
      { schedulers: [dependentScheduler({ name: 'd', builders: [linux], upstream: all })] },
    ],
    [
      'step "trigger" of builder "b": scheduler "all" is not among the site\'s schedulers; add it to site({ schedulers })',
      { builders: [linux, withSteps('b', [trigger({ schedulers: [all] })])] },
    ],
    [
      'step "trigger" of builder "b": scheduler "al" is not among the site\'s schedulers; add it to site({ schedulers })',
      { builders: [linux, withSteps('b', [trigger({ schedulers: ['all', 'al'] })])], schedulers: [all] },
    ],
    [
      'step "trigger" of builder "b": scheduler "hourly" is periodic, only a triggerableScheduler can be triggered',
      {
        builders: [linux, withSteps('b', [trigger({ schedulers: ['hourly'] })])],
        schedulers: [periodicScheduler({ name: 'hourly', every: '1h', builders: [linux] })],
      },
    ],
  ])('must be there: %s', (expected, options) => {
    expect(check(options)).toEqual([expected]);
  });

  test('is said once for a mistake that the declaration itself told', () => {
    const broken: object = { name: 'd', builders: [linux], upstream: 'all' };
    expect(
      mistakesIn(() => {
        const schedulers = [dependentScheduler(broken as never)];
        site({ title: 't', workers: [w1], builders: [linux], schedulers });
      }),
    ).toEqual([expect.stringContaining('option "upstream": must be a scheduler')]);
  });

  test('is looked at in declarations that have another mistake', () => {
    expect(
      mistakesIn(() => {
        const b = aBuilder('b', { workers: [w2], tags: [''] });
        site({ title: '', workers: [w1], builders: [b] });
      }),
    ).toEqual([
      expect.stringContaining('builder "b": option "tags.0"'),
      expect.stringContaining('site: option "title"'),
      expect.stringContaining('builder "b": worker "w2" is not among'),
    ]);
  });
});

describe('locks', () => {
  const disk = workerLock('disk', { maxCount: 2, maxCountForWorker: { w2: 4 } });
  const both = { workers: [w1, w2] };

  test.each<[string, Partial<SiteOptions>]>([
    [
      'step "make" of builder "b": lock "tree" is held by the builder already; it would wait for its own build',
      { builders: [withSteps('b', [make({ locks: [tree.counting()] })], { locks: [tree.counting()] })] },
    ],
    [
      'builder "b": lock "tree" is named twice; take it once, with the count that is needed',
      { builders: [aBuilder('b', { locks: [tree.counting(), tree.counting()] })] },
    ],
    [
      'step "make" of builder "b": lock "tree" is named twice; take it once, with the count that is needed',
      { builders: [withSteps('b', [make({ locks: [tree.counting(), tree.exclusive()] })])] },
    ],
    [
      'builder "b": lock "disk": counting(3) can never be granted on worker "w1", where it has maxCount 2',
      { ...both, builders: [aBuilder('b', { workers: [w1, w2], locks: [disk.counting(3)] })] },
    ],
    [
      'step "make" of builder "b": lock "disk": counting(3) can never be granted on worker "w1", where it has maxCount 2',
      { ...both, builders: [withSteps('b', [make({ locks: [disk.counting(3)] })])] },
    ],
    [
      'lock "disk": maxCountForWorker names "w2", which is no worker of the site',
      { builders: [aBuilder('b', { locks: [disk.exclusive()] })] },
    ],
  ])('are refused: %s', (expected, options) => {
    expect(check(options)).toEqual([expected]);
  });

  test('of a worker are held by every build on it', () => {
    const w3 = worker({ name: 'w3', locks: [tree.exclusive()] });
    const builders = [
      aBuilder('b', { workers: [w3], locks: [tree.counting()] }),
      withSteps('c', [make({ locks: [tree.counting()] })], { workers: [w1, w3] }),
    ];
    expect(check({ workers: [w1, w3], builders })).toEqual([
      'builder "b": lock "tree" is held by its worker "w3" already; it would wait for its own build',
      'step "make" of builder "c": lock "tree" is held by its worker "w3" already; it would wait for its own build',
    ]);
  });

  test('that can be granted are not refused', () => {
    const builders = [
      aBuilder('a', { workers: [w2], locks: [disk.counting(4), tree.counting(3)] }),
      withSteps('b', [make({ locks: [disk.counting(2)] }), make({ locks: [disk.exclusive()] })], { workers: [w1, w2] }),
    ];
    expect(check({ ...both, builders })).toEqual([]);
  });

  test('that are counted too often on every worker are told once', () => {
    expect(
      mistakesIn(() => {
        const builders = [aBuilder('b', { workers: [w1, w2], locks: [disk.counting(5)] })];
        site({ title: 't', ...both, builders });
      }),
    ).toEqual([expect.stringContaining('counting(5) can never be granted')]);
  });
});

describe('directories', () => {
  test('of two builders on one worker must differ', () => {
    const second = aBuilder('second', { workers: [w2, w1], directory: 'linux' });
    expect(check({ workers: [w1, w2], builders: [linux, second] })).toEqual([
      expect.stringMatching(
        /^builder "second": the directory "linux" on its worker is that of builder "linux" \(.*site\.test\.ts:\d+\); give it another one$/,
      ),
    ]);
  });

  test('may be the same on different workers', () => {
    const second = aBuilder('second', { workers: [w2], directory: 'linux' });
    expect(check({ workers: [w1, w2], builders: [linux, second] })).toEqual([]);
  });
});

test('eleven mistakes are eleven problems, each with its place, in the order in which they are met', () => {
  const problems = problemsOf(() => {
    const slow = worker({ name: 'slow', maxBuilds: 0 });
    const lock = masterLock('one', { maxCount: -1 });
    const steps = factory([
      shell({ command: [] }),
      make({ env: { A: {} } }),
      make({ locks: [lock] }),
      trigger({ schedulers: ['nobody'] }),
    ]);
    const b = builder({ name: 'b b', workers: [slow], factory: steps });
    const form = forceScheduler({ name: 'f', builders: [b], fields: [], priority: 0.5 });
    const every = periodicScheduler({ name: 'p', builders: [b, linux], every: '1 fortnight' as never });
    site({ title: 't', timeZone: 'Nowhere', workers: [slow], builders: [b], schedulers: [form, every] });
  });
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringContaining('worker "slow": option "maxBuilds"'),
    expect.stringContaining('lock "one": option "maxCount"'),
    expect.stringContaining('option "command": must name a program'),
    expect.stringContaining('option "env.A"'),
    expect.stringContaining('option "locks.0"'),
    expect.stringContaining('builder "b b": option "name"'),
    expect.stringContaining('option "priority"'),
    expect.stringContaining('option "every"'),
    expect.stringContaining('option "timeZone"'),
    expect.stringContaining('scheduler "nobody" is not among'),
    expect.stringContaining('builder "linux" is not among'),
  ]);
  expect(problems.every(({ place }) => place?.file.endsWith('site.test.ts') === true && place.line > 0)).toBe(true);
});
