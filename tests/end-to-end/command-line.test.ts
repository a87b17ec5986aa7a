import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Build, buildSchema, buildsetSchema, requestSchema, statusSchema } from '@icefall/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { field, TestApi } from '../support/api.ts';
import { TestCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import type { TestProcess } from '../support/process.ts';
import { TestRepository } from '../support/repository.ts';
import { groundOfFile } from '../support/vitest.ts';
import { TestWorker } from '../support/worker.ts';

describe('the command line, from the first command to the last', () => {
  const ground = groundOfFile();
  const folder = ground.path('site');
  const gate = ground.path('gate');
  const local = new TestCli(ground);
  let master: TestProcess;
  let cli: TestCli;
  let api: TestApi;

  // A user's project: its build waits for the gate.
  const repository = new TestRepository(ground, {
    Makefile: `all:\n\t@echo building; i=0; until [ -e ${gate} ]; do i=$$((i+1)); echo "still $$i"; sleep 0.05; done; echo built\ncheck:\n\t@echo checked\n`,
  });

  beforeAll(async () => {
    expect(await local.run('init', folder)).toMatchObject({ code: 0, stdout: expect.stringContaining('site.ts') });
    const program = join(folder, 'site.ts');
    writeFileSync(
      program,
      readFileSync(program, 'utf8').replace('https://git.example.org/project.git', repository.bare),
    );
    master = local.start('start', folder, '--port', '0', '--worker-port', '0');
    const [, url = '', workers = ''] = await master.wrote(/Icefall runs: (\S+) {2}\(workers: (ws:\S+);/);
    cli = new TestCli(ground, { url });
    api = new TestApi(url);
    const { stdout } = await cli.run('worker', 'token', 'issue', 'builder1');
    TestWorker.start(ground, { name: 'builder1', token: stdout.trim(), master: workers });
    await api.connected('builder1');
  });
  afterAll(() => writeFileSync(gate, ''));

  /** Opens the gate while something is done. */
  const withOpenGate = async <T>(work: () => Promise<T>) => {
    writeFileSync(gate, '');
    try {
      return await work();
    } finally {
      rmSync(gate);
    }
  };

  /** Forces a build that waits at the gate. */
  const forceAndHold = async (): Promise<Build> => {
    const buildset = field('buildset', buildsetSchema).parse(await cli.json('force', 'try', '--set', 'jobs=3'));
    await api.stepOf(buildset, 'build');
    const [build] = await api.buildsOf(buildset);
    if (build === undefined) throw new Error('there is no build');
    return build;
  };

  test('init does not overwrite what is there', async () => {
    expect(await local.run('init', folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nothing was written'),
    });
  });

  test('check tells what is in a site, and every mistake with its place', async () => {
    expect(await local.run('check', folder)).toMatchObject({ code: 0, stdout: expect.stringContaining('no mistakes') });
    const bad = ground.path('bad.ts');
    const text = readFileSync(join(folder, 'site.ts'), 'utf8');
    writeFileSync(bad, text.replace('maxBuilds: 2', 'maxBuilds: 0').replace("cron: '0 3 * * *'", "cron: '0 25 * * *'"));
    const { code, stdout } = await local.run('check', bad);
    expect(code).toBe(1);
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^bad\.ts:\d+: .*maxBuilds/),
      expect.stringMatching(/^bad\.ts:\d+: .*cron/),
    ]);
  });

  test('a second master on the same folder is refused', async () => {
    const second = await local.run('start', folder, '--port', '0', '--worker-port', '0');
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining(String(master.pid)) });
  });

  test('force --wait follows a build to its end and tells its result by the exit code', async () => {
    const done = await withOpenGate(() => cli.run('force', 'try', '--set', 'jobs=4', '--wait'));
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('SUCCESS') });
    repository.push({ Makefile: 'all:\n\t@echo no; exit 3\n' });
    const failed = await cli.run('force', 'try', '--wait');
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('FAILURE') });
    const [, reference = ''] = /icefall log (\S+)/.exec(failed.stderr) ?? [];
    expect((await cli.run('log', reference)).stdout).toContain('no\n');
    repository.git('revert', '--no-edit', 'HEAD');
    repository.git('push', '--quiet', 'origin', 'HEAD');
  });

  test('a value that the form refuses is a usage error with the name of its field', async () => {
    const { code, stderr } = await cli.run('force', 'try', '--set', 'jobs=many');
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/jobs: /) });
  });

  test('log -f prints the lines as they come, to the end of the step', async () => {
    const build = await forceAndHold();
    const follower = cli.start('log', '-f', `${build.builder}/${build.number}.build`);
    await follower.wrote(/^still 3$/m);
    expect(follower.exit).toBeNull();
    writeFileSync(gate, '');
    expect((await follower.endedWithin()).code).toBe(0);
    rmSync(gate);
    const lines = follower.stdout.split('\n').filter((line) => line.startsWith('still '));
    expect(lines).toEqual(lines.map((_, i) => `still ${i + 1}`));
    expect(follower.stdout).toMatch(/^built$/m);
    const json = await cli.run('--json', 'log', `${build.id}.build`);
    expect(JSON.parse(json.stdout).logs[0].lines.map(({ text }: { text: string }) => text)).toContain('still 3');
  });

  test('stop-build ends a build, and rebuild makes it again from the same sources', async () => {
    const build = await forceAndHold();
    expect(await cli.run('stop-build', String(build.id), '--reason', 'enough')).toMatchObject({ code: 0 });
    await api.finished({ id: build.buildsetId });
    expect(await api.build(build.id)).toMatchObject({ result: 'CANCELLED', stopReason: 'enough' });
    expect(await cli.run('stop-build', String(build.id))).toMatchObject({ code: 1 });
    const again = await withOpenGate(() => cli.run('rebuild', `${build.builder}/${build.number}`, '--wait'));
    expect(again).toMatchObject({ code: 0 });
    const last = buildSchema.parse(await cli.json('builds', '--limit', '1').then(firstBuild));
    expect(last.properties).toMatchObject({ jobs: { value: '3' }, got_revision: build.properties.got_revision });
  });

  test('queue says what a request waits for, and cancel takes it out', async () => {
    await cli.run('worker', 'pause', 'builder1');
    const { requestIds } = field('buildset', buildsetSchema).parse(await cli.json('force', 'try'));
    expect((await cli.run('queue')).stdout).toContain('builder1 paused');
    expect(field('requests', requestSchema.array()).parse(await cli.json('queue'))).toMatchObject([
      { id: requestIds[0], blocker: { kind: 'workersPaused' } },
    ]);
    expect(await cli.run('cancel', String(requestIds[0]))).toMatchObject({ code: 0 });
    expect((await cli.run('queue')).stdout).toBe('nothing waits\n');
    expect(await api.request(requestIds[0] ?? 0)).toMatchObject({ state: 'finished', result: 'CANCELLED' });
    await cli.run('worker', 'resume', 'builder1');
  });

  test('reload applies a changed site whole, and keeps the old one when there is a mistake', async () => {
    const program = join(folder, 'site.ts');
    const text = readFileSync(program, 'utf8');
    writeFileSync(program, text.replace("title: 'My site'", "title: 'My other site'"));
    expect(await cli.run('reload')).toMatchObject({ code: 0 });
    writeFileSync(program, text.replace("title: 'My site'", 'title: 7'));
    expect(await cli.run('reload')).toMatchObject({ code: 1, stderr: expect.stringContaining('title') });
    expect(statusSchema.parse(await cli.json('status'))).toMatchObject({ title: 'My other site' });
    expect((await cli.run('status')).stdout).toContain('My other site');
    writeFileSync(program, text);
    expect(await cli.run('reload')).toMatchObject({ code: 0 });
  });

  test('stop ends the master, and then nobody answers', async () => {
    expect(await cli.run('stop', folder)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(String(master.pid)),
    });
    expect((await master.endedWithin()).code).toBe(0);
    expect(await cli.run('status')).toMatchObject({ code: 3, stderr: expect.stringContaining('icefall start') });
    expect(await cli.run('stop', folder)).toMatchObject({ code: 0, stdout: expect.stringContaining('no master runs') });
    await eventually('its lock to go', () => (master.exit === null ? null : true));
  });
});

/** `icefall builds` gives heads; the steps are asked for by id. */
function firstBuild(list: unknown): unknown {
  const builds: unknown = typeof list === 'object' && list !== null ? Reflect.get(list, 'builds') : null;
  return Array.isArray(builds) ? { ...builds[0], steps: [] } : null;
}
