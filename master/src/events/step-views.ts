import type { Blocker, Log, Result, Step } from '@icefall/shared';
import { fromColumn, type Statements } from '../db/rows.ts';
import type { LogRow, LogStore } from '../logs/log-store.ts';

interface StepRow {
  readonly build_id: number;
  readonly number: number;
  readonly name: string;
  readonly kind: string;
  readonly state: Step['state'];
  readonly result: Result | null;
  readonly started_at: number | null;
  readonly locks_acquired_at: number | null;
  readonly finished_at: number | null;
  readonly summary: string;
  readonly hidden: number;
  readonly blocker: string | null;
  readonly urls: string;
}

const COLUMNS = `build_id, number, name, kind, state, result, started_at, locks_acquired_at, finished_at, summary, hidden,
  blocker, urls`;
/** Ids are bound as one JSON text, so that one prepared statement serves lists of every length. */
const LISTED = 'IN (SELECT value FROM json_each(?))';

/** What belongs to steps, by `BUILD.NUMBER`. */
interface Belongings {
  readonly logs: ReadonlyMap<string, Log[]>;
  readonly triggered: ReadonlyMap<string, number[]>;
  readonly pids: ReadonlyMap<string, number>;
}

/** Steps and logs as clients see them, read for many builds at once. */
export class StepViews {
  readonly #db: Statements;
  readonly #logs: LogStore;

  constructor(db: Statements, logs: LogStore) {
    this.#db = db;
    this.#logs = logs;
  }

  /** The steps of each of these builds, in order. A build without steps has no entry. */
  ofBuilds(buildIds: readonly number[]): Map<number, Step[]> {
    const rows = this.#db.all<StepRow>(
      `SELECT ${COLUMNS} FROM steps WHERE build_id ${LISTED} ORDER BY build_id, number`,
      JSON.stringify(buildIds),
    );
    const belongings = this.#belongings(buildIds);
    const steps = new Map<number, Step[]>();
    for (const row of rows) addTo(steps, row.build_id, viewOf(row, belongings));
    return steps;
  }

  /** The step with a key `BUILD.NUMBER`, or null. */
  step(key: string): Step | null {
    const [buildId, number] = key.split('.').map(Number);
    if (buildId === undefined || number === undefined) return null;
    const row = this.#db.one<StepRow>(
      `SELECT ${COLUMNS} FROM steps WHERE build_id = ? AND number = ?`,
      buildId,
      number,
    );
    return row === null ? null : viewOf(row, this.#belongingsOfStep(buildId, number));
  }

  log(id: number): Log | null {
    const row = this.#logs.row(id);
    return row === null ? null : this.#logOf(row);
  }

  /** A growing log's size is not in its row. */
  #logOf(row: LogRow): Log {
    const { lines, bytes } = this.#logs.size(row);
    return {
      id: row.id,
      buildId: row.build_id,
      stepNumber: row.step_number,
      name: row.name,
      lines,
      bytes,
      complete: row.complete === 1,
    };
  }

  #belongings(buildIds: readonly number[]): Belongings {
    const ids = JSON.stringify(buildIds);
    return this.#gather(
      this.#db.all<LogRow>(`SELECT * FROM logs WHERE build_id ${LISTED} ORDER BY id`, ids),
      this.#db.all<TriggeredRow>(
        `SELECT parent_build_id, parent_step_number, requests.id FROM buildsets
           JOIN requests ON requests.buildset_id = buildsets.id
          WHERE parent_build_id ${LISTED} ORDER BY requests.id`,
        ids,
      ),
      this.#db.all<PidRow>(
        `SELECT build_id, step_number, pid FROM commands WHERE build_id ${LISTED} AND pid IS NOT NULL ORDER BY id`,
        ids,
      ),
    );
  }

  #belongingsOfStep(buildId: number, number: number): Belongings {
    return this.#gather(
      this.#logs.ofStep(buildId, number),
      this.#db.all<TriggeredRow>(
        `SELECT parent_build_id, parent_step_number, requests.id FROM buildsets
           JOIN requests ON requests.buildset_id = buildsets.id
          WHERE parent_build_id = ? AND parent_step_number = ? ORDER BY requests.id`,
        buildId,
        number,
      ),
      this.#db.all<PidRow>(
        `SELECT build_id, step_number, pid FROM commands
          WHERE build_id = ? AND step_number = ? AND pid IS NOT NULL ORDER BY id`,
        buildId,
        number,
      ),
    );
  }

  #gather(logs: readonly LogRow[], triggered: readonly TriggeredRow[], pids: readonly PidRow[]): Belongings {
    const logsOf = new Map<string, Log[]>();
    for (const row of logs) addTo(logsOf, `${row.build_id}.${row.step_number}`, this.#logOf(row));
    const triggeredBy = new Map<string, number[]>();
    for (const row of triggered) addTo(triggeredBy, `${row.parent_build_id}.${row.parent_step_number}`, row.id);
    // A step that ran several commands shows the newest one's process.
    const pidOf = new Map(pids.map((row) => [`${row.build_id}.${row.step_number}`, row.pid]));
    return { logs: logsOf, triggered: triggeredBy, pids: pidOf };
  }
}

interface TriggeredRow {
  readonly parent_build_id: number;
  readonly parent_step_number: number;
  readonly id: number;
}
interface PidRow {
  readonly build_id: number;
  readonly step_number: number;
  readonly pid: number;
}

function viewOf(row: StepRow, { logs, triggered, pids }: Belongings): Step {
  const key = `${row.build_id}.${row.number}`;
  return {
    buildId: row.build_id,
    number: row.number,
    name: row.name,
    kind: row.kind,
    state: row.state,
    result: row.result,
    startedAt: row.started_at,
    locksAcquiredAt: row.locks_acquired_at,
    finishedAt: row.finished_at,
    summary: row.summary,
    hidden: row.hidden === 1,
    blocker: row.blocker === null ? null : fromColumn<Blocker>(row.blocker),
    urls: row.urls === '[]' ? [] : fromColumn<Step['urls']>(row.urls),
    triggeredRequestIds: triggered.get(key) ?? [],
    logs: logs.get(key) ?? [],
    pid: pids.get(key) ?? null,
  };
}

/** Adds to the list that a map holds for a key. */
export function addTo<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
