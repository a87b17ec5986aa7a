import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SmallDisk } from '@icefall/master/storage/test-disk';
import { statusSchema } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { TestCli } from '../support/cli.ts';
import { TestMaster } from '../support/master.ts';
import { groundOfFile } from '../support/vitest.ts';

const DISK_BYTES = 16 * 1024 * 1024;
const probe = SmallDisk.mount(1024 * 1024);
probe?.[Symbol.dispose]();

describe.skipIf(probe === null)('a master whose disk is full', () => {
  const ground = groundOfFile();

  test('refuses by name, says so on the page and in icefall status, loses nothing, and goes on by itself', async () => {
    const mounted = SmallDisk.mount(DISK_BYTES);
    if (mounted === null) throw new Error('the disk could be mounted a moment ago');
    ground.atEnd(() => mounted[Symbol.dispose]());
    const disk = mounted;
    const gate = ground.path('gate');
    const master = await TestMaster.start(ground, {
      ...{ site: join(import.meta.dirname, 'sites/faults.ts'), env: { GATE: gate }, directory: disk.path('site') },
    });
    await master.worker('steady');
    const cli = new TestCli(ground, { url: master.url });
    const running = await master.api.force('counts');
    const started = () =>
      master.api.waitFor('the process of the step', async () => {
        const step = await master.api.stepOf(running, 'count');
        return step.pid === null ? null : step;
      });
    const step = await started();
    await master.api.line(step, /^line 20$/);

    disk.fill();
    const refused = await master.api.waitFor('a refusal', async () => {
      const answer = await master.api.ask('POST', '/api/v1/schedulers/quick/force', {});
      return answer.status === 503 ? answer.body : null;
    });
    expect(refused).toMatchObject({ error: { code: 'storage_unavailable' } });
    expect(await alarms()).toContain('storageUnavailable');
    expect((await cli.run('status')).stdout).toContain('disk is full');
    const before = (await master.api.snapshot()).requests.length;
    expect((await master.api.ask('POST', '/api/v1/schedulers/quick/force', {})).status).toBe(503);
    expect((await master.api.snapshot()).requests).toHaveLength(before);
    expect(master.process.exit).toBeNull();

    disk.free();
    await master.api.waitFor('the end of the alarm', async () =>
      (await alarms()).includes('storageUnavailable') ? null : true,
    );
    await master.api.connected('steady');
    expect((await started()).pid).toBe(step.pid);
    writeFileSync(gate, '');
    expect((await master.api.finished(running)).result).toBe('SUCCESS');
    const build = await master.api.buildOf(running.requestIds[0] ?? 0);
    expect(build?.attempt).toBe(1);
    const lines = await master.api.lines(build?.steps[0] ?? { logs: [] });
    const texts = lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text);
    const count = texts.length - 1;
    expect(texts).toEqual([...Array.from({ length: count }, (_, i) => `line ${i + 1}`), `last ${count}`]);
    expect(await cli.run('verify', master.directory)).toMatchObject({ code: 0 });

    async function alarms(): Promise<string[]> {
      return (await master.api.get('/status', statusSchema)).alarms.map(({ kind }) => kind);
    }
  });
});
