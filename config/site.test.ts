import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SiteDeclaration } from '@icefall/master/config';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SettingsFile } from './settings.ts';

/** Loads the site anew with a settings file, and the mistakes that its declarations reported. */
async function load(settings?: SettingsFile): Promise<{ site: SiteDeclaration; problems: string[] }> {
  vi.resetModules();
  const directory = mkdtempSync(join(tmpdir(), 'site-'));
  try {
    if (settings === undefined) vi.stubEnv('ICEFALL_SETTINGS', undefined);
    else {
      writeFileSync(join(directory, 'settings.json'), JSON.stringify(settings));
      vi.stubEnv('ICEFALL_SETTINGS', join(directory, 'settings.json'));
    }
    const { takeProblems } = await import('@icefall/master/config/problems');
    takeProblems();
    const { default: site } = await import('./site.ts');
    return { site, problems: takeProblems().map((problem) => problem.message) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('the site', () => {
  beforeEach(() => vi.unstubAllEnvs());
  afterEach(() => vi.unstubAllEnvs());

  test('has every builder, scheduler, lock and worker of the pipeline, without a mistake', async () => {
    const { site, problems } = await load();
    expect(problems).toEqual([]);
    expect(site.builders.map(({ name }) => name)).toEqual([
      'checkout',
      'alma8_builder',
      'alma9_builder',
      'ubuntu22.04_builder',
      'ubuntu24.04_builder',
      'debian11_builder',
      'debian12_builder',
      'debian13_builder',
      'checkout_spack',
      'alma9_builder_spack',
      'ubuntu24.04_builder_spack',
      'debian12_builder_spack',
      'debian13_builder_spack',
      'ara_builder',
      'publish',
      'publish_ara',
      'user_rsync',
      'whitelist',
      'backup',
      'garbage',
      'gcd',
      'test_data',
      'tables',
    ]);
    expect(site.locks.map(({ name, maxCount }) => `${name} ${maxCount}`)).toContain('cvmfs_shared 100');
    expect(site.workers.map(({ name, maxBuilds }) => `${name} ${maxBuilds}`)).toEqual([
      'alma8 2',
      'alma9 2',
      'ubuntu22.04 2',
      'ubuntu24.04 2',
      'debian11 2',
      'debian12 2',
      'debian13 2',
      'stratum0 1',
    ]);
    const kinds = Object.groupBy(site.schedulers, ({ kind }) => kind);
    expect(kinds.triggerable?.map(({ name }) => name)).toEqual([
      'platforms',
      'platforms_spack',
      'publish',
      'publish_ara',
    ]);
    expect(kinds.singleBranch?.map(({ name }) => name)).toEqual(['push_base_v1.0.0', 'push_tools_v1.1.0_metaproject']);
    expect(kinds.nightly?.map((s) => `${s.name} ${s.kind === 'nightly' ? s.cron : ''}`)).toEqual([
      'nightly 0 0 * * *',
      'nightly_spack 0 3 * * *',
      'user_rsync_hourly 0 * * * *',
      'whitelist_daily 0 3 * * *',
      'backup_monthly 0 4 1 * *',
      'garbage_nightly 0 5 * * *',
      'gcd_nightly 0 2 * * *',
      'test_data_nightly 30 2 * * *',
      'tables_nightly 45 2 * * *',
    ]);
  });

  test('tells by mail of what fails and works again, where the settings name a server', async () => {
    expect((await load()).site.reporters).toEqual([]);
    const mail = { server: { host: 'mail.example.org' }, from: 'icefall@example.org', to: ['builds@example.org'] };
    const { site, problems } = await load({ url: 'https://ci.example.org', mail });
    expect(problems).toEqual([]);
    expect(site.reporters).toMatchObject([{ name: 'mail', server: { port: 25, tls: 'startTls' }, toAuthors: false }]);
    const withAuthors = { url: 'https://ci.example.org', mail: { ...mail, authorDomains: ['example.org'] } };
    expect((await load(withAuthors)).site.reporters).toMatchObject([{ toAuthors: true }]);
    expect((await load({ mail })).problems).toEqual([expect.stringMatching(/links to the page; say where that is/)]);
  });

  test('takes the locks as the pipeline says', async () => {
    const { site } = await load();
    const uses = Object.fromEntries(
      site.builders.map((builder) => [
        builder.name,
        [
          ...builder.locks.map((use) => `${use.lock.name} ${use.mode}`),
          ...builder.factory.steps.flatMap((step) =>
            typeof step.locks === 'function'
              ? []
              : step.locks.map((use) => `${step.name}: ${use.lock.name} ${use.mode}`),
          ),
        ],
      ]),
    );
    expect(uses.checkout).toEqual(['checkout: cvmfs_shared exclusive']);
    expect(uses.alma9_builder).toEqual(['build: cvmfs_shared counting']);
    expect(uses.publish).toEqual(['cvmfs_shared exclusive', 'transaction: cvmfs_publish exclusive']);
    expect(uses.user_rsync).toEqual(['transaction: cvmfs_publish exclusive']);
    for (const kind of ['whitelist', 'garbage'])
      expect(uses[kind]).toEqual([
        `${kind} software.icefall.example: cvmfs_publish exclusive`,
        `${kind} ara.icefall.example: cvmfs_publish exclusive`,
      ]);
    expect(uses.backup).toEqual(['cvmfs_shared exclusive']);
    expect(uses.gcd).toContain('copy: cvmfs_shared counting');
  });

  test('never lets a step of a publish be started twice, and aborts whatever happens', async () => {
    const { site } = await load();
    const steps = site.builders.find(({ name }) => name === 'publish')?.factory.steps ?? [];
    expect(steps.map(({ name }) => name)).toEqual(['transaction', 'rsync', 'publish', 'abort']);
    expect(steps.every((step) => !step.retryable)).toBe(true);
    expect(steps.filter((step) => step.alwaysRun).map(({ name }) => name)).toEqual(['abort']);
  });

  test('makes a builder in every kind for a platform, by one line of the table', async () => {
    const { site, problems } = await load({
      platforms: ['debian13'],
      scripts: { repository: '/srv/scripts.git', poll: null },
    });
    expect(problems).toEqual([]);
    expect(site.workers.map(({ name }) => name)).toEqual(['debian13', 'stratum0']);
    expect(site.builders.filter(({ tags }) => tags.includes('platform')).map(({ name }) => name)).toEqual([
      'debian13_builder',
      'debian13_builder_spack',
    ]);
    expect(site.changeSources).toEqual([]);
  });

  test('refuses settings that it does not know, naming file and value', async () => {
    await expect(load({ platforms: ['beos'] } as never)).rejects.toThrow(/settings\.json: platforms\.0/);
    await expect(load({ colour: 'blue' } as never)).rejects.toThrow(/colour/);
  });

  test('refuses a name that is written a second time', async () => {
    const { site } = await load();
    const api = await import('@icefall/master/config');
    const { takeProblems } = await import('@icefall/master/config/problems');
    const { workers, builders, schedulers, title } = site;
    const first = builders[0];
    if (first === undefined) throw new Error('the site has no builder');
    const second = api.builder({ name: first.name, workers: workers.slice(0, 1), factory: api.factory([]) });
    api.site({ title, workers, builders: [...builders, second], schedulers });
    expect(takeProblems().map(({ message }) => message)).toEqual([
      expect.stringMatching(/second builder is named "checkout".*written once only/),
    ]);
  });

  test('lets a part that depends on others trigger them, in order, after its own steps', async () => {
    const { site } = await load();
    const checkout = site.builders.find(({ name }) => name === 'checkout');
    expect(checkout?.factory.steps.map(({ name, triggers }) => [name, ...triggers])).toEqual([
      ['git'],
      ['checkout'],
      ['trigger platforms', 'platforms'],
      ['trigger publish', 'publish'],
    ]);
    const { triggerNeeds } = await import('./parts.ts');
    expect(() => triggerNeeds([{ part: { name: 'closed', builders: [], schedulers: [] }, properties: {} }])).toThrow(
      '"closed" has no entry',
    );
  });
});

describe('the folder of a variant', () => {
  test.each([
    ['py2_v3.1.1_metaproject', 'py2-v3.1.1'],
    ['base_v1.0.0', 'base-v1.0.0'],
    ['plain', 'plain'],
  ])('%s is %s', async (variant, path) => {
    const { variantPath } = await import('./software.ts');
    expect(variantPath(variant)).toBe(path);
  });
});
