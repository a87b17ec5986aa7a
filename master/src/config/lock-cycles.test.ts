import { describe, expect, test } from 'vitest';
import { prop } from '../properties/references.ts';
import { holdTogether } from '../steps/lock-span.ts';
import { shell } from '../steps/shell.ts';
import { mistakesIn } from '../steps/test-run.ts';
import { trigger } from '../steps/trigger.ts';
import { type BuilderDeclaration, type BuilderOptions, builder, factory, type Steps } from './builders.ts';
import { type LockAccess, masterLock, pathLock, workerLock } from './locks.ts';
import { triggerableScheduler } from './schedulers.ts';
import { site } from './site-program.ts';
import { type WorkerDeclaration, worker } from './workers.ts';

const [w1, w2] = [worker({ name: 'w1' }), worker({ name: 'w2' })];
const tree = masterLock('tree', { maxCount: 3 });
const disk = workerLock('disk', { maxCountForWorker: { w1: 2 } });

const make = (name: string, steps: Steps, more: Partial<BuilderOptions> = {}) =>
  builder({ name, workers: [w1], factory: factory(steps), ...more });
const step = (...locks: LockAccess[]) => shell({ name: 'make', command: 'make', locks });
const entry = (child: BuilderDeclaration) => triggerableScheduler({ name: `to-${child.name}`, builders: [child] });

/** What is reported of a parent that holds locks and triggers a child. */
function family(
  child: BuilderDeclaration,
  parentLocks: LockAccess[],
  more: { wait?: boolean; stepLocks?: LockAccess[]; workers?: WorkerDeclaration[] } = {},
): readonly string[] {
  const scheduler = entry(child);
  const go = trigger({ name: 'go', schedulers: [scheduler], wait: more.wait ?? true, locks: more.stepLocks ?? [] });
  const parent = make('parent', [go], { locks: parentLocks, workers: more.workers ?? [w1] });
  return mistakesIn(() => site({ title: 't', workers: [w1, w2], builders: [child, parent], schedulers: [scheduler] }));
}

/** A report without files and lines. */
const plain = (text: string) => text.replace(/ at \S+:\d+/g, '');

describe('the check for builds that wait for each other', () => {
  test('finds a triggered builder that wants what its parent holds, and names the whole cycle', () => {
    const [found, ...more] = family(make('child', [], { locks: [tree.exclusive()] }), [tree.counting()]);
    expect(more).toEqual([]);
    expect(found).toMatch(
      /is held by builder "parent" at \S+lock-cycles\.test\.ts:\d+, and builder "child" at \S+:\d+/,
    );
    expect(plain(found ?? '')).toContain(
      'step "go" of builder "parent" waits for builder "child", while lock "tree" (1 of 3) is held by builder "parent", and builder "child" wants it (exclusive): they would wait for each other for ever; hold the lock only in other steps than the one that waits, or do not wait',
    );
  });

  test('looks at the locks of steps, of the trigger step and of workers', () => {
    const child = make('child', [step(tree.exclusive())]);
    expect(family(child, [], { stepLocks: [tree.counting()] })).toHaveLength(1);
    const held = worker({ name: 'w3', locks: [tree.counting()] });
    expect(family(child, [], { workers: [held] }).filter((text) => text.includes('for ever'))).toHaveLength(1);
  });

  test('finds it through several triggers, and counts what is held on the way', () => {
    const grandchild = make('grandchild', [step(tree.counting())]);
    const down = trigger({ name: 'down', schedulers: [entry(grandchild)], wait: true });
    const child = make('child', [down], { locks: [tree.counting()] });
    const schedulers = [entry(child), entry(grandchild)];
    const report = (count: number) => {
      const go = trigger({ name: 'go', schedulers: ['to-child'], wait: true });
      const parent = make('parent', [go], { locks: [tree.counting(count)] });
      return mistakesIn(() =>
        site({ title: 't', workers: [w1], builders: [grandchild, child, parent], schedulers }),
      ).map(plain);
    };
    expect(report(1)).toEqual([]);
    expect(report(2)).toEqual([
      expect.stringContaining(
        'step "go" of builder "parent" waits for builder "child", whose build: step "down" of builder "child" waits for builder "grandchild", while lock "tree" (2 of 3) is held by builder "parent", and step "make" of builder "grandchild" wants it (1 of 3)',
      ),
    ]);
  });

  test('lets them share a lock within its limit', () => {
    expect(family(make('child', [step(tree.counting(2))]), [tree.counting()])).toEqual([]);
    expect(family(make('child', [step(tree.counting(3))]), [tree.counting()])).toHaveLength(1);
  });

  test('says nothing where nobody waits, or the step is switched off', () => {
    const child = make('child', [step(tree.exclusive())]);
    expect(family(child, [tree.exclusive()], { wait: false })).toEqual([]);
    const off = make('child', [shell({ name: 'make', command: 'make', locks: [tree.exclusive()], doStepIf: false })]);
    expect(family(off, [tree.exclusive()])).toEqual([]);
    const scheduler = entry(child);
    const go = trigger({ schedulers: [scheduler], wait: prop('wait', false) });
    const parent = make('parent', [go], { locks: [tree.exclusive()] });
    expect(
      mistakesIn(() => site({ title: 't', workers: [w1], builders: [child, parent], schedulers: [scheduler] })),
    ).toEqual([]);
  });

  test('knows that a lock of workers is another one on another worker', () => {
    const wants = (workers: WorkerDeclaration[]) => make('child', [], { workers, locks: [disk.exclusive()] });
    expect(family(wants([w1]), [disk.counting()])).toHaveLength(1);
    expect(family(wants([w1, w2]), [disk.counting()])).toEqual([]);
    expect(family(wants([w2]), [disk.counting()])).toEqual([]);
    const shares = make('child', [], { locks: [disk.counting()] });
    expect(family(shares, [disk.counting()])).toEqual([]);
  });

  test('bears builders that trigger each other', () => {
    const ping = make('ping', [trigger({ schedulers: ['to-pong'], wait: true })], { locks: [tree.counting()] });
    const pong = make('pong', [trigger({ schedulers: ['to-ping'], wait: true })]);
    const schedulers = [entry(ping), entry(pong)];
    expect(mistakesIn(() => site({ title: 't', workers: [w1], builders: [ping, pong], schedulers }))).toEqual([]);
  });

  test('knows locks that are kept from one step to a later one, and paths that overlap', () => {
    const repository = pathLock('repository');
    const child = (path: string) => make('child', [step(repository.below(path))]);
    const parent = (target: BuilderDeclaration) => {
      const scheduler = entry(target);
      const go = trigger({ name: 'go', schedulers: [scheduler], wait: true });
      const span = holdTogether([repository.below('data')], [step(), go, step()]);
      const builders = [target, make('parent', span)];
      return mistakesIn(() => site({ title: 't', workers: [w1, w2], builders, schedulers: [scheduler] }));
    };
    expect(parent(child('data/gcd'))).toEqual([expect.stringMatching(/they would wait for each other for ever/)]);
    expect(parent(child('other'))).toEqual([]);
  });
});
