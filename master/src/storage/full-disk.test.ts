import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { worker } from '../config/workers.ts';
import { answerOfError } from '../http/errors.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { programs, run, siteWith } from '../simulation/test-language.ts';
import { StorageError } from './faults.ts';
import { PROBE_EVERY_MS } from './health.ts';
import { SmallDisk } from './test-disk.ts';

const LINES = Array.from({ length: 60 }, (_, i) => `line ${i} ${'x'.repeat(1000)}`);
const w1 = worker({ name: 'w1', grace: '1h' });
const site = siteWith({
  workers: [w1],
  builders: [
    builder({ name: 'talks', workers: [w1], factory: factory([run('talk'), run('after')]) }),
    builder({ name: 'quiet', workers: [w1], factory: factory([run('a')]) }),
  ],
});
const work = programs({ talk: { durationMs: 400_000, lines: LINES } });

const probe = SmallDisk.mount(1024 * 1024);
probe?.[Symbol.dispose]();

describe.skipIf(probe === null)('on a full disk', () => {
  let disk: SmallDisk;
  let sim: SimulatedSite;
  beforeEach(() => {
    const mounted = SmallDisk.mount(6 * 1024 * 1024);
    if (mounted === null) throw new Error('the disk could be mounted a moment ago');
    disk = mounted;
    sim = new SimulatedSite({ site, work, below: disk.directory, isOnDisk: true }).connectAll();
  });
  afterEach(() => {
    sim[Symbol.dispose]();
    disk[Symbol.dispose]();
  });

  const alarms = () => sim.master.core.alarms.all.map(({ kind }) => kind);
  const count = (table: string) =>
    sim.master.core.db.one<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`)?.n ?? Number.NaN;
  /** Lets time pass with a worker that comes back whenever it is sent away, as the agent does. */
  const live = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1000) {
      if (!sim.master.worker('w1').connected) sim.worker('w1').connect();
      sim.run(1000);
    }
  };
  /** Asks for builds until the storage refuses. */
  const askUntilRefused = (): unknown => {
    for (let i = 0; i < 10_000; i += 1) {
      const before = [count('buildsets'), count('requests')];
      try {
        sim.request(['quiet']);
      } catch (error) {
        expect([count('buildsets'), count('requests')]).toEqual(before);
        return error;
      }
    }
    return null;
  };

  test('what is asked for is refused whole, by name, with an alarm that ends by itself', () => {
    disk.fill();
    const error = askUntilRefused();
    expect(error).toBeInstanceOf(StorageError);
    expect(answerOfError(error)).toMatchObject({ status: 503, body: { error: { code: 'storage_unavailable' } } });
    expect(alarms()).toEqual(['storageUnavailable']);
    expect(sim.master.core.alarms.all[0]?.message).toContain('disk is full');
    live(60_000);
    expect(alarms()).toEqual(['storageUnavailable']);
    disk.free();
    sim.run(PROBE_EVERY_MS);
    expect(alarms()).toEqual([]);
    const { requestIds } = sim.request(['quiet']);
    live(3_600_000);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
  });

  test.each([0, 4096, 12_000])('a step that runs loses no byte of its output (%d bytes left)', (left) => {
    const { requestIds } = sim.request(['talks']);
    live(30_000);
    disk.fill(left);
    live(120_000);
    expect(alarms()).toEqual(['storageUnavailable']);
    // What cannot be made durable is not acknowledged, and so it is kept by the worker.
    disk.free();
    live(600_000);
    expect(alarms()).toEqual([]);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
    expect(count('builds')).toBe(1);
    expect(logOf(1, 0)).toEqual(LINES);
  });

  test('a step that ends meanwhile has ended once there is space', () => {
    const { requestIds } = sim.request(['talks']);
    live(395_000);
    disk.fill();
    live(60_000);
    expect(sim.result(requestIds[0] ?? 0)).toBeNull();
    disk.free();
    live(60_000);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
    expect(logOf(1, 0)).toEqual(LINES);
  });

  test('a master that is killed goes on as from any other moment', () => {
    const { requestIds } = sim.request(['talks']);
    live(100_000);
    disk.fill();
    live(20_000);
    sim.killMaster();
    disk.free();
    sim.startMaster();
    live(600_000);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
    expect(logOf(1, 0)).toEqual(LINES);
  });

  function logOf(buildId: number, step: number): string[] {
    const { logs } = sim.master;
    const id = logs.ofStep(buildId, step)[0]?.id ?? 0;
    return [...logs.raw(id)].map(String).join('').trimEnd().split('\n');
  }
});
