import type { Properties, SourceStamp } from '@icefall/shared';
import type { BuilderDeclaration } from '../config/builders.ts';
import { fromColumn, toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { propertiesFrom } from '../requests/buildsets.ts';
import type { BuildsetRow, RequestRow } from '../requests/rows.ts';
import { shapeOf, uniqueNames } from './plans.ts';

/** Successful builds whose median time is what the next one is expected to take, and how far back they are looked for. */
const ESTIMATE_BUILDS = 9;
const ESTIMATE_LOOK_BACK = 50;

/** Writes the rows of a new build, with a step for each of the factory's. Gives its id. Inside a turn. */
export function insertBuild(
  core: Core,
  config: SiteConfig,
  request: RequestRow,
  buildset: BuildsetRow,
  builder: BuilderDeclaration,
  worker: string,
): number {
  const { db } = core;
  const number = nextNumber(core, builder.name);
  const directory = freeDirectory(core, builder.directory, worker);
  const id = db.insert('builds', {
    builder: builder.name,
    number,
    request_id: request.id,
    buildset_id: buildset.id,
    attempt: request.attempts + 1,
    epoch: nextEpoch(core),
    worker,
    directory,
    holds_slot: 0,
    state: 'preparing',
    result_so_far: 'SUCCESS',
    submitted_at: request.submitted_at,
    started_at: core.now(),
    properties: toColumn(propertiesOf(core, config, buildset, builder, { worker, number, directory })),
    config_version: config.version,
    shape: shapeOf(builder.factory.steps),
    estimate_ms: estimate(core, builder.name),
  });
  const names = uniqueNames(builder.factory.steps);
  builder.factory.steps.forEach((step, i) => {
    db.insert('steps', { build_id: id, number: i, name: names[i] ?? step.name, kind: step.kind, state: 'pending' });
    core.touch('step', `${id}.${i}`);
  });
  core.touch('build', id);
  core.touch('builder', builder.name);
  return id;
}

function nextNumber(core: Core, builder: string): number {
  const row = core.db.one<{ last: number | null }>('SELECT MAX(number) AS last FROM builds WHERE builder = ?', builder);
  return (row?.last ?? 0) + 1;
}

/**
 * Names an attempt to workers. Never below the clock, so that a master that was restored from a backup does not use
 * the numbers of attempts that it has forgotten.
 */
function nextEpoch(core: Core): number {
  const { db } = core;
  const last = Number(db.one<{ value: string }>("SELECT value FROM meta WHERE key = 'epoch'")?.value ?? 0);
  const epoch = Math.max(last + 1, Math.floor(core.now()));
  db.run(
    "INSERT INTO meta (key, value) VALUES ('epoch', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    String(epoch),
  );
  return epoch;
}

/** Builds of one builder that run on one worker at once have a directory each: `name`, `name.2`, ... */
function freeDirectory(core: Core, directory: string, worker: string): string {
  const rows = core.db.all<{ directory: string }>(
    "SELECT directory FROM builds WHERE state <> 'finished' AND worker = ?",
    worker,
  );
  const taken = new Set(rows.map((row) => row.directory));
  let free = directory;
  for (let i = 2; taken.has(free); i += 1) free = `${directory}.${i}`;
  return free;
}

/** Milliseconds; null where no build of the builder has succeeded lately. */
function estimate(core: Core, builder: string): number | null {
  const rows = core.db.all<{ ms: number }>(
    `SELECT finished_at - started_at AS ms FROM
       (SELECT * FROM builds WHERE builder = ? AND state = 'finished' ORDER BY id DESC LIMIT ${ESTIMATE_LOOK_BACK})
     WHERE result IN ('SUCCESS', 'WARNINGS') ORDER BY id DESC LIMIT ${ESTIMATE_BUILDS}`,
    builder,
  );
  const times = rows.map((row) => row.ms).sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? null;
}

interface Place {
  readonly worker: string;
  readonly number: number;
  readonly directory: string;
}

/** Later wins: site, worker, builder, then scheduler, change, and trigger or force; what the build itself is wins over all. */
function propertiesOf(
  core: Core,
  config: SiteConfig,
  buildset: BuildsetRow,
  builder: BuilderDeclaration,
  place: Place,
): Properties {
  return {
    ...propertiesFrom('Site', config.site.properties),
    ...propertiesFrom('Worker', config.worker(place.worker)?.properties ?? {}),
    ...propertiesFrom('Builder', builder.properties),
    ...fromColumn<Properties>(buildset.properties),
    ...propertiesFrom('Build', { ...ownProperties(core, buildset, place), buildername: builder.name }),
  };
}

function ownProperties(core: Core, buildset: BuildsetRow, { worker, number, directory }: Place) {
  const stamps = fromColumn<SourceStamp[]>(buildset.source_stamps);
  const [stamp] = stamps;
  const info = core.db.one<{ info: string | null }>('SELECT info FROM workers WHERE name = ?', worker)?.info ?? null;
  const base = info === null ? null : fromColumn<{ baseDirectory?: string }>(info).baseDirectory;
  return {
    buildnumber: number,
    workername: worker,
    scheduler: buildset.scheduler,
    reason: buildset.reason,
    owner: buildset.owner ?? '',
    ...(base == null ? {} : { basedir: base, builddir: `${base}/${directory}` }),
    ...(stamp === undefined || stamps.length > 1
      ? {}
      : {
          branch: stamp.branch ?? '',
          revision: stamp.revision ?? '',
          repository: stamp.repository,
          codebase: stamp.codebase,
          project: stamp.project,
        }),
  };
}
