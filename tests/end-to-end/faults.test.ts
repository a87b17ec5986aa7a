import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Build, Buildset, Step } from '@icefall/shared';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { TestMaster } from '../support/master.ts';
import { isAlive } from '../support/process-table.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { groundOfFile } from '../support/vitest.ts';
import type { TestWorker } from '../support/worker.ts';

describe('faults while a step runs and prints', () => {
  const ground = groundOfFile();
  const gate = ground.path('gate');
  let master: TestMaster;
  let worker: TestWorker;
  let proxy: TcpProxy;
  beforeAll(async () => {
    master = await TestMaster.start(ground, {
      site: join(import.meta.dirname, 'sites/faults.ts'),
      env: { GATE: gate },
    });
    proxy = await TcpProxy.start(ground, master.workerPort);
    worker = await master.worker('steady', { port: proxy.port });
  });
  beforeEach(() => rmSync(gate, { force: true }));

  const openGate = () => writeFileSync(gate, '');

  /** Starts a build and waits until its step has printed so many lines; gives the step as it is then. */
  async function counting(
    scheduler: string,
    lines: number,
  ): Promise<{ buildset: Buildset; step: Step & { pid: number } }> {
    const buildset = await master.api.force(scheduler);
    const step = await master.api.waitFor('the process of the step', async () => {
      const [build] = await master.api.buildsOf(buildset);
      const first = build?.steps[0];
      return first?.pid == null ? null : { ...first, pid: first.pid };
    });
    await master.api.line(step, new RegExp(`^line ${lines}$`));
    return { buildset, step };
  }

  /** What the step has printed: every number once, in order, and no more. */
  async function expectEveryLineOnce(build: Build | null): Promise<number> {
    const [step] = build?.steps ?? [];
    const lines = step === undefined ? [] : await master.api.lines(step);
    const texts = lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text);
    const count = texts.length - 1;
    expect(texts).toEqual([...Array.from({ length: count }, (_, i) => `line ${i + 1}`), `last ${count}`]);
    return count;
  }

  test('a master that is killed finds the step again: the same process, and every line once', async () => {
    const { buildset, step } = await counting('counts', 20);
    await master.kill();
    const before = counted();
    await eventually('lines while the master is away', () => (counted() > before + 20 ? true : null));
    expect(isAlive(step.pid)).toBe(true);
    await master.startAgain();
    await master.api.connected('steady');
    const again = await master.api.stepOf(buildset, 'count');
    expect(again.pid).toBe(step.pid);
    openGate();
    expect((await master.api.finished(buildset)).result).toBe('SUCCESS');
    const build = await master.api.buildOf(buildset.requestIds[0] ?? 0);
    expect(build).toMatchObject({ attempt: 1, result: 'SUCCESS' });
    expect(await expectEveryLineOnce(build)).toBeGreaterThan(20);
  });

  test('a cut network is no event for the step', async () => {
    const { buildset, step } = await counting('counts', 20);
    await proxy.cut();
    await master.api.waitFor('the worker to be away', async () =>
      (await master.api.worker('steady')).connected ? null : true,
    );
    const away = await master.api.build(step.buildId);
    expect(away).toMatchObject({ state: 'running', result: null });
    expect(away.graceUntil).not.toBeNull();
    await proxy.mend();
    await master.api.connected('steady');
    expect((await master.api.stepOf(buildset, 'count')).pid).toBe(step.pid);
    openGate();
    expect((await master.api.finished(buildset)).result).toBe('SUCCESS');
    const build = await master.api.buildOf(buildset.requestIds[0] ?? 0);
    expect(build).toMatchObject({ id: step.buildId, attempt: 1, graceUntil: null });
    expect(await expectEveryLineOnce(build)).toBeGreaterThanOrEqual(20);
  });

  test('a killed agent loses its attempt, and the build is made again', async () => {
    const { buildset, step } = await counting('counts', 20);
    await worker.kill();
    worker.startAgain();
    const second = await master.api.waitFor('the second attempt to run', async () => {
      const build = await master.api.buildOf(buildset.requestIds[0] ?? 0);
      return build?.attempt === 2 && build.steps[0]?.state === 'running' ? build : null;
    });
    expect(isAlive(step.pid)).toBe(false);
    openGate();
    expect((await master.api.finished(buildset)).result).toBe('SUCCESS');
    expect((await master.api.build(step.buildId)).result).toBe('RETRY');
    expect((await master.api.request(buildset.requestIds[0] ?? 0)).buildIds).toEqual([step.buildId, second.id]);
    await expectEveryLineOnce(await master.api.build(second.id));
  });

  test('a step that must not be started twice is not, and the clean-up runs once the worker is back', async () => {
    const { buildset, step } = await counting('counts_once', 5);
    await worker.kill();
    worker.startAgain();
    expect((await master.api.finished(buildset)).result).toBe('EXCEPTION');
    expect((await master.api.request(buildset.requestIds[0] ?? 0)).buildIds).toEqual([step.buildId]);
    const { steps } = await master.api.build(step.buildId);
    expect(steps.map(({ name, result }) => [name, result])).toEqual([
      ['count', 'EXCEPTION'],
      ['clean up', 'SUCCESS'],
    ]);
  });

  /** How far the step has counted, whoever listens. */
  function counted(): number {
    return Number(readFileSync(`${gate}.count`, 'utf8'));
  }
});
