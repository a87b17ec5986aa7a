import { describe, expect, it, vi } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { masterLock } from '../config/locks.ts';
import { worker } from '../config/workers.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { begunOn, blockerOf, programs, propertiesOf, run, siteWith, stepsOf } from '../simulation/test-language.ts';
import { addSteps } from '../steps/dynamic.ts';
import { setProperty } from '../steps/property.ts';

const w1 = worker({ name: 'w1' });
const w2 = worker({ name: 'w2', maxBuilds: 2 });

describe('clean-up for which its worker does not come', () => {
  const brief = worker({ name: 'w1', grace: '1m', cleanUpGrace: '1h' });
  const one = builder({
    name: 'one',
    workers: [brief],
    factory: factory([
      run('publish', { retryable: false, haltOnFailure: true }),
      run('abort', { alwaysRun: true }),
      run('unlock', { alwaysRun: true }),
      run('tell'),
    ]),
  });
  /** Its worker goes in the middle of the publish, for longer than its grace. */
  function abandoned() {
    const sim = new SimulatedSite({
      site: siteWith({ workers: [brief], builders: [one] }),
      work: programs({ publish: { durationMs: 10_000 } }),
    }).connectAll();
    sim.request(['one']);
    sim.run(1000);
    sim.worker('w1').cut();
    return sim.run(2 * 60_000);
  }

  it('is waited for, with an end that is told; then it is given up, and an alarm says what is left', () => {
    using sim = abandoned();
    const until = sim.master.rooms.builds.rows.build(1)?.grace_until ?? 0;
    expect(Math.round((until - sim.clock.now()) / 60_000)).toBe(59);
    expect(stepsOf(sim, 1)[1]).toBe('abort: running');
    sim.run(60 * 60_000);
    expect(stepsOf(sim, 1)).toEqual(['publish: EXCEPTION', 'abort: EXCEPTION', 'unlock: SKIPPED', 'tell: SKIPPED']);
    const [alarm] = sim.master.core.alarms.all;
    expect(alarm).toMatchObject({ kind: 'notCleanedUp one@w1' });
    expect(alarm?.message).toMatch(
      /^one #1 was not cleaned up: .* its cleanUpGrace of 1 h 00 m; .*: "abort", "unlock"$/,
    );
    expect(sim.master.rooms.requests.row(1)?.result).toBe('EXCEPTION');
    // What is left is not in the way of one that succeeds there.
    sim.worker('w1').connect();
    sim.request(['one']);
    sim.run(60_000);
    expect([sim.result(2), sim.master.core.alarms.all]).toEqual(['SUCCESS', []]);
  });

  it('is done when it comes before that', () => {
    using sim = abandoned();
    sim.worker('w1').connect();
    sim.run(10_000);
    expect(stepsOf(sim, 1).slice(0, 3)).toEqual(['publish: EXCEPTION', 'abort: SUCCESS', 'unlock: SUCCESS']);
    expect(sim.master.core.alarms.all).toEqual([]);
  });
});

describe('clean-up that is lost', () => {
  it('is an EXCEPTION and no reason to build again; the next of it is run', () => {
    const one = builder({
      name: 'one',
      workers: [w1],
      factory: factory([
        run('bad', { haltOnFailure: true }),
        run('abort', { alwaysRun: true }),
        run('unlock', { alwaysRun: true }),
      ]),
    });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1], builders: [one] }),
      work: programs({ bad: { durationMs: 10, exitCode: 1 }, abort: { durationMs: 60_000 } }),
    }).connectAll();
    const { requestIds } = sim.request(['one']);
    sim.run(1000);
    sim.worker('w1').loseDisk();
    sim.worker('w1').connect();
    sim.run(5000);
    expect(stepsOf(sim, 1)).toEqual(['bad: FAILURE', 'abort: EXCEPTION', 'unlock: SUCCESS']);
    expect([sim.result(requestIds[0] ?? 0), sim.master.core.alarms.all]).toEqual(['EXCEPTION', []]);
  });
});

describe('a mistake in the master', () => {
  it('is not taken for one of the site: the whole turn is taken back, and an alarm tells', () => {
    const one = builder({ name: 'one', workers: [w1], factory: factory([run('a')]) });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [one] }) }).connectAll();
    const { commands, core } = sim.master.rooms;
    vi.spyOn(commands, 'start').mockImplementationOnce(() => {
      throw new TypeError('planted');
    });
    expect(() => sim.request(['one'])).toThrow('planted');
    expect(core.db.all('SELECT id FROM buildsets UNION ALL SELECT id FROM builds')).toEqual([]);
    expect(core.alarms.all).toMatchObject([{ kind: 'masterMistake', message: expect.stringContaining('planted') }]);
    const { requestIds } = sim.request(['one']);
    sim.run(5000);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
  });
});

describe('a build', () => {
  it('runs its steps one after the other and ends with their result', () => {
    const one = builder({ name: 'one', workers: [w1], factory: factory([run('a'), run('b')]) });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [one] }) });
    const { requestIds } = sim.connectAll().request(['one']);
    sim.run(500);
    expect(stepsOf(sim, 1)).toEqual(['a: running', 'b: pending']);
    sim.run(3000);
    expect(stepsOf(sim, 1)).toEqual(['a: SUCCESS', 'b: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
  });

  it('skips what comes after a halt, except steps that always run', () => {
    const one = builder({
      name: 'one',
      workers: [w1],
      factory: factory([run('bad', { haltOnFailure: true }), run('next'), run('clean', { alwaysRun: true })]),
    });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1], builders: [one] }),
      work: programs({ bad: { durationMs: 10, exitCode: 3 } }),
    });
    const { requestIds } = sim.connectAll().request(['one']);
    sim.run(5000);
    expect(stepsOf(sim, 1)).toEqual(['bad: FAILURE', 'next: SKIPPED', 'clean: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('FAILURE');
  });

  it('goes on over a restart of the master while its step runs, with all of its output', () => {
    const one = builder({ name: 'one', workers: [w1], factory: factory([run('long'), run('b')]) });
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1], builders: [one] }),
      work: programs({ long: { durationMs: 60_000, lines } }),
    });
    const { requestIds } = sim.connectAll().request(['one']);
    sim.run(20_000).killMaster();
    sim.run(30_000).startMaster().connectAll().run(60_000);
    expect(stepsOf(sim, 1)).toEqual(['long: SUCCESS', 'b: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
    expect(sim.worker('w1').begun).toHaveLength(2);
    const [log] = sim.master.logs.ofStep(1, 0);
    const got = sim.master.logs.lines(log?.id ?? 0, 0, 1000)?.lines.map((line) => line.text);
    expect(got).toEqual(lines);
  });

  it('is tried again on another worker after the grace of the one that left', () => {
    const one = builder({ name: 'one', workers: [w1, w2], factory: factory([run('long')]) });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1, w2], builders: [one] }),
      work: () => ({ durationMs: 60_000 }),
    });
    const { requestIds } = sim.connectAll().request(['one']);
    sim.run(1000);
    const first = sim.master.rooms.builds.rows.build(1)?.worker ?? '';
    sim.worker(first).cut();
    sim.run(9 * 60_000);
    expect(stepsOf(sim, 1)).toEqual(['long: running']);
    sim.run(3 * 60_000);
    expect(stepsOf(sim, 1)).toEqual(['long: RETRY']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
    expect(sim.master.rooms.builds.rows.build(2)?.worker).not.toBe(first);
  });

  it('never starts a step twice that must not be, but cleans up when its worker is back', () => {
    const publish = builder({
      name: 'publish',
      workers: [w1],
      factory: factory([run('publish', { retryable: false, haltOnFailure: true }), run('abort', { alwaysRun: true })]),
    });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1], builders: [publish] }),
      work: programs({ publish: { durationMs: 60_000 } }),
    });
    const { requestIds } = sim.connectAll().request(['publish']);
    sim.run(1000);
    sim.worker('w1').cut();
    sim.run(60 * 60_000);
    expect(stepsOf(sim, 1)).toEqual(['publish: EXCEPTION', 'abort: running']);
    sim.worker('w1').connect();
    sim.run(10_000);
    expect(stepsOf(sim, 1)).toEqual(['publish: EXCEPTION', 'abort: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('EXCEPTION');
  });

  it('that is stopped interrupts what runs and still cleans up', () => {
    const one = builder({
      name: 'one',
      workers: [w1],
      factory: factory([run('long'), run('next'), run('clean', { alwaysRun: true })]),
    });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1], builders: [one] }),
      work: programs({ long: { durationMs: null, dyingMs: 500 } }),
    });
    const { requestIds } = sim.connectAll().request(['one']);
    sim.run(1000);
    sim.master.stopBuild(1, 'enough');
    sim.run(100);
    expect(stepsOf(sim, 1)).toEqual(['long: running', 'next: pending', 'clean: pending']);
    sim.run(5000);
    expect(stepsOf(sim, 1)).toEqual(['long: CANCELLED', 'next: SKIPPED', 'clean: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('CANCELLED');
    expect(sim.master.rooms.builds.rows.build(1)?.result).toBe('CANCELLED');
  });
});

describe('conditions of a step', () => {
  it('are asked when the step begins, with the properties of then', () => {
    const one = builder({
      name: 'one',
      workers: [w1],
      factory: factory([
        setProperty({ name: 'set', property: 'go', value: 'no' }),
        run('a', { doStepIf: (step) => step.properties.go?.value === 'yes' }),
        run('b', { doStepIf: (step) => step.properties.go?.value === 'no' }),
      ]),
    });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [one] }) });
    sim.connectAll().request(['one']);
    sim.run(5000);
    expect(stepsOf(sim, 1)).toEqual(['set: SUCCESS', 'a: SKIPPED', 'b: SUCCESS']);
  });

  it('that throw end the step as EXCEPTION, with the message in its log', () => {
    const one = builder({
      name: 'one',
      workers: [w1],
      factory: factory([
        run('a', {
          doStepIf: () => {
            throw new Error('no such thing');
          },
        }),
      ]),
    });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [one] }) });
    sim.connectAll().request(['one']);
    sim.run(5000);
    expect(stepsOf(sim, 1)).toEqual(['a: EXCEPTION']);
    const [log] = sim.master.logs.ofStep(1, 0);
    expect(sim.master.logs.lines(log?.id ?? 0, 0, 1)?.lines[0]?.text).toBe('Error: no such thing');
  });

  it('hide a step by its result', () => {
    const hideStepIf = (result: string) => result === 'SKIPPED';
    const one = builder({
      name: 'one',
      workers: [w1],
      factory: factory([run('a', { doStepIf: false, hideStepIf }), run('b', { hideStepIf })]),
    });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [one] }) });
    sim.connectAll().request(['one']);
    sim.run(5000);
    const hidden = sim.master.core.db.all<{ hidden: number }>('SELECT hidden FROM steps ORDER BY number');
    expect(hidden.map((row) => row.hidden)).toEqual([1, 0]);
  });

  it('a step that is not wanted takes no locks', () => {
    const lock = masterLock('alone');
    const one = builder({
      name: 'one',
      workers: [w1],
      factory: factory([run('a', { doStepIf: false, locks: [lock.exclusive()] })]),
    });
    const other = builder({
      name: 'other',
      workers: [w2],
      factory: factory([run('hold', { locks: [lock.exclusive()] })]),
    });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1, w2], builders: [one, other] }),
      work: () => ({ durationMs: 60_000 }),
    });
    sim.connectAll().request(['other']);
    sim.run(100);
    const { requestIds } = sim.request(['one']);
    sim.run(100);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
  });
});

describe('steps that are added during a build', () => {
  const adding = () =>
    builder({
      name: 'one',
      workers: [w1],
      factory: factory([
        setProperty({ name: 'set', property: 'parts', value: 'x y' }),
        addSteps({
          name: 'add',
          steps: (step) =>
            String(step.properties.parts?.value)
              .split(' ')
              .map((part) => run(part)),
        }),
        run('last'),
      ]),
    });

  it('run right after the step that added them', () => {
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [adding()] }) });
    sim.connectAll().request(['one']);
    sim.run(10_000);
    expect(stepsOf(sim, 1)).toEqual(['set: SUCCESS', 'add: SUCCESS', 'x: SUCCESS', 'y: SUCCESS', 'last: SUCCESS']);
    expect(begunOn(sim, 'w1')).toEqual(['one #1, x', 'one #1, y', 'one #1, last']);
  });

  it('are there again after a restart of the master', () => {
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [adding()] }) });
    sim.connectAll().request(['one']);
    sim.run(500).killMaster();
    sim.startMaster().connectAll().run(10_000);
    expect(stepsOf(sim, 1)).toEqual(['set: SUCCESS', 'add: SUCCESS', 'x: SUCCESS', 'y: SUCCESS', 'last: SUCCESS']);
    expect(begunOn(sim, 'w1')).toHaveLength(3);
  });
});

describe('a configuration that changes', () => {
  const twoSteps = builder({ name: 'one', workers: [w1], factory: factory([run('a'), run('b')]) });
  const otherSteps = builder({ name: 'one', workers: [w1], factory: factory([run('a'), run('c')]) });

  it('leaves a running build with the steps it began with', () => {
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [twoSteps] }) });
    sim.connectAll().request(['one']);
    sim.run(500);
    sim.master.apply(siteWith({ workers: [w1], builders: [otherSteps] }));
    sim.run(5000);
    expect(stepsOf(sim, 1)).toEqual(['a: SUCCESS', 'b: SUCCESS']);
    sim.request(['one']);
    sim.run(5000);
    expect(stepsOf(sim, 2)).toEqual(['a: SUCCESS', 'c: SUCCESS']);
  });

  it('while the master was away ends a build that it cannot continue, and interrupts what ran', () => {
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1], builders: [twoSteps] }),
      work: () => ({ durationMs: null }),
    });
    const { requestIds } = sim.connectAll().request(['one']);
    sim.run(500).killMaster();
    sim
      .startMaster(siteWith({ workers: [w1], builders: [otherSteps] }))
      .connectAll()
      .run(5000);
    expect(stepsOf(sim, 1)).toEqual(['a: EXCEPTION', 'b: SKIPPED']);
    expect(sim.worker('w1').running).toEqual([]);
    expect(sim.result(requestIds[0] ?? 0)).toBe('EXCEPTION');
  });
});

describe('an attempt that is lost', () => {
  it('is repeated with a back-off that doubles, and given up after the last', () => {
    const one = builder({
      name: 'one',
      workers: [w1],
      factory: factory([run('a')]),
      retry: { maxAttempts: 3, backOff: '10s' },
    });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1], builders: [one] }),
      work: () => ({ durationMs: 60_000 }),
    });
    const { requestIds } = sim.connectAll().request(['one']);
    const id = requestIds[0] ?? 0;
    const lose = () => {
      sim.run(100).worker('w1').kill();
      sim.worker('w1').connect();
      sim.run(100);
    };
    lose();
    expect(blockerOf(sim, id)).toMatchObject({ kind: 'backOff', attempt: 2 });
    sim.run(10_000);
    lose();
    sim.run(10_000);
    expect(blockerOf(sim, id)).toMatchObject({ kind: 'backOff', attempt: 3 });
    sim.run(10_000);
    lose();
    expect(sim.result(id)).toBe('EXCEPTION');
    expect(sim.master.rooms.builds.rows.build(3)).toMatchObject({ result: 'EXCEPTION', attempt: 3 });
  });
});

describe('properties', () => {
  it('of later sources win: site, worker, builder, scheduler, step', () => {
    const worker1 = worker({ name: 'w1', properties: { a: 'worker', b: 'worker', c: 'worker', d: 'worker' } });
    const one = builder({
      name: 'one',
      workers: [worker1],
      properties: { b: 'builder', c: 'builder', d: 'builder' },
      factory: factory([setProperty({ name: 'set', property: 'd', value: 'step' })]),
    });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [worker1], builders: [one], properties: { a: 'site', e: 'site' } }),
    });
    sim.connectAll();
    sim.request(['one'], { properties: { c: { value: 'scheduler', source: 'Scheduler' } } });
    sim.run(100);
    const { a, b, c, d, e, buildername, workername } = propertiesOf(sim, 1);
    expect([a, b, c, d, e].map((property) => property?.value)).toEqual([
      'worker',
      'builder',
      'scheduler',
      'step',
      'site',
    ]);
    expect(d?.source).toBe('set');
    expect([buildername?.value, workername?.value]).toEqual(['one', 'w1']);
  });
});

describe('directories on the worker', () => {
  it('are of their own for builds of one builder that run at once', () => {
    const one = builder({ name: 'one', workers: [w2], factory: factory([run('a')]) });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w2], builders: [one] }) });
    sim.connectAll();
    sim.request(['one']);
    sim.request(['one']);
    sim.request(['one']);
    sim.run(100);
    expect(sim.worker('w2').begun.map((start) => start.buildDirectory)).toEqual(['one', 'one.2']);
    sim.run(5000);
    expect(sim.worker('w2').begun.map((start) => start.buildDirectory)).toEqual(['one', 'one.2', 'one']);
  });
});
