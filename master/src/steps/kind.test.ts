import { RESULTS } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { masterLock } from '../config/locks.ts';
import { formatProblem, takeProblems } from '../config/problems.ts';
import { computed, prop } from '../properties/references.ts';
import { makeDirectory } from './directories.ts';
import { addSteps } from './dynamic.ts';
import { git } from './git.ts';
import { locksOf } from './kind.ts';
import { masterCommand } from './master-command.ts';
import { resultOfOutcome } from './outcome.ts';
import { assertion, setProperties, setProperty, setPropertyFromCommand } from './property.ts';
import { shell } from './shell.ts';
import type { StepDeclaration, StepOptions } from './step.ts';
import { anOutcome, aRun, mistakesIn, problemsOf } from './test-run.ts';
import { downloadDirectory, downloadFile, uploadDirectory, uploadFile } from './transfer.ts';
import { trigger } from './trigger.ts';

const lock = masterLock('tree', { maxCount: 3 });

/** One right declaration of every kind, and whether Buildbot's counterpart halts on failure. */
const KINDS: readonly [StepDeclaration, boolean][] = [
  [shell({ command: 'x' }), false],
  [git({}), true],
  [trigger({ schedulers: ['s'] }), false],
  [setProperty({ property: 'a', value: 1 }), false],
  [setProperties({ properties: {} }), false],
  [setPropertyFromCommand({ command: 'x', property: 'a' }), false],
  [assertion({ check: true }), true],
  [makeDirectory({ path: 'd' }), true],
  [uploadFile({ from: 'a', to: '/a' }), true],
  [uploadDirectory({ from: 'a', to: '/a' }), true],
  [downloadFile({ from: '/a', to: 'a' }), true],
  [downloadDirectory({ from: '/a', to: 'a' }), true],
  [masterCommand({ command: 'x', workdir: '/' }), true],
  [addSteps({ steps: () => [] }), false],
];

describe('a step of any kind', () => {
  test.each(KINDS.map(([step, halts]) => [step.kind, step, halts] as const))(
    '(%s) has the usual flags, and its kind for a name',
    (kind, step, haltOnFailure) => {
      expect(step).toMatchObject({
        type: 'step',
        name: kind,
        alwaysRun: false,
        retryable: true,
        doStepIf: true,
        hideStepIf: false,
        locks: [],
        flags: {
          haltOnFailure,
          flunkOnFailure: true,
          flunkOnWarnings: false,
          warnOnFailure: false,
          warnOnWarnings: false,
        },
      });
      expect(step.place?.file).toMatch(/kind\.test\.ts$/);
    },
  );

  test('takes all the common options, each by itself', () => {
    const doStepIf = computed(() => false);
    const hideStepIf = () => true;
    const locks = [lock.counting(2)];
    const options: StepOptions = {
      name: 'n',
      haltOnFailure: true,
      flunkOnFailure: false,
      flunkOnWarnings: true,
      warnOnFailure: true,
      warnOnWarnings: true,
      alwaysRun: true,
      retryable: false,
      doStepIf,
      hideStepIf,
      locks,
    };
    const {
      prepare,
      place,
      triggers,
      waits,
      type,
      kind,
      locksUntil,
      options: own,
      ...declared
    } = shell({ command: 'x', ...options });
    const { haltOnFailure, flunkOnFailure, flunkOnWarnings, warnOnFailure, warnOnWarnings, ...rest } = options;
    expect(declared).toEqual({
      ...rest,
      flags: { haltOnFailure, flunkOnFailure, flunkOnWarnings, warnOnFailure, warnOnWarnings },
    });
  });

  test.each(['haltOnFailure', 'flunkOnFailure', 'flunkOnWarnings', 'warnOnFailure', 'warnOnWarnings'] as const)(
    'has %s as it was set, on or off',
    (flag) => {
      for (const value of [true, false]) {
        const { flags } = shell({ command: 'x', [flag]: value });
        expect(flags).toEqual({ ...shell({ command: 'x' }).flags, [flag]: value });
      }
    },
  );

  test('keeps its options for the page when it is prepared, with functions named as such', () => {
    const prepared = setPropertyFromCommand({ command: ['uname', prop('flag')], extract: () => ({}) }).prepare(
      aRun({ properties: { flag: '-a' } }),
    );
    expect(prepared.description).toBe('uname -a');
    expect(prepared.options).toMatchObject({ command: ['uname', '-a'], extract: '(function)', idleTimeout: 1_200_000 });
  });
});

describe('common options that are wrong', () => {
  test.each([
    [{ name: '' }, /option "name"/],
    [{ name: 'x'.repeat(101) }, /option "name"/],
    [{ haltOnFailure: 'yes' }, /option "haltOnFailure": .*boolean.* \(found "yes"\)/],
    [{ alwaysRun: 1 }, /option "alwaysRun"/],
    [{ retryable: null }, /option "retryable"/],
    [{ doStepIf: 'yes' }, /option "doStepIf": must be yes\/no, a reference or a function \(found "yes"\)/],
    [{ doStepIf: async () => true }, /option "doStepIf": must not be async: .*does not wait for it/],
    [{ locks: async () => [] }, /option "locks": .*must not be async/],
    [{ hideStepIf: prop('x') }, /option "hideStepIf": must be yes\/no or a function/],
    [{ locks: [lock] }, /option "locks.0": must be a use of a lock: LOCK.counting\(\) or LOCK.exclusive\(\)/],
    [{ locks: lock.exclusive() }, /option "locks"/],
    [{ locks: [undefined] }, /option "locks.0": must be a use of a lock/],
  ])('(%j) are told at load with file and line', (options, expected) => {
    const problems = problemsOf(() => shell({ name: 'build', command: 'x', ...(options as object) }));
    expect(problems.map(formatProblem)).toEqual([expect.stringMatching(expected)]);
    expect(problems.map(formatProblem)[0]).toMatch(/kind\.test\.ts:\d+: step shell( ".*")?: option/);
  });

  test('do not reach the checks of the whole site', () => {
    takeProblems();
    const options: object = { locks: [lock, lock.counting(), null] };
    const { locks } = shell({ command: 'x', ...options });
    takeProblems();
    expect(locks).toEqual([expect.objectContaining({ type: 'lockAccess' })]);
  });

  test.each([undefined, null, 5, 'make'])('are none at all for %j', (options) => {
    for (const declare of [shell, git, trigger, uploadFile])
      expect(mistakesIn(() => (declare as (options: unknown) => unknown)(options)).length).toBeGreaterThan(0);
  });
});

describe('the locks of a step that starts', () => {
  test('are those that were declared, or those that a function of the site gives', () => {
    expect(locksOf(shell({ command: 'x', locks: [lock.exclusive()] }), aRun())).toMatchObject([{ mode: 'exclusive' }]);
    const step = shell({ command: 'x', locks: (run) => [lock.counting(Number(run.properties.n?.value))] });
    expect(locksOf(step, aRun({ properties: { n: 2 } }))).toMatchObject([{ mode: 'counting', count: 2 }]);
  });

  test('are refused where the function gives what can never be granted, or something else', () => {
    const step = shell({ command: 'x', locks: (run) => [lock.counting(Number(run.properties.n?.value))] });
    expect(() => locksOf(step, aRun({ properties: { n: 9 }, stepName: 'build' }))).toThrow(
      /kind\.test\.ts:\d+: step shell "build": what locks\(\) returned: lock "tree": counting\(9\) can never be granted/,
    );
    expect(takeProblems()).toEqual([]);
    const wrong: object = { locks: () => [lock] };
    expect(() => locksOf(shell({ command: 'x', ...wrong }), aRun())).toThrow(/must be a use of a lock/);
  });

  test.each([
    ['by the function', () => [lock.counting(), lock.counting()], 'what locks() returned'],
    ['in a step that another adds', [lock.counting(), lock.exclusive()], 'option "locks"'],
  ] as const)('are refused where one is named twice %s', (_where, locks, what) => {
    expect(() => locksOf(shell({ command: 'x', locks }), aRun())).toThrow(
      `${what}: lock "tree" is named twice; take it once, with the count that is needed`,
    );
  });
});

describe('the result of a command', () => {
  test('is RETRY only when it was lost and CANCELLED only when it was interrupted', () => {
    const reasons = ['exited', 'idleTimeout', 'maxTime', 'maxLines', 'interrupted', 'lost', 'refused'] as const;
    expect(reasons.map((reason) => resultOfOutcome(anOutcome({ reason, exitCode: null })))).toEqual([
      'FAILURE',
      'FAILURE',
      'FAILURE',
      'FAILURE',
      'CANCELLED',
      'RETRY',
      'FAILURE',
    ]);
  });

  test('is that of its exit code, where nothing but the table names one', () => {
    for (const result of RESULTS) expect(resultOfOutcome(anOutcome({ exitCode: 5 }), { 5: result })).toBe(result);
    expect(resultOfOutcome(anOutcome({ exitCode: 0 }))).toBe('SUCCESS');
    expect(resultOfOutcome(anOutcome({ exitCode: 5 }))).toBe('FAILURE');
  });
});
