import { afterEach, describe, expect, test } from 'vitest';
import { grantsOf } from '../access/policy.ts';
import type { NewChange } from '../changes/new-change.ts';
import { changeProperties } from '../changes/new-change.ts';
import { describeSite } from '../config/description.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { addressOf, FakeRepositories, GOOD, projectOptions, siteWith } from './test-projects.ts';

const open: SimulatedSite[] = [];
afterEach(() => {
  for (const site of open.splice(0)) site[Symbol.dispose]();
});

async function started(site: ReturnType<typeof siteWith>, repositories: FakeRepositories): Promise<SimulatedSite> {
  const simulated = new SimulatedSite({ site, repositories });
  open.push(simulated);
  await simulated.master.projects.idle();
  return simulated;
}

const names = ({ master }: SimulatedSite) => master.config.site.builders.map(({ name }) => name);
const stateOf = ({ master }: SimulatedSite, name: string) => master.projects.project(name);

function push(name: string, values: Partial<NewChange> = {}): NewChange {
  return {
    ...{ repository: addressOf(name), branch: 'main', revision: 'a1', author: 'Ada', committer: null, message: 'x' },
    ...{ files: ['src/main.c'], commits: [], codebase: '', project: '', category: null, link: null },
    ...{ properties: changeProperties({}), source: 'webhook:github', deliveryId: null, at: null },
    ...values,
  };
}

/** Builders that a change started. */
function builtBy({ master }: SimulatedSite, change: NewChange): string[] {
  const { changeId } = master.changes.add(change);
  return requestsOf(master, changeId);
}

function requestsOf(master: SimulatedSite['master'], changeId: number): string[] {
  return master.core.db
    .all<{ builder: string }>(
      'SELECT builder FROM requests JOIN buildsets ON buildsets.id = requests.buildset_id WHERE change_ids = ? ORDER BY requests.id',
      `[${changeId}]`,
    )
    .map(({ builder }) => builder);
}

describe('the seed scheduler', () => {
  test('gives every repository the builders that its file declares, and keeps the number of the configuration', async () => {
    const repositories = new FakeRepositories();
    const revision = repositories.push('widgets', GOOD);
    repositories.push('gears', 'version: 1\nplatforms: [alma9]\nsteps: [{ run: make }]\n');
    const site = await started(siteWith([projectOptions('widgets'), projectOptions('gears')]), repositories);
    expect(names(site)).toEqual(['publish', 'widgets-debian12', 'widgets-alma9', 'gears-alma9']);
    expect(site.master.config.version).toBe(1);
    expect(stateOf(site, 'widgets')).toMatchObject({ state: 'ok', pipelineRevision: revision, errors: [] });
    expect(site.master.config.builder('widgets-alma9')).toMatchObject({
      env: { CFLAGS: '-O2' },
      properties: { project: 'widgets', platform: 'alma9', pipeline_revision: revision, trusted: true },
    });
  });

  test('keeps the last good builders of a file that is broken, and says what is wrong until it is mended', async () => {
    const repositories = new FakeRepositories();
    const good = repositories.push('widgets', GOOD);
    const site = await started(siteWith([projectOptions('widgets')]), repositories);
    repositories.push('widgets', 'version: 1\nplatforms: [debian12]\nsteps: [{ rum: make }]\n');
    await site.master.projects.read('widgets');
    expect(names(site)).toEqual(['publish', 'widgets-debian12', 'widgets-alma9']);
    expect(stateOf(site, 'widgets')).toMatchObject({
      state: 'broken',
      pipelineRevision: good,
      errors: [expect.stringContaining('icefall.yml:3: option "steps.0": unknown option "rum"'), expect.anything()],
    });
    expect(site.master.core.alarms.all).toMatchObject([{ kind: 'projectsBroken' }]);

    repositories.push('widgets', GOOD);
    await site.master.projects.read('widgets');
    expect(stateOf(site, 'widgets')).toMatchObject({ state: 'ok', errors: [] });
    expect(site.master.core.alarms.all).toEqual([]);
  });

  test('has all builders at once after a restart, when no repository can be reached', async () => {
    const repositories = new FakeRepositories();
    repositories.push('widgets', GOOD);
    const site = await started(siteWith([projectOptions('widgets')]), repositories);
    repositories.remove('widgets');
    site.killMaster();
    site.startMaster();
    expect(names(site)).toEqual(['publish', 'widgets-debian12', 'widgets-alma9']);
    site.run(10_000);
    await site.master.projects.idle();
    expect(names(site)).toEqual(['publish', 'widgets-debian12', 'widgets-alma9']);
    expect(stateOf(site, 'widgets')).toMatchObject({ state: 'broken', errors: [expect.stringContaining('reached')] });
  });

  test('looks again at intervals', async () => {
    const repositories = new FakeRepositories();
    repositories.push('widgets', GOOD);
    const site = await started(siteWith([projectOptions('widgets')], { every: '5m' }), repositories);
    repositories.push('widgets', GOOD.replace(', alma9', ''));
    site.run(5 * 60_000);
    await site.master.projects.idle();
    expect(names(site)).toEqual(['publish', 'widgets-debian12']);
  });

  test('gives roles the builders of projects by their tags', async () => {
    const repositories = new FakeRepositories();
    for (const name of ['widgets', 'gears']) repositories.push(name, GOOD);
    const members = { users: ['ada'] };
    const roles = {
      widgets: { allow: ['force' as const], tags: ['widgets'], members },
      all: { allow: ['stop' as const], tags: ['project'], members },
    };
    const options = [projectOptions('widgets'), projectOptions('gears')];
    const site = await started(siteWith(options, {}, { access: { roles } }), repositories);
    const person = { user: 'ada', mail: null, groups: [] };
    const grants = grantsOf(site.master.config.site, { kind: 'person', person, sessionId: null });
    const may = (permission: 'force' | 'stop') => names(site).filter((name) => grants.may(permission, name));
    expect(may('force')).toEqual(['widgets-debian12', 'widgets-alma9']);
    expect(may('stop')).toEqual(['widgets-debian12', 'widgets-alma9', 'gears-debian12', 'gears-alma9']);
    expect(() =>
      siteWith(options, {}, { access: { roles: { other: { ...roles.widgets, tags: ['wigdets'] } } } }),
    ).toThrow('role "other" names tag "wigdets", which no builder has');
  });

  test('takes a repository that leaves the list off the site, and reads one that is new', async () => {
    const repositories = new FakeRepositories();
    repositories.push('widgets', GOOD);
    repositories.push('gears', GOOD);
    const site = await started(siteWith([projectOptions('widgets')]), repositories);
    site.configure(siteWith([projectOptions('gears')]));
    await site.master.projects.idle();
    expect(names(site)).toEqual(['publish', 'gears-debian12', 'gears-alma9']);
    expect(stateOf(site, 'widgets')).toBeNull();
  });

  test('refuses a project whose builders have names that are taken, and leaves the others alone', async () => {
    const repositories = new FakeRepositories();
    repositories.push('a', 'version: 1\nplatforms: [debian12]\nmatrix: { V: [x-y] }\nsteps: [{ run: make }]\n');
    repositories.push('a-debian12', 'version: 1\nplatforms: [debian12]\nsteps: [{ run: make }]\n');
    repositories.push('a-debian12-x', GOOD);
    const site = await started(siteWith([projectOptions('a'), projectOptions('a-debian12-x')]), repositories);
    expect(stateOf(site, 'a')).toMatchObject({ state: 'ok' });
    const colliding = siteWith([projectOptions('a'), projectOptions('release'), projectOptions('a-debian12-x')]);
    repositories.push('release', GOOD);
    site.configure(colliding);
    await site.master.projects.idle();
    expect(stateOf(site, 'release')).toMatchObject({
      state: 'broken',
      builders: [],
      errors: [expect.stringContaining('scheduler "release" is one of the site already')],
    });
    expect(names(site)).toContain('a-debian12-x-alma9');
  });

  test('builds a push that brings a new pipeline as that says, once it is read; others at once', async () => {
    const repositories = new FakeRepositories();
    repositories.push('widgets', GOOD);
    const site = await started(siteWith([projectOptions('widgets')]), repositories);
    expect(builtBy(site, push('widgets'))).toEqual(['widgets-debian12', 'widgets-alma9']);
    repositories.push('widgets', GOOD.replace(', alma9', ''));
    const bringing = push('widgets', { revision: 'b2', files: ['icefall.yml'] });
    expect(builtBy(site, bringing)).toEqual([]);
    await site.master.projects.idle();
    expect(requestsOf(site.master, 2)).toEqual(['widgets-debian12']);
  });

  test('builds a push that brings a pipeline after a crash in between, once', async () => {
    const repositories = new FakeRepositories();
    repositories.push('widgets', GOOD);
    const site = await started(siteWith([projectOptions('widgets')]), repositories);
    site.master.changes.add(push('widgets', { files: ['icefall.yml'] }));
    site.killMaster();
    site.startMaster();
    await site.master.projects.idle();
    expect(requestsOf(site.master, 1)).toEqual(['widgets-debian12', 'widgets-alma9']);
  });

  test('builds the branches that are named, and no others', async () => {
    const repositories = new FakeRepositories();
    repositories.push('widgets', GOOD);
    const site = await started(siteWith([projectOptions('widgets')]), repositories);
    expect(builtBy(site, push('widgets', { branch: 'release/7' }))).toHaveLength(2);
    expect(builtBy(site, push('widgets', { branch: 'topic' }))).toEqual([]);
    expect(builtBy(site, push('widgets', { branch: 'mainly' }))).toEqual([]);
  });
});

describe('a reload', () => {
  test('that cannot be put in force leaves the projects as they were', async () => {
    const repositories = new FakeRepositories();
    repositories.push('widgets', GOOD);
    const site = await started(siteWith([projectOptions('widgets')]), repositories);
    const { config } = site.master;
    config.applied.on(() => {
      throw new Error('the disk is full');
    });
    expect(() => site.configure(siteWith([]))).toThrow('the disk is full');
    expect(names(site)).toEqual(['publish', 'widgets-debian12', 'widgets-alma9']);
    expect(stateOf(site, 'widgets')).toMatchObject({ state: 'ok', builders: ['widgets-debian12', 'widgets-alma9'] });
  });

  test('that takes a platform away shows the projects that need it as broken; back again, they are as before', async () => {
    const repositories = new FakeRepositories();
    repositories.push('widgets', GOOD);
    const whole = siteWith([projectOptions('widgets')]);
    const site = await started(whole, repositories);
    const { alma9: _, ...platforms } = whole.projects?.platforms ?? {};
    site.configure(siteWith([projectOptions('widgets')], { platforms }));
    await site.master.projects.idle();
    expect(names(site)).toEqual(['publish']);
    expect(stateOf(site, 'widgets')).toMatchObject({
      state: 'broken',
      errors: [expect.stringContaining('icefall.yml:2: unknown platform "alma9"')],
    });
    site.configure(whole);
    await site.master.projects.idle();
    expect(names(site)).toEqual(['publish', 'widgets-debian12', 'widgets-alma9']);
    expect(stateOf(site, 'widgets')).toMatchObject({ state: 'ok', errors: [] });
  });

  test('describes what the program of the site says, not what repositories add', async () => {
    const repositories = new FakeRepositories();
    repositories.push('widgets', GOOD);
    const declared = siteWith([projectOptions('widgets')]);
    const site = await started(declared, repositories);
    expect(describeSite(site.master.config.site)).toEqual(describeSite(declared));
    expect(describeSite(declared).options.projects).toMatchObject({ repositories: [{ name: 'widgets' }] });
  });
});

describe('a pull request', () => {
  const pull = { branch: 'refs/pull/7/head', category: 'pullRequest' };
  const fork = { ...pull, category: 'fork' };
  const steps = `${GOOD}  - { name: sign, run: ./sign, secrets: [TOKEN] }\n  - { publish: release }\n  - { artifact: dist/ }\n`;

  async function siteTrusting(trust: Parameters<typeof projectOptions>[1]) {
    const repositories = new FakeRepositories();
    repositories.push('widgets', steps);
    return started(siteWith([projectOptions('widgets', trust)]), repositories);
  }

  test('is not built where nothing is said of trust', async () => {
    const site = await siteTrusting({});
    expect(builtBy(site, push('widgets', pull))).toEqual([]);
    expect(builtBy(site, push('widgets', fork))).toEqual([]);
  });

  test('that is restricted runs on the named platforms only, without secrets, artifacts and publishing', async () => {
    const site = await siteTrusting({
      trust: { pullRequests: 'restricted', forks: 'restricted', platforms: ['alma9'] },
    });
    expect(builtBy(site, push('widgets', pull))).toEqual(['widgets-alma9-untrusted']);
    expect(builtBy(site, push('widgets', fork))).toEqual(['widgets-alma9-untrusted']);
    const untrusted = site.master.config.builder('widgets-alma9-untrusted');
    expect(untrusted?.properties).toMatchObject({ trusted: false });
    expect(untrusted?.factory.steps.map(({ name, doStepIf }) => [name, doStepIf])).toEqual([
      ['git', true],
      ['run', true],
      ['test', true],
      ['sign (only if trusted)', false],
      ['release (only if trusted)', false],
      ['dist/ (only if trusted)', false],
    ]);
    expect(untrusted?.factory.steps[3]?.options).toMatchObject({ env: {} });
    // A step ends, also where the pipeline says nothing of it; what it says wins.
    expect(untrusted?.factory.steps.filter(({ kind }) => kind === 'shell').map(({ options }) => options)).toMatchObject(
      [
        { maxLines: 200_000, maxTime: '6h' },
        { maxLines: 200_000, maxTime: 20 * 60_000 },
        { maxLines: 200_000, maxTime: '6h' },
      ],
    );
    const trusted = site.master.config.builder('widgets-alma9')?.factory.steps[3];
    expect(trusted?.options).toMatchObject({ env: { TOKEN: expect.anything() } });
  });

  test('of somebody who may push may be trusted; of a fork never', async () => {
    const site = await siteTrusting({ trust: { pullRequests: 'trusted' } });
    expect(builtBy(site, push('widgets', pull))).toEqual(['widgets-debian12', 'widgets-alma9']);
    expect(builtBy(site, push('widgets', fork))).toEqual([]);
  });

  test('cannot change the pipeline that it is built with', async () => {
    const site = await siteTrusting({ trust: { forks: 'restricted', platforms: ['alma9'] } });
    expect(builtBy(site, push('widgets', { ...fork, files: ['icefall.yml'] }))).toEqual(['widgets-alma9-untrusted']);
  });
});
