import { isOfTests, type SourceFile } from './source-files.ts';

/**
 * Which room of the master may use which others when it runs; types may come from anywhere. Decisions (properties, locks,
 * schedulers, distributor, builds) never reach for the doors: `http`, `cli`.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  properties: [],
  locks: ['config', 'engine'],
  config: ['access', 'properties', 'secrets', 'steps'],
  steps: ['config', 'properties', 'secrets'],
  secrets: ['config', 'db'],
  engine: ['config', 'db', 'storage'],
  db: ['storage'],
  storage: ['db', 'logs'],
  logs: ['engine'],
  requests: ['db', 'engine'],
  changes: ['access', 'config', 'db', 'engine', 'events', 'requests', 'schedulers'],
  schedulers: ['changes', 'db', 'properties', 'requests'],
  distributor: ['config', 'db', 'locks', 'properties'],
  builds: ['config', 'db', 'engine', 'locks', 'properties', 'requests', 'schedulers', 'secrets', 'steps'],
  workers: ['access', 'config', 'db', 'engine', 'secrets'],
  pools: ['db', 'engine'],
  projects: ['changes', 'config', 'properties', 'schedulers', 'steps'],
  access: ['config', 'db', 'engine', 'events', 'storage'],
  events: ['config', 'db', 'requests'],
  http: ['access', 'changes', 'config', 'engine', 'events', 'logs', 'projects', 'reporters', 'schedulers', 'storage'],
  reporters: ['access', 'config', 'db', 'events', 'requests', 'secrets'],
  simulation: ['.', 'builds', 'changes', 'config', 'db', 'engine'],
  cli: ['.', 'access', 'config', 'engine', 'http', 'projects', 'reporters', 'simulation', 'storage', 'workers'],
};

/** The programs: what both sides of a wire agree on, then each side. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  master: ['docker', 'k8s'],
  worker: [],
};

/** The room of the master that a file is in; `.` for those beside the rooms, null for files elsewhere. */
function roomOf(path: string): string | null {
  const [home, folder, room, ...rest] = path.split('/');
  if (home !== 'master' || folder !== 'src' || room === undefined) return null;
  return rest.length === 0 ? '.' : room;
}

/** Imports that the tables do not have, one line each. */
export function layerFaults(files: readonly SourceFile[]): string[] {
  return files.filter((file) => !isOfTests(file)).flatMap((file) => [...packageFaults(file), ...roomFaults(file)]);
}

function packageFaults({ path, imports }: SourceFile): string[] {
  const [home = ''] = path.split('/');
  const allowed = PACKAGES[home];
  if (allowed === undefined) return [];
  return imports
    .filter(({ target }) => !target.startsWith(`${home}/`) && !allowed.includes(target.split('/')[0] ?? ''))
    .map(({ target }) => `${path} imports ${target}: ${home} stands on its own`);
}

function roomFaults({ path, imports }: SourceFile): string[] {
  const room = roomOf(path);
  if (room === null || room === '.') return [];
  const allowed = ROOMS[room];
  if (allowed === undefined) return [`${path}: the room ${room} is not in the table of scripts/house/layers.ts`];
  return imports
    .filter(({ isType }) => !isType)
    .flatMap(({ target }) => {
      const other = roomOf(target);
      if (other === null || other === room || allowed.includes(other)) return [];
      return [`${path} imports ${target}: ${room} may use ${allowed.join(', ') || 'no other room'}`];
    });
}
