import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { SettingsFile } from '../settings.ts';
import { type Home, PROGRAMS } from './home.ts';
import type { Ports } from './options.ts';
import { prepareRsync } from './rsync-daemon.ts';
import { prepareScripts } from './scripts-repository.ts';
import { prepareSources } from './sources.ts';

/** Three of the table; on one machine they differ by the compiler flags that the build scripts have for each. */
export const PLATFORMS = ['debian12', 'ubuntu24.04', 'alma9'] as const satisfies SettingsFile['platforms'];
const STRATUM0 = 'stratum0';
const REPOSITORIES = {
  software: { name: 'software.icefall.example', publisher: 'publish' },
  ara: { name: 'ara.icefall.example', publisher: 'publish_ara' },
};

export interface Prepared {
  /** Names of the site's workers. */
  readonly workers: readonly string[];
  /** File of the rsync daemon. */
  readonly rsyncConfiguration: string;
}

/** Writes the settings of the site: those of one machine, and over them what a person wants different. */
export function writeSettings(home: Home, ports: Ports): void {
  const settings = overridden(settingsOf(home, ports), localSettings(home));
  mkdirSync(home.directory, { recursive: true });
  writeFileSync(home.settings, `${JSON.stringify(settings, null, 2)}\n`);
}

/** Makes what is missing below the home; what a run before left stays. */
export function prepare(home: Home, ports: Ports, platforms: readonly string[]): Prepared {
  const workers = [...platforms, STRATUM0];
  for (const directory of [home.master, home.tree, home.bin, home.output, ...workers.map(home.worker)])
    mkdirSync(directory, { recursive: true });
  prepareTokens(home, workers);
  prepareSources(home.sources);
  prepareCommands(home);
  for (const { name } of Object.values(REPOSITORIES)) {
    mkdirSync(join(home.tree, name), { recursive: true });
    if (!existsSync(join(home.stratum0, 'srv', name, '.cvmfspublished')))
      execFileSync(join(home.bin, 'icefall-stratum0'), ['mkfs', name], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  prepareScripts(home);
  return { workers, rsyncConfiguration: prepareRsync(home, ports.rsync) };
}

/** Of groups, what is not named stays: one path of another place must not put the others where the cluster has them. */
function overridden(settings: object, over: object): object {
  const entries = Object.entries(over).map(([name, value]): [string, unknown] => {
    const own: unknown = Reflect.get(settings, name);
    return [name, isGroup(own) && isGroup(value) ? overridden(own, value) : value];
  });
  return { ...settings, ...Object.fromEntries(entries) };
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function localSettings(home: Home): object {
  if (!existsSync(home.localSettings)) return {};
  const settings = parseSettings(home.localSettings);
  if (isGroup(settings)) return settings;
  throw new Error(`${home.localSettings} must hold a JSON object, such as {"variants": ["base_v1.0.0"]}`);
}

function parseSettings(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function prepareTokens(home: Home, workers: readonly string[]): void {
  mkdirSync(home.tokens, { recursive: true, mode: 0o700 });
  for (const name of workers) {
    const file = join(home.tokens, `${name}.token`);
    if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
  }
}

/** What this machine has in other places than the cluster. */
export function settingsOf(home: Home, ports: Ports): SettingsFile {
  const rsync = `rsync://127.0.0.1:${ports.rsync}`;
  return {
    title: 'Icefall on one machine',
    url: `http://127.0.0.1:${ports.page}`,
    access: 'machine',
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    scripts: { repository: home.bareScripts, poll: null },
    platforms: [...PLATFORMS],
    worker: { cpus: availableParallelism(), memoryMb: 2000, tokens: home.tokens },
    environment: { ICEFALL_SOURCES: home.sources },
    repositories: REPOSITORIES,
    paths: {
      tree: home.tree,
      source: home.tree,
      mount: join(home.stratum0, 'mount'),
      served: join(home.stratum0, 'srv'),
      spool: join(home.stratum0, 'spool'),
      keys: join(home.stratum0, 'keys'),
    },
    commands: { server: [join(home.bin, 'icefall-stratum0')], rsync: ['rsync'] },
    users: `${rsync}/users/`,
    backup: `${rsync}/backup/`,
    data: [
      { name: 'gcd', source: `${rsync}/data/gcd/`, path: 'data/gcd', cron: '0 2 * * *' },
      { name: 'test_data', source: `${rsync}/data/test-data/`, path: 'data/test-data', cron: '30 2 * * *' },
      { name: 'tables', source: `${rsync}/data/tables/`, path: 'data/tables', cron: '45 2 * * *' },
    ],
    ...clockOverride(),
  };
}

/** Other times for the clock, as JSON: for demonstrations and tests that cannot wait for the night. */
function clockOverride(): Pick<SettingsFile, 'clock'> {
  const text = process.env.ICEFALL_CLOCK;
  return text === undefined || text === '' ? {} : { clock: JSON.parse(text) };
}

/** Commands with the home built in, for the site's steps and for people. */
function prepareCommands(home: Home): void {
  const commands = {
    'icefall-stratum0': `exec "${process.execPath}" "${PROGRAMS.stratum0}" --dir "${home.stratum0}" "$@"`,
  };
  for (const [name, line] of Object.entries(commands)) {
    const file = join(home.bin, name);
    writeFileSync(file, `#!/bin/sh\n${line}\n`);
    chmodSync(file, 0o755);
  }
}
