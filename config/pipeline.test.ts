import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SchedulerDeclaration, SiteDeclaration } from '@icefall/master/config';
import { takeProblems } from '@icefall/master/config/problems';
import { render } from '@icefall/master/properties/references';
import { simulate } from '@icefall/master/simulation';
import type { StepDeclaration } from '@icefall/master/steps/step';
import { aRun } from '@icefall/master/steps/test-run';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { homeAt } from './embedded/home.ts';
import { PLATFORMS, settingsOf } from './embedded/prepare.ts';

/** The pipeline that the site makes on one machine, step by step, as its workers would be told. */
const HOME = '/home/site';
const TREE = `${HOME}/tree`;
const STRATUM0 = `${HOME}/stratum0`;
const MOUNT = `${STRATUM0}/mount`;
const SERVER = `${HOME}/bin/icefall-stratum0`;
const SOFTWARE = 'software.icefall.example';
let site: SiteDeclaration;

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pipeline-'));
  vi.stubEnv('ICEFALL_CLOCK', undefined);
  const ports = { page: 8010, workers: 9989, stratum0: 8000, rsync: 8730 };
  writeFileSync(join(directory, 'settings.json'), JSON.stringify(settingsOf(homeAt(HOME), ports)));
  vi.stubEnv('ICEFALL_SETTINGS', join(directory, 'settings.json'));
  takeProblems();
  ({ default: site } = await import('./site.ts'));
  rmSync(directory, { recursive: true });
  expect(takeProblems()).toEqual([]);
});

function stepsOf(name: string): readonly StepDeclaration[] {
  const found = site.builders.find((builder) => builder.name === name);
  if (found === undefined) throw new Error(`no builder ${name}`);
  return found.factory.steps;
}

/** What each step of a builder does, after it was decided whether it runs: a command line, a trigger, or nothing. */
function does(name: string, ...run: Parameters<typeof aRun>): [string, unknown][] {
  const builder = site.builders.find((candidate) => candidate.name === name);
  const seen = aRun(...run);
  return stepsOf(name).map((step) => {
    const isWanted = typeof step.doStepIf === 'function' ? step.doStepIf(seen) : render(step.doStepIf, seen);
    if (isWanted !== true) return [step.name, 'skipped'];
    const action = step.prepare({ ...seen, env: {}, builder: builder?.name ?? '' }).begin();
    if (action.do === 'trigger') return [step.name, action.trigger];
    if (action.do !== 'command') throw new Error(`step ${step.name} does ${action.do}`);
    const { command } = action;
    if (command.kind === 'shell') return [step.name, commandLine([command.command].flat())];
    return [step.name, command.kind === 'git' ? `${command.mode} ${command.method}` : command.kind];
  });
}

/** Of a script of the steps that publish, what it is given. */
function commandLine([program = '', ...args]: readonly string[]): string {
  const isScript = program === 'sh' && args[0] === '-c' && args.length > 3;
  return isScript ? args.slice(2).join(' ') : [program, ...args].join(' ');
}

function stepOf(builder: string, name: string): StepDeclaration {
  const found = stepsOf(builder).find((step) => step.name === name);
  if (found === undefined) throw new Error(`builder ${builder} has no step ${name}`);
  return found;
}

function schedulersFor(builder: string): SchedulerDeclaration[] {
  return site.schedulers.filter((scheduler) => scheduler.builders.some(({ name }) => name === builder));
}

const META = { variant: 'py2_v3.1.1_metaproject', nightly: false, svnonly: true };

describe('a release', () => {
  test('is checked out, built on every platform with the same source, and then published', () => {
    const stamps = [{ codebase: '', repository: '/r.git', branch: 'main', revision: null, project: '' }];
    const trigger = {
      wait: true,
      unimportant: [],
      sourceStamps: stamps.map((stamp) => ({ ...stamp, revision: 'abc' })),
    };
    expect(does('checkout', { properties: { ...META, got_revision: 'abc' }, sourceStamps: stamps })).toEqual([
      ['git', 'full clobber'],
      [
        'checkout',
        `builders/build.sh --src ${SOFTWARE} --dest ${TREE}/${SOFTWARE} --variant ${META.variant} --svnup True --svnonly True`,
      ],
      ['trigger platforms', { ...trigger, schedulers: ['platforms'], properties: { ...META, svnonly: false } }],
      ['trigger publish', { ...trigger, schedulers: ['publish'], properties: { path: 'py2-v3.1.1' } }],
    ]);
    for (const name of ['checkout', 'trigger platforms', 'trigger publish'])
      expect(stepOf('checkout', name).flags.haltOnFailure).toBe(true);
  });

  test('has no serial checkout unless it is a metaproject', () => {
    expect(does('checkout', { properties: { ...META, variant: 'base_v1.0.0' } })).toContainEqual([
      'checkout',
      'skipped',
    ]);
  });

  test('is built by the same command on every platform, each on its own worker with the shared lock', () => {
    const command = `builders/build.sh --src ${SOFTWARE} --dest ${TREE}/${SOFTWARE} --variant v1 --svnup False`;
    for (const platform of PLATFORMS) {
      const name = `${platform}_builder`;
      expect(does(name, { properties: { variant: 'v1', svnonly: false } })).toEqual([
        ['git', 'full clobber'],
        ['build', command],
      ]);
      expect(does(name, { properties: { variant: 'v1', nightly: true } }).at(-1)).toEqual([
        'build',
        `${command} --nightly`,
      ]);
      const { locks, flags } = stepOf(name, 'build');
      expect(locks).toMatchObject([{ lock: { name: 'cvmfs_shared', maxCount: 100 }, mode: 'counting', count: 1 }]);
      expect(flags.haltOnFailure).toBe(true);
      expect(site.builders.find((builder) => builder.name === name)?.workers.map((worker) => worker.name)).toEqual([
        platform,
      ]);
    }
    const entry = site.schedulers.find(({ name }) => name === 'platforms');
    expect(entry?.builders.map(({ name }) => name).sort()).toEqual(PLATFORMS.map((name) => `${name}_builder`).sort());
  });

  test('of Spack has builders of its own, and is published beside', () => {
    expect(does('alma9_builder_spack', { properties: { variant: 'v1' } }).at(-1)?.[1]).toMatch(/^spack\/build\.sh /);
    const triggers = does('checkout_spack', { properties: META }).slice(-2);
    expect(triggers).toMatchObject([
      ['trigger platforms_spack', { schedulers: ['platforms_spack'] }],
      ['trigger publish', { properties: { path: 'spack/py2-v3.1.1' } }],
    ]);
  });

  test('starts with a push, a person and the night, and nobody else', () => {
    expect(schedulersFor('checkout')).toMatchObject([
      {
        kind: 'singleBranch',
        changes: { branch: 'main' },
        treeStableMs: null,
        properties: { svnonly: true, nightly: false },
      },
      {
        kind: 'singleBranch',
        changes: { branch: 'main' },
        treeStableMs: null,
        properties: { svnonly: true, nightly: false },
      },
      {
        kind: 'force',
        fields: [
          { field: { type: 'text', name: 'variant', required: true } },
          { field: { type: 'boolean', name: 'nightly' } },
          { field: { type: 'fixed', name: 'svnonly', value: true } },
        ],
      },
      { kind: 'nightly', cron: '0 0 * * *', properties: { nightly: true, svnonly: true } },
    ]);
    expect(schedulersFor('checkout_spack').map(({ kind }) => kind)).toEqual(['force', 'nightly']);
  });
});

describe('a publish', () => {
  const good = { properties: { path: 'py2-v3.1.1' } };
  const note = `${STRATUM0}/spool/${SOFTWARE}/icefall-transaction`;
  const who = 'publish #7 on w1 (build 1)';
  const copy = `${TREE}/${SOFTWARE}/py2-v3.1.1/`;
  const abort = ['abort', `abort ${SOFTWARE} ${note} ${who} ${STRATUM0}/srv/${SOFTWARE} ${SERVER}`];
  const steps = [
    ['transaction', `transaction ${SOFTWARE} ${SOFTWARE}/py2-v3.1.1 ${note} ${who} ${SERVER}`],
    ['rsync', `rsync ${MOUNT}/${SOFTWARE}/py2-v3.1.1/ 50 rsync -ai --delete ${copy}`],
    ['publish', `publish ${SOFTWARE} ${note} ${STRATUM0}/srv/${SOFTWARE}   ${SERVER}`],
  ];

  test('opens a transaction, copies the path and publishes; then there is nothing to abort', () => {
    expect(does('publish', good).slice(0, 3)).toEqual(steps);
    expect(does('publish', { ...good, resultSoFar: 'WARNINGS' }).slice(0, 3)).toEqual(steps);
    const published = { properties: { ...good.properties, cvmfs_transaction: 'published' } };
    expect(does('publish', published).at(-1)).toEqual(['abort', 'skipped']);
  });

  test.each(['FAILURE', 'EXCEPTION', 'CANCELLED', 'RETRY'] as const)(
    'that is %s copies and publishes nothing more, and aborts',
    (resultSoFar) => {
      const skipped = ['transaction', 'rsync', 'publish'].map((name) => [name, 'skipped']);
      expect(does('publish', { ...good, resultSoFar })).toEqual([...skipped, abort]);
    },
  );

  test('waits two hours for silent programs, and shows no step that was skipped', () => {
    for (const name of ['rsync', 'publish']) {
      const action = stepOf('publish', name).prepare(aRun(good)).begin();
      expect(action).toMatchObject({ command: { idleTimeoutMs: 7_200_000 } });
    }
    for (const name of ['publish', 'abort']) {
      const { hideStepIf } = stepOf('publish', name);
      if (typeof hideStepIf !== 'function') throw new Error(`${name} is hidden by no function`);
      expect([hideStepIf('SKIPPED', aRun()), hideStepIf('FAILURE', aRun())]).toEqual([true, false]);
    }
  });

  test('deletes most of what is there only where a person allows it', () => {
    const allowed = { properties: { ...good.properties, allow_deletion: true } };
    expect(does('publish', allowed)[1]?.[1]).toBe(`rsync ${MOUNT}/${SOFTWARE}/py2-v3.1.1/  rsync -ai --delete ${copy}`);
  });

  test('of the users takes their space from their server into its own folder', () => {
    expect(does('user_rsync')).toContainEqual([
      'rsync',
      `rsync ${MOUNT}/${SOFTWARE}/users/ 50 rsync -ai --delete rsync://127.0.0.1:8730/users/`,
    ]);
    expect(schedulersFor('user_rsync')).toMatchObject([{ kind: 'nightly', cron: '0 * * * *' }, { kind: 'force' }]);
  });
});

describe('the other builders', () => {
  test('copy data into the tree and publish them', () => {
    expect(does('gcd')).toMatchObject([
      ['copy', `rsync ${TREE}/${SOFTWARE}/data/gcd/ 50 rsync -ai --delete rsync://127.0.0.1:8730/data/gcd/`],
      ['trigger publish', { schedulers: ['publish'], wait: true, properties: { path: 'data/gcd' } }],
    ]);
    for (const name of ['gcd', 'test_data', 'tables'])
      expect(schedulersFor(name).map(({ kind }) => kind)).toEqual(['nightly', 'force']);
  });

  test('build and publish the ARA software from its template', () => {
    const ara = 'ara.icefall.example';
    const dest = `${TREE}/${ara}/v1.0`;
    expect(does('ara_builder', { properties: { variant: 'v1.0', CPUS: '4' } })).toMatchObject([
      ['git', 'full clobber'],
      ['mkdir', 'makeDirectory'],
      ['template', `rsync -a ara/template/ ${dest}/`],
      ['build', `ara/build.sh --dest ${dest} --make_arg -j4`],
      ['trigger publish_ara', { properties: { path: 'v1.0' } }],
    ]);
    expect(['mkdir', 'template', 'build'].map((name) => stepOf('ara_builder', name).locks)).toMatchObject([
      [{ lock: { name: 'cvmfs_shared' }, mode: 'exclusive' }],
      [{ lock: { name: 'cvmfs_shared' }, mode: 'exclusive' }],
      [
        { lock: { name: 'cvmfs_shared' }, mode: 'counting' },
        { lock: { name: 'cpu' }, mode: 'counting' },
      ],
    ]);
  });

  test('renew the whitelist of every repository, and back the tree up', () => {
    expect(does('whitelist')).toEqual([
      ...[SOFTWARE, 'ara.icefall.example'].map((name) => [
        `whitelist ${name}`,
        `resign ${STRATUM0}/srv/${name} ${SERVER} resign ${name}`,
      ]),
    ]);
    expect(does('backup')).toEqual([['backup', `rsync rsync://127.0.0.1:8730/backup/ 50 rsync -ai --delete ${TREE}/`]]);
  });

  test('collect the garbage of every repository at night', () => {
    expect(does('garbage').map(([name, line]) => [name, String(line).split(' ').slice(-4).join(' ')])).toEqual(
      [SOFTWARE, 'ara.icefall.example'].map((name) => [`garbage ${name}`, `${SERVER} gc -f ${name}`]),
    );
    expect(schedulersFor('garbage')).toMatchObject([{ kind: 'nightly', cron: '0 5 * * *' }, { kind: 'force' }]);
  });

  test('collapse what waits at the stratum 0, and nothing else but data copies', () => {
    const collapsing = site.builders
      .filter(({ collapseRequests }) => collapseRequests === true)
      .map(({ name }) => name);
    expect(collapsing.sort()).toEqual(
      ['publish', 'publish_ara', 'user_rsync', 'whitelist', 'backup', 'garbage', 'gcd', 'test_data', 'tables'].sort(),
    );
  });
});

describe('the whole site, in virtual time', () => {
  const platformBuilders = PLATFORMS.map((name) => `${name}_builder`).sort();
  const HOUR = 3_600_000;
  const durations = { build: '2h', publish: '10m' } as const;

  test('builds a push on every platform at the same time, then publishes it, once', () => {
    using simulation = simulate(site, { durations, clock: false });
    simulation.push({ branch: 'main', files: ['builders/build.sh'] }).finish();
    // One of the variants that a push builds.
    const [checkout] = simulation.builds('checkout');
    const children = simulation.builds().filter(({ parentBuildId }) => parentBuildId === checkout?.id);
    const builds = children.filter(({ scheduler }) => scheduler === 'platforms');
    expect(builds.map(({ builder }) => builder).sort()).toEqual(platformBuilders);
    expect(new Set(builds.map(({ startedAt }) => startedAt)).size).toBe(1);
    expect(builds.every(({ steps }) => steps.every(({ waits }) => waits.length === 0))).toBe(true);
    const publishes = children.filter(({ scheduler }) => scheduler === 'publish');
    expect(publishes).toMatchObject([{ builder: 'publish', result: 'SUCCESS' }]);
    const lastBuilt = Math.max(...builds.map(({ finishedAt }) => finishedAt ?? 0));
    expect(publishes[0]?.startedAt).toBeGreaterThanOrEqual(lastBuilt);
    expect(checkout?.result).toBe('SUCCESS');
    // And nothing was left waiting.
    expect(simulation.course().notBuilt).toEqual([]);
  });

  test('publishes nothing if a single platform fails, and lets the others end', () => {
    const failing = `${PLATFORMS[1]}_builder`;
    using simulation = simulate(site, { durations, fail: [`${failing}/build`], clock: false });
    simulation.push({ branch: 'main' }).finish();
    const results = (builder: string) => new Set(simulation.builds(builder).map(({ result }) => result));
    expect(results('checkout')).toEqual(new Set(['FAILURE']));
    for (const name of platformBuilders)
      expect(results(name)).toEqual(new Set([name === failing ? 'FAILURE' : 'SUCCESS']));
    expect(simulation.builds('publish')).toEqual([]);
  });

  test('leaves no transaction open where a publish fails', () => {
    using simulation = simulate(site, { fail: ['publish/rsync'], clock: false });
    simulation.push({ branch: 'main' }).finish();
    const [publish] = simulation.builds('publish');
    const ran = publish?.steps.filter(({ result }) => result !== 'SKIPPED').map(({ name }) => name);
    expect(ran).toEqual(['transaction', 'rsync', 'abort']);
    expect(publish?.result).toBe('FAILURE');
  });

  test('takes a push to another branch for nothing', () => {
    using simulation = simulate(site, { clock: false });
    expect(simulation.push({ branch: 'experiment' }).finish().builds()).toEqual([]);
  });

  test('never has two transactions open, nor a build in the tree while it publishes', () => {
    using simulation = simulate(site, { durations, at: '2025-06-02T01:50' });
    simulation.push({ branch: 'main' }).run('12h');
    const holds = simulation.builds().flatMap(({ locks, steps }) => [...locks, ...steps.flatMap((step) => step.locks)]);
    const alone = holds.filter(({ mode }) => mode === 'exclusive');
    expect(alone.length).toBeGreaterThan(10);
    for (const one of alone)
      for (const other of holds) {
        const isApart = (one.to ?? Infinity) <= other.from || (other.to ?? Infinity) <= one.from;
        if (one !== other && one.lock === other.lock) expect(isApart, JSON.stringify([one, other])).toBe(true);
      }
  });

  test.each([
    ['in spring', '2025-03-30', 23],
    ['in autumn', '2025-10-26', 25],
    ['in between', '2025-06-02', 24],
  ])('runs by the clocks on the wall, %s: the users every hour, the release at midnight', (_, day, hours) => {
    using simulation = simulate({ ...site, timeZone: 'Europe/Zurich' }, { at: day });
    simulation.run('26h');
    const { starts, startedAt } = simulation.course();
    const times = (name: string) =>
      starts.filter(({ scheduler }) => scheduler === name).map(({ at }) => (at - startedAt) / HOUR);
    expect(times('user_rsync_hourly')).toEqual(Array.from({ length: 27 }, (_, i) => i));
    expect(times('nightly')).toEqual([0, hours]);
  });

  test('keeps house by the clock: whitelist and garbage each night, the backup on the first of the month', () => {
    using simulation = simulate(site, { at: '2025-05-31T02:30' });
    simulation.run('27h');
    const done = (builder: string) => simulation.builds(builder).map(({ scheduler, result }) => [scheduler, result]);
    expect(done('whitelist')).toEqual(Array(2).fill(['whitelist_daily', 'SUCCESS']));
    expect(done('garbage')).toEqual(Array(2).fill(['garbage_nightly', 'SUCCESS']));
    expect(done('backup')).toEqual([['backup_monthly', 'SUCCESS']]);
    expect(done('user_rsync').length).toBeGreaterThan(20);
  });
});
