import type { ReportEntry, Reporter, Result } from '@icefall/shared';
import type { Value } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import { Conditions, type Page, type PageWanted } from '../events/paging.ts';

/** Reports of one reporter that wait. Beyond it the oldest are given up: a week of a busy site whose server is gone. */
export const MOST_WAITING = 10_000;
/** Of each reporter, those that are done with and kept; the oldest make room. */
export const MOST_DONE = 2000;
/** Old ones are looked for once for so many that are done. */
const PRUNE_EVERY = 100;

/** A report that is to be delivered. */
export interface WaitingReport {
  readonly id: number;
  readonly build_id: number;
  readonly moment: ReportEntry['moment'];
  readonly previous: Result | null;
  readonly at: number;
  readonly tries: number;
  readonly next_try_at: number | null;
}

interface ReportRow extends WaitingReport {
  readonly reporter: string;
  readonly state: ReportEntry['state'];
  readonly done_at: number | null;
  readonly note: string | null;
}

interface ReporterRow {
  readonly name: string;
  readonly cursor: number;
  readonly last_delivered_at: number | null;
  readonly last_error: string | null;
  readonly last_error_at: number | null;
  readonly delivered: number;
  readonly given_up: number;
}

export interface ReportFilter extends PageWanted {
  readonly reporter?: string | undefined;
  readonly state?: ReportEntry['state'] | undefined;
}

/** What waits at all reporters together. */
export interface ReportsBacklog {
  readonly waiting: number;
  readonly since: number | null;
  readonly givenUp: number;
}

/** The store of reporters and reports. What changes it belongs inside a turn. */
export class ReportRows {
  readonly #core: Core;
  #unpruned = PRUNE_EVERY;

  constructor(core: Core) {
    this.#core = core;
  }

  get #db() {
    return this.#core.db;
  }

  names(): string[] {
    return this.#db.all<{ name: string }>('SELECT name FROM reporters').map(({ name }) => name);
  }

  /** A reporter that was not there before tells of what happens from now on. */
  begin(name: string): void {
    this.#db.run('INSERT OR IGNORE INTO reporters (name, cursor) VALUES (?, ?)', name, this.#core.seq);
  }

  /** What waits at a reporter that is no more will not be told. */
  end(name: string): void {
    this.#giveUp('reporter = ?', 'the reporter is no longer in the configuration', name);
    this.#db.run('DELETE FROM reporters WHERE name = ?', name);
  }

  cursor(name: string): number {
    const row = this.#db.one<{ cursor: number }>('SELECT cursor FROM reporters WHERE name = ?', name);
    return row?.cursor ?? this.#core.seq;
  }

  setCursor(name: string, cursor: number): void {
    this.#db.run('UPDATE reporters SET cursor = ? WHERE name = ?', cursor, name);
  }

  /** Builds that events after a number are of, in the order of their newest one among so many. */
  touchedBuilds(
    after: number,
    most: number,
  ): { readonly ids: readonly number[]; readonly end: number; isAll: boolean } {
    const rows = this.#db.all<{ seq: number; key: string }>(
      "SELECT seq, key FROM events WHERE seq > ? AND kind = 'build' ORDER BY seq LIMIT ?",
      after,
      most,
    );
    const keys = new Set<string>();
    for (const { key } of rows) {
      keys.delete(key);
      keys.add(key);
    }
    const isAll = rows.length < most;
    return { ids: [...keys].map(Number), end: isAll ? this.#core.seq : (rows.at(-1)?.seq ?? after), isAll };
  }

  /** Puts a report in line, once for each build and moment. Gives false where it was there. */
  add(reporter: string, report: Pick<WaitingReport, 'build_id' | 'moment' | 'previous'>): boolean {
    const { changes } = this.#db.run(
      `INSERT OR IGNORE INTO reports (reporter, build_id, moment, previous, at, state) VALUES (?, ?, ?, ?, ?, 'waiting')`,
      ...[reporter, report.build_id, report.moment, report.previous, this.#core.now()],
    );
    return changes > 0;
  }

  report(id: number): ReportEntry | null {
    const row = this.#db.one<ReportRow>('SELECT * FROM reports WHERE id = ?', id);
    return row === null ? null : viewOf(row);
  }

  /** Puts one that is done with in line again, at the end and under a new number, which it gives. */
  again(id: number): number {
    const columns = 'reporter, build_id, moment, previous';
    const { id: anew } = this.#db.run(
      `INSERT OR REPLACE INTO reports (${columns}, at, state) SELECT ${columns}, ?, 'waiting' FROM reports WHERE id = ?`,
      this.#core.now(),
      id,
    );
    return anew;
  }

  /** Gives up what waits beyond {@link MOST_WAITING}, the oldest first. */
  limit(reporter: string): void {
    const older = `SELECT id FROM reports WHERE reporter = ? AND state = 'waiting' ORDER BY id DESC LIMIT 1 OFFSET ${MOST_WAITING}`;
    this.#giveUp(`reporter = ? AND id <= (${older})`, `given up: more than ${MOST_WAITING} waited`, reporter, reporter);
  }

  #giveUp(where: string, note: string, reporter: string, ...more: readonly Value[]): void {
    const { changes } = this.#db.run(
      `UPDATE reports SET state = 'givenUp', next_try_at = NULL, done_at = ?, note = ? WHERE state = 'waiting' AND ${where}`,
      ...[this.#core.now(), note, reporter, ...more],
    );
    if (changes > 0) this.#db.run('UPDATE reporters SET given_up = given_up + ? WHERE name = ?', changes, reporter);
  }

  /** The report that is next, after those up to `done`; null: nothing waits. */
  first(reporter: string, done: number): WaitingReport | null {
    return this.#db.one<WaitingReport>(
      `SELECT id, build_id, moment, previous, at, tries, next_try_at FROM reports
       WHERE reporter = ? AND state = 'waiting' AND id > ? ORDER BY id LIMIT 1`,
      reporter,
      done,
    );
  }

  delivered(reporter: string, { id, tries }: WaitingReport, note: string | null): void {
    const now = this.#core.now();
    const done = { state: 'delivered', tries: tries + 1, next_try_at: null, done_at: now, note };
    this.#db.update('reports', { id }, done);
    this.#db.run('UPDATE reporters SET delivered = delivered + 1, last_delivered_at = ? WHERE name = ?', now, reporter);
    this.#prune();
  }

  /** It is tried again then; null: it is given up. */
  failed(reporter: string, { id, tries }: WaitingReport, note: string, nextTryAt: number | null): void {
    const now = this.#core.now();
    const end = nextTryAt === null ? { state: 'givenUp', done_at: now } : {};
    this.#db.update('reports', { id }, { tries: tries + 1, next_try_at: nextTryAt, note, ...end });
    this.#db.run(
      'UPDATE reporters SET last_error = ?, last_error_at = ?, given_up = given_up + ? WHERE name = ?',
      ...[note, now, nextTryAt === null ? 1 : 0, reporter],
    );
    if (nextTryAt === null) this.#prune();
  }

  #prune(): void {
    this.#unpruned += 1;
    if (this.#unpruned < PRUNE_EVERY) return;
    this.#unpruned = 0;
    const done = "reporter = ? AND state <> 'waiting'";
    const older = `SELECT id FROM reports WHERE ${done} ORDER BY id DESC LIMIT 1 OFFSET ${MOST_DONE}`;
    // Of those that are no longer in the configuration, too.
    for (const { name } of this.#db.all<{ name: string }>('SELECT DISTINCT reporter AS name FROM reports'))
      this.#db.run(`DELETE FROM reports WHERE ${done} AND id <= (${older})`, name, name);
  }

  view(name: string): Omit<Reporter, 'kind'> | null {
    const row = this.#db.one<ReporterRow>('SELECT * FROM reporters WHERE name = ?', name);
    if (row === null) return null;
    const first = this.first(name, 0);
    return {
      name,
      cursor: row.cursor,
      waiting: this.#waiting('WHERE reporter = ? AND', name).waiting,
      waitingSince: first?.at ?? null,
      tries: first?.tries ?? 0,
      nextTryAt: first?.next_try_at ?? null,
      lastError: row.last_error,
      lastErrorAt: row.last_error_at,
      lastDeliveredAt: row.last_delivered_at,
      delivered: row.delivered,
      givenUp: row.given_up,
    };
  }

  backlog(): ReportsBacklog {
    const givenUp = this.#db.one<{ n: number | null }>('SELECT SUM(given_up) AS n FROM reporters')?.n ?? 0;
    return { ...this.#waiting('WHERE'), givenUp };
  }

  #waiting(where: string, ...values: readonly Value[]): { waiting: number; since: number | null } {
    const sql = `SELECT COUNT(*) AS waiting, MIN(at) AS since FROM reports ${where} state = 'waiting'`;
    return this.#db.one<{ waiting: number; since: number | null }>(sql, ...values) ?? { waiting: 0, since: null };
  }

  /** Newest first. */
  list({ reporter, state, before, limit }: ReportFilter): Page<ReportEntry> {
    const conditions = new Conditions().add('id < ?', before).add('reporter = ?', reporter).add('state = ?', state);
    const rows = this.#db.all<ReportRow>(
      `SELECT * FROM reports ${conditions.where} ORDER BY id DESC LIMIT ?`,
      ...conditions.values,
      limit + 1,
    );
    const items = rows.slice(0, limit).map(viewOf);
    return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
  }
}

function viewOf(row: ReportRow): ReportEntry {
  return {
    id: row.id,
    reporter: row.reporter,
    buildId: row.build_id,
    moment: row.moment,
    at: row.at,
    state: row.state,
    tries: row.tries,
    nextTryAt: row.next_try_at,
    doneAt: row.done_at,
    note: row.note,
  };
}
