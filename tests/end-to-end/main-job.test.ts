import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Build, schedulerSchema } from '@icefall/shared';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeBuild } from '../support/api.ts';
import { EmbeddedSite, SMALL } from '../support/embedded-site.ts';
import { freePorts, listen } from '../support/ports.ts';
import { run } from '../support/process.ts';
import { processesOf } from '../support/process-table.ts';
import { PROGRAMS } from '../support/programs.ts';
import { groundOfFile } from '../support/vitest.ts';
import { describeEntry, describeTree } from './trees.ts';

const NEVER = '0 0 29 2 *';
const OFTEN = '*/5 * * * * *';
const clock = (users: string) =>
  JSON.stringify({ nightly: users, nightlySpack: NEVER, users, whitelist: users, backup: NEVER, garbage: users });

/** At the end of the build on every platform: names that are hard on whoever copies a tree. */
const ODDITIES = `
odd=$prefix/share/odd
rm -rf "$odd" && mkdir -p "$odd/empty/deeper" "$odd/shared" && chmod 2775 "$odd/shared"
printf 'odd on %s\\n' "$PLATFORM" >"$odd/a name with spaces & ümlauts" && chmod 640 "$odd/a name with spaces & ümlauts"
: >"$odd/nothing" && printf '#!/bin/sh\\n' >"$odd/run" && chmod 755 "$odd/run"
ln -s nowhere/to/go "$odd/dangling" && ln -s ../../bin "$odd/up" && ln -s "a name with spaces & ümlauts" "$odd/link"
`;

describe('the main job: a push is built on every platform and published', () => {
  const ground = groundOfFile();
  let site: EmbeddedSite;
  beforeAll(async () => {
    site = await EmbeddedSite.start(ground, { env: { ICEFALL_CLOCK: clock(NEVER) } });
  });

  const expectGreen = (builds: readonly Build[]) =>
    expect(builds.filter(({ result }) => result !== 'SUCCESS').map(describeBuild)).toEqual([]);
  const named = (builds: readonly Build[], pattern: RegExp) => builds.filter(({ builder }) => pattern.test(builder));

  /** Each release: a checkout, then three platforms together, then a publish. */
  function expectReleases(builds: readonly Build[], count: number): void {
    expectGreen(builds);
    const checkouts = named(builds, /^checkout$/);
    expect(checkouts).toHaveLength(count);
    for (const checkout of checkouts) {
      const children = builds.filter(({ parentBuildId }) => parentBuildId === checkout.id);
      const platforms = named(children, /^(debian12|ubuntu24\.04|alma9)_builder$/);
      expect(platforms).toHaveLength(3);
      const lastStart = Math.max(...platforms.map(({ startedAt }) => startedAt));
      const lastEnd = Math.max(...platforms.map(({ finishedAt }) => finishedAt ?? Number.POSITIVE_INFINITY));
      expect(platforms.every(({ finishedAt }) => (finishedAt ?? 0) > lastStart)).toBe(true);
      for (const publish of named(children, /^publish$/)) expect(publish.startedAt).toBeGreaterThanOrEqual(lastEnd);
      // Releases that wait to publish the same path are published once: by whichever build came last.
      const publishing = checkout.steps.find(({ name }) => name === 'trigger publish');
      expect(publishing).toMatchObject({ result: 'SUCCESS', triggeredRequestIds: [expect.any(Number)] });
    }
  }

  /** What is served is what the platforms have built: every name, type, mode, byte and link. */
  async function expectPublishedAsBuilt(paths: readonly string[]): Promise<void> {
    const published = await site.readPublished();
    for (const path of paths) {
      const built = describeTree(site.tree, path);
      const served = [...published.values()].filter(
        (entry) => entry.path === path || entry.path.startsWith(`${path}/`),
      );
      expect(built.size).toBeGreaterThan(10);
      expect(new Map(served.map((entry) => [entry.path, describeEntry(entry)]))).toEqual(built);
    }
  }

  test('the first start makes a first push, and both releases go all the way', async () => {
    expect(site.process.stdout).toContain('All green');
    const { builds, changes } = await site.api.snapshot();
    expect(changes).toHaveLength(1);
    expectReleases(
      builds.toSorted((a, b) => a.id - b.id),
      2,
    );
    await expectPublishedAsBuilt(['base-v1.0.0', 'tools-v1.1.0']);
  });

  test('a second push does it again, and what is published changes with it', async () => {
    const before = await site.manifest();
    const script = site.scripts.read('builders/build.sh');
    const { revision, builds } = await site.push({ 'builders/build.sh': `${script}${ODDITIES}` }, 'Add oddities');
    expectReleases(builds, 2);
    for (const build of named(builds, /_builder$|^checkout$/))
      expect(build.properties.got_revision?.value).toBe(revision);
    expect((await site.manifest()).revision).toBeGreaterThan(before.revision);
    const published = await site.readPublished();
    const odd = 'tools-v1.1.0/alma9/share/odd';
    expect(published.get(`${odd}/a name with spaces & ümlauts`)?.content?.toString()).toBe('odd on alma9\n');
    expect(published.get(`${odd}/empty/deeper`)?.type).toBe('directory');
    expect(published.get(`${odd}/dangling`)?.target).toBe('nowhere/to/go');
    expect(published.get(`${odd}/shared`)?.mode).toBe(0o2775);
    await expectPublishedAsBuilt(['base-v1.0.0', 'tools-v1.1.0']);
  });

  test("by Force: the users' space, the whitelist, the garbage collection, the backup, a nightly build", async () => {
    writeFileSync(join(site.home.rsync, 'users/bob/notes.txt'), 'The release is tagged.\n');
    const before = await site.whitelist();
    const users = await site.api.force('force_user_rsync');
    const others = [];
    for (const name of ['whitelist', 'garbage', 'backup']) others.push(await site.api.force(`force_${name}`));
    const values = { variant: 'base_v1.0.0', nightly: true };
    const nightly = await site.api.force('force', { values, reason: 'a person wants it', owner: 'ada' });
    for (const buildset of [users, ...others, nightly]) {
      await site.api.finished(buildset);
      expectGreen(await site.api.buildsOf(buildset));
    }
    const [checkout] = await site.api.buildsOf(nightly);
    expect(checkout).toMatchObject({ owner: 'ada', reason: expect.stringContaining('a person wants it') });
    const published = await site.readPublished();
    expect(published.get('users/bob/notes.txt')?.content?.toString()).toBe('The release is tagged.\n');
    expect(published.get('users/alice/analysis/latest.py')?.target).toBe('fit.py');
    // Its first line is the second at which it was made.
    expect((await site.whitelist()).split('\n')[0]).not.toBe(before.split('\n')[0]);
  });

  test('Ctrl-C ends all of it', async () => {
    expect(await site.interrupt()).toEqual({ code: 0, signal: null });
    expect(processesOf(site.home.directory)).toEqual([]);
  });

  test('a port that is taken is named, with what to do', async () => {
    const [port = 0] = await freePorts(1);
    const server = await listen(port);
    ground.atEnd(() => server.close());
    const options = ['--home', ground.path('other'), ...site.portOptions(), '--stratum0-port', String(port)];
    const { code, stderr } = await run(ground, { name: 'npm start', command: [...PROGRAMS.embedded, ...options] });
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`port ${port} .* in use .*--stratum0-port`));
  });

  test('started again, its history is there, and a push that came meanwhile is built', async () => {
    const script = `${site.scripts.read('builders/setup.sh')}# third\n`;
    const revision = site.scripts.push({ 'builders/setup.sh': script }, 'A third push');
    await site.startAgain({ settings: SMALL, env: { ICEFALL_CLOCK: clock(OFTEN) } });
    const { builds } = await site.api.snapshot();
    expect(named(builds, /^checkout$/).filter(({ scheduler }) => scheduler.startsWith('push_')).length).toBeGreaterThan(
      3,
    );
    expectReleases(await site.pushed(revision), 1);
    const published = await site.readPublished();
    expect(published.get('base-v1.0.0/setup.sh')?.content?.toString()).toMatch(/# third\n$/);
  });

  test("the clock starts the nightly build, the users' space, the whitelist and the garbage collection", async () => {
    for (const scheduler of ['user_rsync_hourly', 'whitelist_daily', 'garbage_nightly', 'nightly']) {
      const build = await startedBy(scheduler);
      await site.api.finished({ id: build.buildsetId });
      expectGreen(await site.api.buildsOf({ requestIds: [build.requestId] }));
    }
    await site.idle();
    await site.interrupt();
  });

  test('--once runs the whole job once and ends: 0 where all is green, 1 where it is not', async () => {
    const once = await site.runOnce();
    expect(once).toMatchObject({ code: 0, stdout: expect.stringContaining('All green') });
    site.scripts.commit({ 'platforms/debian12.fail': 'no such luck\n' });
    const red = await site.runOnce();
    expect(red).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^Not green:\n(.*\n)*.*FAILURE .*debian12_builder/m),
    });
    expect(processesOf(site.home.directory)).toEqual([]);
  });

  /** The first build that the clock started; then the scheduler is switched off, or the night never ends. */
  async function startedBy(scheduler: string): Promise<Build> {
    const build = await site.api.waitFor(`a build of ${scheduler}`, async () => {
      const { builds } = await site.api.snapshot();
      return builds.find((candidate) => candidate.scheduler === scheduler) ?? null;
    });
    await site.api.post(`/schedulers/${scheduler}/enable`, { enabled: false }, schedulerSchema);
    return build;
  }
});
