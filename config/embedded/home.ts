import { join, resolve } from 'node:path';

const PROJECT = resolve(import.meta.dirname, '..', '..');

/** Where the embedded site keeps what; all of it below one folder, which may be removed to begin anew. */
export interface Home {
  readonly directory: string;
  /** Written anew at every start. */
  readonly settings: string;
  /** What a person wants different: taken over into the settings, each key whole. */
  readonly localSettings: string;
  /** Database and logs of the master. */
  readonly master: string;
  readonly tokens: string;
  readonly worker: (name: string) => string;
  /** The repository that is pushed to. */
  readonly bareScripts: string;
  /** A clone to work in. */
  readonly scripts: string;
  /** C sources, by package. */
  readonly sources: string;
  /** The shared tree. */
  readonly tree: string;
  readonly stratum0: string;
  readonly rsync: string;
  /** Commands for people: `icefall-stratum0`, `icefall`. */
  readonly bin: string;
  /** What the processes of the site write. */
  readonly output: string;
  /** Processes that run now, so that the next start can end what a crash left. */
  readonly processes: string;
}

/** Programs of this project that the site runs. */
export const PROGRAMS = {
  master: join(PROJECT, 'master', 'src', 'cli', 'main.ts'),
  worker: join(PROJECT, 'worker', 'src', 'main.ts'),
  stratum0: join(PROJECT, 'worker', 'bin', 'icefall-stratum0.mjs'),
  site: join(PROJECT, 'config', 'site.ts'),
  buildScripts: join(PROJECT, 'config', 'embedded', 'build-scripts'),
} as const;

export function homeAt(directory: string | null): Home {
  const home = resolve(directory ?? process.env.ICEFALL_HOME ?? join(PROJECT, '.icefall'));
  return {
    directory: home,
    settings: join(home, 'settings.json'),
    localSettings: join(home, 'settings.local.json'),
    master: join(home, 'master'),
    tokens: join(home, 'tokens'),
    worker: (name) => join(home, 'workers', name),
    bareScripts: join(home, 'build-scripts.git'),
    scripts: join(home, 'build-scripts'),
    sources: join(home, 'sources'),
    tree: join(home, 'tree'),
    stratum0: join(home, 'stratum0'),
    rsync: join(home, 'rsync'),
    bin: join(home, 'bin'),
    output: join(home, 'output'),
    processes: join(home, 'processes.json'),
  };
}
