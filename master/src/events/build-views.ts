import type { Build, BuildHead, Properties, Result, SourceStamp } from '@icefall/shared';
import { fromColumn, type Statements } from '../db/rows.ts';
import { Conditions, MOST_SCANNED_ROWS, type Page, type PageWanted, pageOf } from './paging.ts';
import type { StepViews } from './step-views.ts';

interface HeadRow {
  readonly id: number;
  readonly builder: string;
  readonly number: number;
  readonly request_id: number;
  readonly buildset_id: number;
  readonly attempt: number;
  readonly worker: string;
  readonly state: BuildHead['state'];
  readonly result: Result | null;
  readonly submitted_at: number;
  readonly started_at: number;
  readonly finished_at: number | null;
  readonly summary: string;
  readonly properties: string;
  readonly stop_reason: string | null;
  readonly grace_until: number | null;
  readonly estimate_ms: number | null;
  readonly reason: string;
  readonly owner: string | null;
  readonly scheduler: string;
  readonly source_stamps: string;
  readonly change_ids: string;
  readonly parent_build_id: number | null;
}

const HEADS = `SELECT b.id, b.builder, b.number, b.request_id, b.buildset_id, b.attempt, b.worker, b.state, b.result,
    b.submitted_at, b.started_at, b.finished_at, b.summary, b.properties, b.stop_reason, b.grace_until, b.estimate_ms,
    s.reason, s.owner, s.scheduler, s.source_stamps, s.change_ids, s.parent_build_id
  FROM builds b JOIN buildsets s ON s.id = b.buildset_id`;

export interface BuildFilter extends PageWanted {
  readonly builder?: string | undefined;
  readonly worker?: string | undefined;
  readonly state?: BuildHead['state'] | undefined;
  readonly result?: Result | undefined;
  /** Of any of its source stamps. */
  readonly branch?: string | undefined;
  /** Goes the other way: those that follow this id, still newest first; `next` is then the `after` that goes on. */
  readonly after?: number | undefined;
  /** Begins with the newest that began before, ms since the epoch. */
  readonly startedBefore?: number | undefined;
  /** Of these builders only. */
  readonly builders?: readonly string[] | undefined;
}

/** Builds as clients see them. */
export class BuildViews {
  readonly #db: Statements;
  readonly #steps: StepViews;

  constructor(db: Statements, steps: StepViews) {
    this.#db = db;
    this.#steps = steps;
  }

  head(id: number): BuildHead | null {
    const row = this.#db.one<HeadRow>(`${HEADS} WHERE b.id = ?`, id);
    return row === null ? null : headOf(row);
  }

  build(id: number): Build | null {
    return this.builds([id])[0] ?? null;
  }

  /** The build that a builder numbered so, or null. */
  byNumber(builder: string, number: number): Build | null {
    const row = this.#db.one<{ id: number }>('SELECT id FROM builds WHERE builder = ? AND number = ?', builder, number);
    return row === null ? null : this.build(row.id);
  }

  /** Builds with their steps, newest first. Ids that are no build's are left out. */
  builds(ids: readonly number[]): Build[] {
    const rows = this.#db.all<HeadRow>(
      `${HEADS} WHERE b.id IN (SELECT value FROM json_each(?)) ORDER BY b.id DESC`,
      JSON.stringify(ids),
    );
    const steps = this.#steps.ofBuilds(ids);
    return rows.map((row) => ({ ...headOf(row), steps: steps.get(row.id) ?? [] }));
  }

  /** A page of builds, newest first. */
  list(filter: BuildFilter): Page<Build> {
    const { builder, worker, state, result, branch, after, limit, builders } = filter;
    const { top, floor } = this.#range(filter);
    const conditions = new Conditions()
      .add('b.id < ?', top)
      .add('b.id > ?', floor)
      .add('b.builder = ?', builder)
      .add('b.worker = ?', worker)
      // Written so that the index of active builds serves.
      .add(state === 'finished' ? 'b.state = ?' : "b.state <> 'finished' AND b.state = ?", state)
      .add('b.result = ?', result)
      .add('b.builder IN (SELECT value FROM json_each(?))', builders && JSON.stringify(builders))
      .add(
        "EXISTS (SELECT 1 FROM buildsets s, json_each(s.source_stamps) stamp WHERE s.id = b.buildset_id AND stamp.value ->> 'branch' = ?)",
        branch,
      );
    const found = this.#db
      .all<{ id: number }>(
        `SELECT b.id FROM builds b ${conditions.where} ORDER BY b.id ${after === undefined ? 'DESC' : 'ASC'} LIMIT ?`,
        ...conditions.values,
        limit + 1,
      )
      .map((row) => row.id);
    const page =
      after === undefined
        ? pageOf(found, limit, floor)
        : { items: found.slice(0, limit), next: this.#nextAfter(found, limit, top) };
    return { items: this.builds(page.items), next: page.next };
  }

  /** The ids that one request looks at, without both ends. */
  #range(filter: BuildFilter): { top: number; floor: number } {
    const { before, after, startedBefore } = filter;
    const end = this.#newestId() + 1;
    if (after !== undefined) return { top: Math.min(end, this.#farthest(filter, after, 'above') ?? end), floor: after };
    const top = Math.min(before ?? end, startedBefore === undefined ? end : this.#lastBegun(startedBefore) + 1);
    return { top, floor: Math.max(0, this.#farthest(filter, top, 'below') ?? 0) };
  }

  /** The first id that is not looked at any more, where little may match of what an index finds; null: all are. */
  #farthest(filter: BuildFilter, from: number, where: 'above' | 'below'): number | null {
    const { builder, builders, worker, state, result, branch } = filter;
    const isPicky = [result, branch, builders, builder && worker].some((one) => one !== undefined);
    if (!isPicky || (state !== undefined && state !== 'finished')) return null;
    const [column, value] = builder === undefined ? ['worker', worker] : ['builder', builder];
    if (value === undefined) return where === 'above' ? from + 1 + MOST_SCANNED_ROWS : from - 1 - MOST_SCANNED_ROWS;
    const beyond = where === 'above' ? 'id > ? ORDER BY id' : 'id < ? ORDER BY id DESC';
    const sql = `SELECT id FROM builds WHERE ${column} = ? AND ${beyond} LIMIT 1 OFFSET ?`;
    return this.#db.one<{ id: number }>(sql, value, from, MOST_SCANNED_ROWS)?.id ?? null;
  }

  #nextAfter(found: readonly number[], limit: number, top: number): number | null {
    if (found.length > limit) return found[limit - 1] ?? null;
    return top <= this.#newestId() ? top - 1 : null;
  }

  /** Of the builds that began before a time, the id of the last; 0 where there is none. Ids rise as builds begin. */
  #lastBegun(before: number): number {
    const sql = 'SELECT id FROM builds WHERE started_at < ? ORDER BY started_at DESC, id DESC LIMIT 1';
    return this.#db.one<{ id: number }>(sql, before)?.id ?? 0;
  }

  #newestId(): number {
    return this.#db.one<{ id: number | null }>('SELECT MAX(id) AS id FROM builds')?.id ?? 0;
  }

  /**
   * Ids of running builds, and of those that finished at `since` or later, newest first. Finished ones beyond `limit`
   * are left out, the oldest first; `since` is then when the last of them ended.
   */
  recentIds(since: number, limit: number): { ids: number[]; since: number; more: boolean } {
    const running = this.#db.all<{ id: number }>("SELECT id FROM builds WHERE state <> 'finished'");
    const finished = this.#db.all<{ id: number; finished_at: number }>(
      'SELECT id, finished_at FROM builds WHERE finished_at >= ? ORDER BY finished_at DESC LIMIT ?',
      since,
      limit + 1,
    );
    const shown = finished.slice(0, limit);
    const isCut = finished.length > limit;
    const ids = new Set([...running, ...shown].map((row) => row.id));
    return {
      ids: [...ids].sort((a, b) => b - a),
      since: isCut ? (shown.at(-1)?.finished_at ?? since) : since,
      more: isCut || this.#db.one('SELECT 1 FROM builds WHERE finished_at < ? LIMIT 1', since) !== null,
    };
  }
}

function headOf(row: HeadRow): BuildHead {
  return {
    id: row.id,
    builder: row.builder,
    number: row.number,
    requestId: row.request_id,
    buildsetId: row.buildset_id,
    attempt: row.attempt,
    worker: row.worker,
    state: row.state,
    result: row.result,
    submittedAt: row.submitted_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    summary: row.summary,
    reason: row.reason,
    owner: row.owner,
    scheduler: row.scheduler,
    sourceStamps: fromColumn<SourceStamp[]>(row.source_stamps),
    changeIds: fromColumn<number[]>(row.change_ids),
    parentBuildId: row.parent_build_id,
    properties: fromColumn<Properties>(row.properties),
    stopReason: row.stop_reason,
    graceUntil: row.grace_until,
    estimateMs: row.estimate_ms,
  };
}
