import type { Database } from '@icefall/master/db/database';

export interface History {
  readonly builds: number;
  readonly builders: number;
  /** When the last one ended, ms since the epoch. */
  readonly now: number;
  /** From the beginning of one build to that of the next; default 10 minutes. */
  readonly everyMs?: number;
  /** The newest builds that have {@link MANY_STEPS} steps, not three; default none. */
  readonly long?: number;
}

const EVERY_MS = 10 * 60_000;
const BUILD_MS = 4 * 60_000;
const STEPS = ['checkout', 'build', 'test'];
/** Steps of a build of {@link History.long}. */
export const MANY_STEPS = 10;
const LONG = [...STEPS, 'lint', 'docs', 'package', 'install', 'measure', 'sign', 'publish'];
const FAILS_ONE_IN = 17;

const INSERTS = {
  change: `INSERT INTO changes (id, author, message, revision, branch, repository, codebase, project, files, commits,
      properties, source, at, received_at, scheduled)
    VALUES (:id, 'somebody', 'A change of things that matter', :revision, 'main', 'https://example.org/a.git', '', '',
      '["src/a.c","src/b.c"]', '[]', '{}', 'bench', :at, :at, 1)`,
  buildset: `INSERT INTO buildsets (id, scheduler, reason, source_stamps, change_ids, properties, created_at, finished_at, result)
    VALUES (:id, 'push', 'change', :stamps, :changes, '{}', :at, :end, :result)`,
  request: `INSERT INTO requests (id, buildset_id, builder, priority, state, result, submitted_at, finished_at, attempts)
    VALUES (:id, :id, :builder, 0, 'finished', :result, :at, :end, 1)`,
  build: `INSERT INTO builds (id, builder, number, request_id, buildset_id, attempt, epoch, worker, directory, holds_slot,
      state, result, result_so_far, submitted_at, started_at, finished_at, properties, config_version, shape)
    VALUES (:id, :builder, :number, :id, :id, 1, :id, :worker, :builder, 0,
      'finished', :result, :result, :at, :at, :end, :properties, 1, 'shape')`,
  step: `INSERT INTO steps (build_id, number, name, kind, state, result, started_at, locks_acquired_at, finished_at, summary)
    VALUES (:id, :number, :name, 'shell', 'finished', :result, :at, :at, :end, 'done')`,
  log: `INSERT INTO logs (build_id, step_number, name, stream, lines, bytes, complete)
    VALUES (:id, :number, 'stdio', 0, 1000, 40000, 1)`,
};

const PROPERTIES = JSON.stringify({
  branch: { value: 'main', source: 'Build' },
  revision: { value: 'f'.repeat(40), source: 'Build' },
  variant: { value: 'release', source: 'Builder' },
});

/** Writes finished builds, round the builders, with what belongs to them: as if the master had made them. */
export function writeHistory(db: Database, history: History): void {
  const { builds, builders, now, everyMs = EVERY_MS, long = 0 } = history;
  const statements = Object.fromEntries(Object.entries(INSERTS).map(([name, sql]) => [name, db.prepare(sql)]));
  const insert = (name: keyof typeof INSERTS, values: object) => statements[name]?.run(values);
  db.transaction(() => {
    for (let id = 1; id <= builds; id += 1) {
      const at = now - (builds - id) * everyMs - BUILD_MS;
      const end = at + BUILD_MS;
      const result = id % FAILS_ONE_IN === 0 ? 'FAILURE' : 'SUCCESS';
      const revision = id.toString(16).padStart(40, '0');
      const builder = `project${id % builders}`;
      const stamp = { codebase: '', repository: 'https://example.org/a.git', branch: 'main', revision, project: '' };
      insert('change', { id, revision, at });
      insert('buildset', { id, at, end, result, stamps: JSON.stringify([stamp]), changes: `[${id}]` });
      insert('request', { id, builder, at, end, result });
      const worker = id % builders < builders / 2 ? 'w1' : 'w2';
      const number = Math.ceil(id / builders);
      insert('build', { id, builder, number, worker, result, at, end, properties: PROPERTIES });
      const steps = id > builds - long ? LONG : STEPS;
      steps.forEach((name, step) => {
        const last = step === steps.length - 1;
        const part = BUILD_MS / steps.length;
        const [from, to] = [at + step * part, at + (step + 1) * part];
        insert('step', { id, number: step, name, result: last ? result : 'SUCCESS', at: from, end: to });
        insert('log', { id, number: step });
      });
    }
  })();
}
