import { execFileSync } from 'node:child_process';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Build } from '@icefall/shared';
import { beforeAll, describe, expect, test } from 'vitest';
import { EmbeddedSite, SMALL } from '../support/embedded-site.ts';
import { processesOf } from '../support/process-table.ts';
import { groundOfFile } from '../support/vitest.ts';

describe('what fails, or is cut off, on the way is not published', () => {
  const ground = groundOfFile();
  /** While it is there, whoever copies into a transaction stands still. */
  const hold = ground.path('hold');
  const options = { settings: { ...SMALL, commands: commandsWith(hold) } };
  let site: EmbeddedSite;
  beforeAll(async () => {
    site = await EmbeddedSite.start(ground, options);
  });

  const startAgain = () => site.startAgain(options);

  /** The site's commands, with an rsync that can be held. */
  function commandsWith(held: string) {
    const rsync = ['sh', '-c', 'while [ -e "$0" ]; do sleep 0.1; done; exec rsync "$@"', held];
    return { server: [ground.path('home/bin/icefall-stratum0')], rsync };
  }

  const results = (builds: readonly Build[]) =>
    Object.fromEntries(builds.map(({ builder, result }) => [builder, result]));
  const steps = (build: Build | undefined) => build?.steps.map(({ name, result }) => `${name} ${result}`);
  /** A change of the tree that no compiler needs. */
  const release = (word: string) => ({ 'builders/setup.sh': `# ${word}\n` });
  const GREEN = {
    checkout: 'SUCCESS',
    debian12_builder: 'SUCCESS',
    'ubuntu24.04_builder': 'SUCCESS',
    alma9_builder: 'SUCCESS',
    publish: 'SUCCESS',
  };

  /** Served over HTTP now, down to the last byte. */
  const served = async () => ({ manifest: await site.manifest(), tree: await site.readPublished() });
  const servedScript = async () => (await site.readPublished()).get('base-v1.0.0/setup.sh')?.content?.toString();

  /** The next push goes all the way, and is served. */
  async function expectNextPublishWorks(word: string): Promise<void> {
    const { builds } = await site.push(release(word), word);
    expect(results(builds)).toEqual(GREEN);
    expect(await servedScript()).toBe(`# ${word}\n`);
  }

  test('a script that fails on one platform: the others finish, nothing is published, FAILURE all the way up', async () => {
    const before = await served();
    const broken = { ...release('broken'), 'platforms/alma9.fail': 'the compiler is not there\n' };
    const { builds } = await site.push(broken, 'Break one platform');
    expect(results(builds)).toEqual({
      checkout: 'FAILURE',
      debian12_builder: 'SUCCESS',
      'ubuntu24.04_builder': 'SUCCESS',
      alma9_builder: 'FAILURE',
    });
    const [checkout] = builds;
    expect(steps(checkout)).toEqual([
      'git SUCCESS',
      'checkout SKIPPED',
      'trigger platforms FAILURE',
      'trigger publish SKIPPED',
    ]);
    expect((await site.api.buildset(checkout?.buildsetId ?? 0)).result).toBe('FAILURE');
    const failed = builds
      .find(({ builder }) => builder === 'alma9_builder')
      ?.steps.find(({ name }) => name === 'build');
    expect(failed === undefined ? '' : await site.api.text(failed)).toContain('the compiler is not there');
    expect(await served()).toEqual(before);
    site.scripts.commit({ 'platforms/alma9.fail': null });
    await expectNextPublishWorks('mended');
  });

  test('a publish that fails in the middle is aborted, what is served stays as it was, and the next one succeeds', async () => {
    const before = await served();
    // No repository can hold a pipe: rsync brings it into the open transaction, and the publish finds it.
    const pipe = join(site.tree, 'base-v1.0.0', 'pipe');
    execFileSync('mkfifo', [pipe]);
    const { builds } = await site.push(release('with a pipe'), 'A publish that fails');
    expect(results(builds)).toEqual({ ...GREEN, checkout: 'FAILURE', publish: 'FAILURE' });
    const publish = builds.find(({ builder }) => builder === 'publish');
    expect(steps(publish)).toEqual(['transaction SUCCESS', 'rsync SUCCESS', 'publish FAILURE', 'abort SUCCESS']);
    expect(await served()).toEqual(before);
    expect(existsSync(join(site.mount, 'base-v1.0.0', 'pipe'))).toBe(false);
    rmSync(pipe);
    await expectNextPublishWorks('without a pipe');
  });

  test('a copy that fails is aborted as well', async () => {
    const users = join(site.home.rsync, 'users');
    renameSync(users, `${users}.away`);
    const before = await served();
    const buildset = await site.api.force('force_user_rsync');
    expect((await site.api.finished(buildset)).result).toBe('FAILURE');
    const [build] = await site.api.buildsOf(buildset);
    expect(steps(build)).toEqual(['transaction SUCCESS', 'rsync FAILURE', 'publish SKIPPED', 'abort SUCCESS']);
    expect(await served()).toEqual(before);
    renameSync(`${users}.away`, users);
    const again = await site.api.force('force_user_rsync');
    expect((await site.api.finished(again)).result).toBe('SUCCESS');
    expect([...(await site.readPublished()).keys()]).toContain('users/alice/analysis/fit.py');
  });

  test('a publish that is stopped is aborted: the clean-up runs to its end', async () => {
    const before = await served();
    writeFileSync(hold, '');
    const buildset = await site.api.force('force_user_rsync');
    const step = await site.api.stepOf(buildset, 'rsync');
    await site.api.ask('POST', `/api/v1/builds/${step.buildId}/stop`, { reason: 'somebody wants it' });
    expect((await site.api.finished(buildset)).result).toBe('CANCELLED');
    rmSync(hold);
    expect(steps(await site.api.build(step.buildId))).toEqual([
      'transaction SUCCESS',
      'rsync CANCELLED',
      'publish SKIPPED',
      'abort SUCCESS',
    ]);
    expect(await served()).toEqual(before);
    await expectNextPublishWorks('after a stop');
  });

  test('Ctrl-C in the middle of a build leaves no process, and the next start makes the build again', async () => {
    const values = { variant: 'base_v1.0.0', nightly: true };
    const buildset = await site.api.force('force', { values });
    await site.api.waitFor('a platform to build', async () => {
      const builds = await site.api.buildsOf(buildset);
      return builds.some(({ steps }) => steps.some(({ name, pid }) => name === 'build' && pid !== null)) || null;
    });
    expect(await site.interrupt()).toEqual({ code: 0, signal: null });
    expect(processesOf(site.home.directory)).toEqual([]);
    await startAgain();
    expect((await site.api.finished(buildset)).result).toBe('SUCCESS');
    const builds = await site.api.buildsOf(buildset);
    expect(results(builds)).toEqual(GREEN);
    expect(builds.some(({ attempt }) => attempt > 1)).toBe(true);
  });

  test('a publish that is cut off by Ctrl-C is not begun a second time, but aborted at the next start', async () => {
    const before = await served();
    writeFileSync(hold, '');
    const buildset = await site.api.force('force_user_rsync');
    const step = await site.api.stepOf(buildset, 'rsync');
    await site.interrupt();
    rmSync(hold);
    await startAgain();
    expect((await site.api.finished(buildset)).result).toBe('EXCEPTION');
    expect((await site.api.request(buildset.requestIds[0] ?? 0)).buildIds).toEqual([step.buildId]);
    expect(steps(await site.api.build(step.buildId))).toEqual([
      'transaction SUCCESS',
      'rsync EXCEPTION',
      'publish SKIPPED',
      'abort SUCCESS',
    ]);
    expect(await served()).toEqual(before);
    await expectNextPublishWorks('after a cut');
  });

  test('a start that was killed leaves processes that the next start ends', async () => {
    await site.process.kill();
    expect(processesOf(site.home.directory).length).toBeGreaterThan(5);
    await startAgain();
    expect(site.process.stdout).toMatch(/^ending master, left running by a start that was cut off$/m);
    await expectNextPublishWorks('after a kill');
  });
});
