import { describe, expect, test } from 'vitest';
import { computed, prop } from '../properties/references.ts';
import { mistakesIn, problemsOf } from '../steps/test-run.ts';
import { builder, factory } from './builders.ts';
import { textField } from './fields.ts';
import { formatProblem } from './problems.ts';
import {
  anyBranchScheduler,
  dependentScheduler,
  forceScheduler,
  nightlyScheduler,
  periodicScheduler,
  singleBranchScheduler,
  triggerableScheduler,
} from './schedulers.ts';
import { worker } from './workers.ts';

const linux = builder({ name: 'linux', workers: [worker({ name: 'w1' })], factory: factory([]) });
const common = { name: 's', builders: [linux] };
const upstream = triggerableScheduler({ name: 'up', builders: [linux] });
const changes = { branch: 'main' };

/** Every kind with what it needs, and its reason. */
const KINDS: readonly [string, (options: object) => object, object, string][] = [
  ['singleBranch', (options) => singleBranchScheduler({ ...common, changes, ...options }), { changes }, 'change'],
  ['anyBranch', (options) => anyBranchScheduler({ ...common, ...options }), { changes: {} }, 'change'],
  ['dependent', (options) => dependentScheduler({ ...common, upstream, ...options }), { upstream }, 'downstream'],
  [
    'periodic',
    (options) => periodicScheduler({ ...common, every: '1h', ...options }),
    { everyMs: 3_600_000 },
    'periodic',
  ],
  [
    'nightly',
    (options) => nightlyScheduler({ ...common, cron: '0 2 * * *', ...options }),
    { cron: '0 2 * * *' },
    'nightly',
  ],
  ['triggerable', (options) => triggerableScheduler({ ...common, ...options }), {}, 'triggered'],
  ['force', (options) => forceScheduler({ ...common, ...options }), { fields: [] }, 'force'],
];

describe.each(KINDS)('a scheduler of kind %s', (kind, declare, own, reason) => {
  test('has its builders, no properties, priority 0 and a reason, unless told otherwise', () => {
    expect(mistakesIn(() => declare({}))).toEqual([]);
    expect(declare({})).toMatchObject({
      type: 'scheduler',
      kind,
      name: 's',
      builders: [linux],
      properties: {},
      priority: 0,
      reason,
      codebases: {},
      ...own,
    });
    const options = {
      properties: { a: prop('a'), b: { c: [1] }, d: computed(() => 1) },
      priority: -5,
      reason: 'because',
      codebases: { '': { repository: 'r', branch: 'b' } },
    };
    expect(mistakesIn(() => declare(options))).toEqual([]);
    expect(declare(options)).toMatchObject(options);
  });

  test.each([
    [{ name: 'a b' }, /scheduler "a b": option "name": must be 1 to 100 letters/],
    [{ name: undefined }, /scheduler: option "name"/],
    [{ builders: [] }, /option "builders": must name at least one builder/],
    [{ builders: ['linux'] }, /option "builders.0": must be a builder\(...\) \(found "linux"\)/],
    [{ properties: { a: () => 1 } }, /option "properties.a": must be JSON or a reference/],
    [
      { properties: { a: [prop('b')] } },
      /option "properties.a": must be JSON or a reference .*hold no references here/,
    ],
    [{ properties: { 'a b': 1 } }, /option "properties.a b": must begin with a letter/],
    [{ priority: 1.5 }, /option "priority"/],
    [{ reason: 5 }, /option "reason"/],
    [{ codebases: { '': { branch: 'b' } } }, /option "codebases..repository"/],
    [{ codebases: { '': { repository: 'r', tag: 't' } } }, /"tag"/],
    [{ builderNames: ['linux'] }, /"builderNames"/],
  ])('tells %# at load with its place', (options, expected) => {
    const problems = problemsOf(() => declare(options)).map(formatProblem);
    expect(problems).toEqual([expect.stringMatching(expected)]);
    expect(problems[0]).toMatch(new RegExp(`^/.*schedulers\\.test\\.ts:\\d+: ${kind} scheduler`));
  });

  test('keeps what is right of a declaration with mistakes', () => {
    mistakesIn(() => expect(declare({ name: 'a b', priority: 'x' })).toMatchObject({ builders: [linux], priority: 0 }));
  });
});

describe.each([
  ['singleBranch', singleBranchScheduler],
  ['anyBranch', anyBranchScheduler],
] as const)('a scheduler on changes (%s)', (_kind, declare) => {
  test('builds every change at once, unless told otherwise', () => {
    expect(declare({ ...common, changes })).toMatchObject({
      treeStableMs: null,
      isImportant: null,
      onlyImportant: false,
    });
    const isImportant = () => true;
    const options = { ...common, changes, treeStableTimer: '2m', isImportant, onlyImportant: true } as const;
    expect(declare(options)).toMatchObject({ treeStableMs: 120_000, isImportant, onlyImportant: true });
  });

  test.each([
    [{ treeStableTimer: 'soon' }, /option "treeStableTimer": must be milliseconds/],
    [{ isImportant: true }, /option "isImportant": must be a function/],
    [{ onlyImportant: 'yes' }, /option "onlyImportant"/],
    [
      { changes: { branch: 5 } },
      /option "changes.branch": must be text, null, a list of these, or a regular expression/,
    ],
    [{ changes: { branch: 'main', where: 'x' } }, /option "changes.where": must be a function/],
    [{ changes: { branch: 'main', author: 'x' } }, /"author"/],
  ])('tells %# at load', (options, expected) => {
    expect(mistakesIn(() => declare({ ...common, changes, ...(options as object) }))).toEqual([
      expect.stringMatching(expected),
    ]);
  });

  test.each([['main'], [null], [['a', null]], [/^release/]])('takes %s for a condition on the branch', (branch) => {
    expect(mistakesIn(() => declare({ ...common, changes: { branch } }))).toEqual([]);
  });
});

test('a scheduler of a single branch needs to know which', () => {
  for (const given of [undefined, {}, { repository: 'r' }, { notBranch: 'x' }]) {
    const options: object = given === undefined ? {} : { changes: given };
    expect(mistakesIn(() => singleBranchScheduler({ ...common, ...options }))).toEqual([
      'singleBranch scheduler "s": needs changes.branch (or changes.where); for all branches use anyBranchScheduler',
    ]);
  }
  expect(mistakesIn(() => singleBranchScheduler({ ...common, changes: { where: () => true } }))).toEqual([]);
});

describe('a scheduler of the clock', () => {
  test.each([
    [{ every: 0 }, /option "every": must be more than zero/],
    [{ every: undefined }, /option "every": must be milliseconds/],
    [{ every: '1h', cron: '* * * * *' }, /"cron"/],
  ])('(periodic) tells %j at load', (options, expected) => {
    expect(mistakesIn(() => periodicScheduler({ ...common, ...(options as { every: number }) }))).toEqual([
      expect.stringMatching(expected),
    ]);
  });

  test.each(['0 2 * * *', '*/5 * * * * *', '0 0 L * *', '0 0 * * mon#1', '0 9 * * mon-fri'])(
    '(nightly) takes %s',
    (cron) => {
      expect(mistakesIn(() => nightlyScheduler({ ...common, cron, timeZone: 'Europe/Zurich' }))).toEqual([]);
    },
  );

  test.each([
    [{ cron: '61 * * * *' }, /cron "61 \* \* \* \*": .*61/],
    [{ cron: 'every night' }, /cron "every night": /],
    [{ cron: '0 0 30 2 *' }, /cron "0 0 30 2 \*": it never comes/],
    [{ cron: '' }, /option "cron"/],
    [{ cron: 5 }, /option "cron"/],
    [
      { timeZone: 'Mars/Base' },
      /option "timeZone": must be an IANA time zone such as Europe\/Zurich \(found "Mars\/Base"\)/,
    ],
    [{ missed: 'twice' }, /option "missed": .*"once"\|"skip"/],
    [{ onlyIfChanged: 1 }, /option "onlyIfChanged"/],
    [{ treeStableTimer: '1m' }, /"treeStableTimer"/],
  ])('(nightly) tells %j at load', (options, expected) => {
    expect(mistakesIn(() => nightlyScheduler({ ...common, cron: '0 2 * * *', ...(options as object) }))).toEqual([
      expect.stringMatching(expected),
    ]);
  });

  test('(nightly) makes up for a missed time once, and builds without changes, unless told otherwise', () => {
    const cron = '0 2 * * *';
    expect(nightlyScheduler({ ...common, cron })).toMatchObject({
      missed: 'once',
      onlyIfChanged: false,
      timeZone: null,
    });
    const options = { missed: 'skip', onlyIfChanged: true, timeZone: 'UTC', changes } as const;
    expect(nightlyScheduler({ ...common, cron, ...options })).toMatchObject(options);
  });
});

test('a dependent scheduler needs a scheduler to depend on', () => {
  for (const wrong of [undefined, 'up', linux])
    expect(mistakesIn(() => dependentScheduler({ ...common, upstream: wrong as never }))).toEqual([
      expect.stringMatching(/option "upstream": must be a scheduler/),
    ]);
});

describe('a force scheduler', () => {
  test('has a form with its name and a button, unless told otherwise', () => {
    const field = textField({ name: 'a' });
    expect(forceScheduler(common)).toMatchObject({ label: 's', button: 'Force', fields: [] });
    const options = { label: 'Build a release', button: 'Go', fields: [field] };
    expect(forceScheduler({ ...common, ...options })).toMatchObject(options);
  });

  test.each([
    [{ fields: [{ name: 'a' }] }, /option "fields.0": must be a field such as textField\(...\)/],
    [{ fields: textField({ name: 'a' }) }, /option "fields"/],
    [{ label: 5 }, /option "label"/],
    [{ button: null }, /option "button"/],
    [{ fields: [textField({ name: 'a' }), textField({ name: 'a' })] }, /two parameters are named "a"/],
  ])('tells %# at load', (options, expected) => {
    expect(mistakesIn(() => forceScheduler({ ...common, ...(options as object) }))).toEqual([
      expect.stringMatching(expected),
    ]);
  });
});
