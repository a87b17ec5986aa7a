import type { SiteDescription } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { siteWith } from '../simulation/test-language.ts';
import { describeSite } from './description.ts';
import {
  builder,
  computed,
  factory,
  type LockDeclaration,
  masterLock,
  type StepDeclaration,
  shell,
  singleBranchScheduler,
  webhook,
  worker,
} from './index.ts';
import { type Going, isEmptyPlan, planOf } from './plan.ts';

const QUIET: Going = { builds: [], requests: [], locks: [] };
const step = (name: string, command = name) => shell({ name, command: [command] });

interface Parts {
  readonly builders?: readonly string[];
  readonly steps?: readonly StepDeclaration[];
  readonly lock?: LockDeclaration;
  readonly workers?: readonly string[];
}

function described({
  builders = ['linux'],
  steps = [step('build')],
  lock,
  workers = ['w'],
}: Parts = {}): SiteDescription {
  const declared = workers.map((name) => worker({ name, token: { env: 'TOKEN_OF_W' } }));
  return describeSite(
    siteWith({
      workers: declared,
      builders: builders.map((name) =>
        builder({
          name,
          workers: declared,
          locks: lock === undefined ? [] : [lock.counting()],
          factory: factory(steps),
        }),
      ),
    }),
  );
}

describe('a plan', () => {
  test('is empty for the same program, loaded twice', () => {
    const twice = () => described({ steps: [shell({ name: 'a', command: [computed(({ builder }) => builder)] })] });
    expect(isEmptyPlan(planOf(twice(), twice(), QUIET))).toBe(true);
  });

  test('names builders that come, go and change', () => {
    const plan = planOf(
      described({ builders: ['old', 'same', 'other'] }),
      described({ builders: ['same', 'new'] }),
      QUIET,
    );
    expect(plan.builders.map(({ change, name }) => `${change} ${name}`)).toEqual([
      'removed old',
      'removed other',
      'added new',
    ]);
    expect(isEmptyPlan(plan)).toBe(false);
  });

  test('tells of each step by kind and name what is new, gone, moved and changed', () => {
    const before = [step('fetch'), step('build'), step('test'), step('pack')];
    const after = [step('build', 'make'), step('lint'), step('fetch'), step('pack')];
    const [change] = planOf(described({ steps: before }), described({ steps: after }), QUIET).builders;
    expect(change?.steps).toEqual([
      { change: 'removed', name: 'test', kind: 'shell' },
      {
        ...{ change: 'changed', name: 'build', kind: 'shell' },
        options: [{ option: 'command', before: ['build'], after: ['make'] }],
      },
      { change: 'added', name: 'lint', kind: 'shell' },
      { change: 'moved', name: 'fetch', kind: 'shell', options: [] },
    ]);
  });

  test('compares functions by their source text, and says so', () => {
    const withFilter = (isImportant: () => boolean) => {
      const w = worker({ name: 'w' });
      const linux = builder({ name: 'linux', workers: [w], factory: factory([step('build')]) });
      const push = singleBranchScheduler({ name: 'push', builders: [linux], changes: { branch: 'main' }, isImportant });
      return describeSite(siteWith({ workers: [w], builders: [linux], schedulers: [push] }));
    };
    const plan = planOf(
      withFilter(() => true),
      withFilter(() => false),
      QUIET,
    );
    expect(plan.comparesFunctions).toBe(true);
    expect(plan.schedulers[0]?.options).toEqual([
      { option: 'isImportant', before: { $function: '() => true' }, after: { $function: '() => false' } },
    ]);
  });

  test('says which builds go on with their old configuration, and which requests would wait for ever', () => {
    const going: Going = {
      builds: [
        { id: 7, builder: 'linux', number: 3, worker: 'w', finishedAt: null },
        { id: 6, builder: 'linux', number: 2, worker: 'w', finishedAt: 1 },
      ],
      requests: [
        { id: 9, builder: 'linux', state: 'pending' },
        { id: 8, builder: 'linux', state: 'building' },
      ],
      locks: [],
    };
    const plan = planOf(described(), described({ builders: ['mac'], workers: ['other'] }), going);
    expect(plan.effects).toEqual([
      { kind: 'buildKeepsOld', buildId: 7, builder: 'linux', number: 3 },
      { kind: 'requestsWithoutBuilder', builder: 'linux', requestIds: [9] },
      { kind: 'workerLeaves', worker: 'w', buildIds: [7] },
    ]);
  });

  test('warns of a lock whose limit shrinks below what is held', () => {
    const holder = (stepNumber: number) => ({
      ...{ buildId: 1, builder: 'linux', buildNumber: 1, stepNumber, stepName: 'build' },
      ...{ mode: 'counting' as const, count: 1, since: 0 },
    });
    const going = { ...QUIET, locks: [{ name: 'tree', holders: [holder(0), holder(1)], waiters: [] }] };
    const limited = (maxCount: number) => described({ lock: masterLock('tree', { maxCount }) });
    expect(planOf(limited(3), limited(2), going).effects).toEqual([]);
    const plan = planOf(limited(3), limited(1), going);
    expect(plan.locks[0]?.options).toEqual([{ option: 'maxCount', before: 3, after: 1 }]);
    expect(plan.effects).toEqual([{ kind: 'lockAboveLimit', lock: 'tree', held: 2, limit: 1 }]);
  });
});

describe('a description', () => {
  test('holds no secret: sources of tokens by name, values that are named like secrets not at all', () => {
    const w = worker({ name: 'w', token: { file: '/run/w.token' } });
    const steps = [
      shell({ name: 'push', command: ['push', 'https://ada:s3cret@host/x'], env: { API_TOKEN: 's3cret', CPUS: '4' } }),
    ];
    const declared = siteWith({
      workers: [w],
      builders: [builder({ name: 'linux', workers: [w], factory: factory(steps) })],
      changeSources: [webhook('github', { secrets: [{ env: 'GITHUB_SECRET' }] })],
    });
    const description = describeSite(declared);
    expect(JSON.stringify(description)).not.toContain('s3cret');
    expect(description.workers[0]?.options.token).toBe('file /run/w.token');
    expect(description.changeSources[0]).toMatchObject({
      name: 'github',
      options: { secrets: ['variable GITHUB_SECRET'] },
    });
    expect(description.builders[0]?.steps[0]?.options).toMatchObject({
      command: ['push', 'https://ada:***@host/x'],
      env: { API_TOKEN: { $hidden: true }, CPUS: '4' },
    });
  });
});
