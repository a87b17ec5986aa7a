import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Build, type Buildset, statusSchema } from '@icefall/shared';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TestCli } from '../support/cli.ts';
import { TestMaster } from '../support/master.ts';
import { groundOfFile } from '../support/vitest.ts';

describe('the state of a master', () => {
  const ground = groundOfFile();
  const gate = ground.path('gate');
  let master: TestMaster;
  let cli: TestCli;
  beforeAll(async () => {
    master = await TestMaster.start(ground, {
      site: join(import.meta.dirname, 'sites/faults.ts'),
      env: { GATE: gate },
    });
    await master.worker('steady');
    cli = new TestCli(ground, { url: master.url });
  });
  beforeEach(() => rmSync(gate, { force: true }));

  const openGate = () => writeFileSync(gate, '');
  const firstBuild = async (buildset: Pick<Buildset, 'requestIds'>) => {
    const build = await master.api.buildOf(buildset.requestIds[0] ?? 0);
    if (build === null) throw new Error('the request has no build');
    return build;
  };
  /** Starts a step that counts aloud until the gate opens, and waits until it does. */
  async function counting(): Promise<Buildset> {
    const buildset = await master.api.force('counts');
    await master.api.line(await master.api.stepOf(buildset, 'count'), /^line 20$/);
    return buildset;
  }
  async function textOf(build: Build): Promise<string[]> {
    const lines = await master.api.lines(build.steps[0] ?? { logs: [] });
    return lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text);
  }
  const verified = async (directory: string) => {
    const { code, stdout } = await cli.run('--json', 'verify', directory);
    return {
      code,
      damages: JSON.parse(stdout).findings.filter((one: { severity: string }) => one.severity === 'damage'),
    };
  };

  test('is backed up while it works, is verified, and goes on from its backup', async () => {
    const running = await counting();
    const quick: Buildset[] = [];
    for (let i = 0; i < 20; i += 1) quick.push(await master.api.force('quick'));
    const backup = ground.path('backup');
    const [made] = await Promise.all([
      cli.run('backup', master.directory, '--to', backup),
      (async () => {
        for (let i = 0; i < 20; i += 1) await master.api.force('quick');
      })(),
    ]);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('builds, ') });
    expect(await verified(backup)).toEqual({ code: 0, damages: [] });
    expect(await verified(master.directory)).toEqual({ code: 0, damages: [] });
    expect(await cli.run('backup', master.directory, '--to', backup)).toMatchObject({ code: 1 });
    expect(await cli.run('restore', backup, '--to', master.directory)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not empty'),
    });

    await master.kill();
    renameSync(join(master.directory, 'master'), ground.path('lost'));
    expect(await cli.run('restore', backup, '--to', master.directory)).toMatchObject({ code: 0 });
    await master.startAgain();
    await master.api.connected('steady');
    openGate();
    expect((await master.api.finished(running)).result).toBe('SUCCESS');
    const build = await firstBuild(running);
    const text = await textOf(build);
    const count = text.length - 1;
    expect(text).toEqual([...Array.from({ length: count }, (_, i) => `line ${i + 1}`), `last ${count}`]);
    for (const buildset of quick) {
      expect((await master.api.finished(buildset)).result).toBe('SUCCESS');
      expect(await textOf(await firstBuild(buildset))).toEqual(['quick']);
    }
    expect(await verified(master.directory)).toEqual({ code: 0, damages: [] });
  });

  test('drains: what runs ends, what is asked for meanwhile waits and says why, and is built by the next master', async () => {
    const running = await counting();
    const stopping = cli.start('stop', master.directory, '--drain');
    await master.api.waitFor('the master to drain', async () =>
      (await status()).drainingSince === null ? null : true,
    );
    const late = await master.api.force('quick');
    const request = await master.api.waitFor('the reason', async () => {
      const found = await master.api.request(late.requestIds[0] ?? 0);
      return found.blocker === null ? null : found;
    });
    expect(request).toMatchObject({ state: 'pending', blocker: { kind: 'draining' } });
    expect((await cli.run('status')).stdout).toContain('Drains since');
    expect(master.process.exit).toBeNull();
    openGate();
    expect(await stopping.ended).toEqual({ code: 0, signal: null });
    expect(await master.process.ended).toEqual({ code: 0, signal: null });
    await master.startAgain();
    expect((await master.api.finished(running)).result).toBe('SUCCESS');
    expect((await master.api.finished(late)).result).toBe('SUCCESS');
  });

  test('a second stop ends a master that drains at once, and the step goes on', async () => {
    const running = await counting();
    const { pid } = await master.api.stepOf(running, 'count');
    const stopping = cli.start('stop', master.directory, '--drain');
    await master.api.waitFor('the master to drain', async () =>
      (await status()).drainingSince === null ? null : true,
    );
    expect(await cli.run('stop', master.directory)).toMatchObject({ code: 0 });
    expect(await stopping.ended).toEqual({ code: 0, signal: null });
    await master.startAgain();
    await master.api.connected('steady');
    expect((await master.api.stepOf(running, 'count')).pid).toBe(pid);
    openGate();
    expect((await master.api.finished(running)).result).toBe('SUCCESS');
  });

  test('that is damaged is not started on: the message says what to do, with an exit code of its own', async () => {
    const directory = ground.path('damaged');
    expect(await cli.run('restore', ground.path('backup'), '--to', directory)).toMatchObject({ code: 0 });
    writeFileSync(join(directory, 'master', 'icefall.db'), 'x'.repeat(10_000));
    const site = join(import.meta.dirname, 'sites/faults.ts');
    const ports = ['--port', '0', '--worker-port', '0'];
    const started = await cli.run('start', directory, '--config', site, ...ports);
    expect(started).toMatchObject({ code: 4, stderr: expect.stringMatching(/icefall verify .* icefall restore/) });
    expect(await cli.run('verify', directory)).toMatchObject({ code: 4 });
  });

  function status() {
    return master.api.get('/status', statusSchema);
  }
});
