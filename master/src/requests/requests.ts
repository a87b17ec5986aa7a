import type { Blocker, Properties, Request, Result, SourceStamp } from '@icefall/shared';
import type { BuilderDeclaration } from '../config/builders.ts';
import { fromColumn, toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { Buildsets, NewBuildset } from './buildsets.ts';
import { requestResource } from './resources.ts';
import type { BuildsetRow, RequestRow } from './rows.ts';

/** Requests of builders: their queue, what holds them up, collapse, and their end. Call inside turns. */
export class Requests {
  /** A request has ended. */
  readonly finished = new Hook<{ readonly requestId: number; readonly buildsetId: number }>();
  readonly #core: Core;
  readonly #buildsets: Buildsets;

  constructor(core: Core, buildsets: Buildsets) {
    this.#core = core;
    this.#buildsets = buildsets;
    core.clockWatch.jumped.on((ms) => this.#clockJumped(ms));
  }

  row(id: number): RequestRow | null {
    return this.#core.db.one<RequestRow>('SELECT * FROM requests WHERE id = ?', id);
  }

  /**
   * The first waiting requests of a builder by priority, then age; those that went into another are left out. With
   * `told` (the text of a blocker) those of them that have another one, or none.
   */
  pending(builder: string, limit: number, told: string | null = null): RequestRow[] {
    const first = `SELECT * FROM requests WHERE state = 'pending' AND builder = ? AND collapsed_into IS NULL
       ORDER BY priority DESC, submitted_at, id LIMIT ?`;
    if (told === null) return this.#core.db.all<RequestRow>(first, builder, limit);
    return this.#core.db.all<RequestRow>(`SELECT * FROM (${first}) WHERE blocker IS NOT ?`, builder, limit, told);
  }

  /** Those of the {@link pending} ones that a build which has not ended has triggered: it may wait for them. */
  pendingOfActiveBuilds(builder: string, limit: number): RequestRow[] {
    return this.#core.db.all<RequestRow>(
      `SELECT requests.* FROM requests
       JOIN buildsets ON buildsets.id = requests.buildset_id
       JOIN builds AS parent ON parent.id = buildsets.parent_build_id
       WHERE requests.state = 'pending' AND requests.builder = ? AND requests.collapsed_into IS NULL
         AND parent.state <> 'finished'
       ORDER BY requests.priority DESC, requests.submitted_at, requests.id LIMIT ?`,
      builder,
      limit,
    );
  }

  /** Builders that have waiting requests. */
  buildersWithPending(): string[] {
    return this.#core.db
      .all<{ builder: string }>(
        "SELECT DISTINCT builder FROM requests WHERE state = 'pending' AND collapsed_into IS NULL",
      )
      .map((row) => row.builder);
  }

  /** Records why a request waits. */
  block(row: RequestRow, blocker: Blocker): void {
    const text = toColumn(blocker);
    if (row.blocker === text) return;
    const sameKind = row.blocker !== null && fromColumn<Blocker>(row.blocker).kind === blocker.kind;
    const since = sameKind ? row.blocked_since : this.#core.now();
    this.#core.db.update('requests', { id: row.id }, { blocker: text, blocked_since: since });
    this.#core.touch('request', row.id);
  }

  /** Records why every other waiting request of a builder waits, as far as nothing is recorded yet. */
  blockUnexplained(builder: string, blocker: Blocker): void {
    const rows = this.#core.db.all<{ id: number }>(
      `UPDATE requests SET blocker = ?, blocked_since = ?
       WHERE state = 'pending' AND builder = ? AND blocker IS NULL AND collapsed_into IS NULL RETURNING id`,
      toColumn(blocker),
      this.#core.now(),
      builder,
    );
    for (const { id } of rows) this.#core.touch('request', id);
  }

  /** The request became a build. */
  started(id: number): void {
    this.#core.db.run(
      "UPDATE requests SET state = 'building', attempts = attempts + 1, blocker = NULL, blocked_since = NULL, not_before = NULL WHERE id = ?",
      id,
    );
    this.#touch(id);
  }

  /** Puts a request whose attempt was lost back into the queue, not to be tried before a time. */
  retry(id: number, notBefore: number): void {
    this.#core.db.update('requests', { id }, { state: 'pending', not_before: notBefore });
    this.#touch(id);
  }

  /** The wall clock was set: every back-off takes as long as before. */
  #clockJumped(ms: number): void {
    this.#core.db.run(
      "UPDATE requests SET not_before = not_before + ? WHERE state = 'pending' AND not_before IS NOT NULL",
      ms,
    );
  }

  /**
   * For the start of a master, which does not know whether the clock was set while it was down: nothing waits for longer
   * than a back-off can be.
   */
  limitBackOffs(mostMs: number): void {
    const latest = this.#core.now() + mostMs;
    this.#core.db.run("UPDATE requests SET not_before = ? WHERE state = 'pending' AND not_before > ?", latest, latest);
  }

  /** Ends a request, and with it every request that was taken into it. */
  finish(id: number, result: Result): void {
    const row = this.row(id);
    if (row === null || row.state === 'finished') return;
    const finishedAt = this.#core.now();
    this.#core.db.update(
      'requests',
      { id },
      { state: 'finished', result, finished_at: finishedAt, blocker: null, blocked_since: null },
    );
    this.#touch(id, row.builder);
    const taken = this.#core.db.all<{ id: number }>('SELECT id FROM requests WHERE collapsed_into = ?', id);
    for (const other of taken) this.finish(other.id, result);
    this.finished.fire({ requestId: id, buildsetId: row.buildset_id });
    this.#buildsets.checkFinished(row.buildset_id);
  }

  #touch(id: number, builder = this.row(id)?.builder): void {
    this.#core.touch('request', id);
    if (builder !== undefined) this.#core.touch('builder', builder);
  }

  /** Lets a new request take in older waiting ones, where its builder wants that. Gives those taken in. */
  collapse(newId: number, builder: BuilderDeclaration): number[] {
    if (builder.collapseRequests === false) return [];
    const newer = this.row(newId);
    const buildset = newer === null ? null : this.#buildsets.row(newer.buildset_id);
    if (newer === null || buildset === null) return [];
    const taken = this.#collapsible(builder, newer, buildset);
    for (const older of taken) {
      this.#core.db.update('requests', { id: older.id }, { collapsed_into: newId });
      this.block(older, { kind: 'takenIn', requestId: newId });
      this.#touch(older.id, older.builder);
    }
    return taken.map(({ id }) => id);
  }

  /** The waiting requests that {@link collapse} would take into one that is not made yet. */
  collapsedBy(buildset: NewBuildset, builder: BuilderDeclaration): number[] {
    if (builder.collapseRequests === false) return [];
    const { row, ofBuildset } = unmade(buildset, builder.name, this.#core.now());
    return this.#collapsible(builder, row, ofBuildset).map(({ id }) => id);
  }

  /** Waiting requests of a builder that would be served before a new one of this priority. */
  countAhead(builder: string, priority: number): number {
    const found = this.#core.db.one<{ count: number }>(
      `SELECT COUNT(*) AS count FROM requests
       WHERE state = 'pending' AND builder = ? AND collapsed_into IS NULL AND priority >= ?`,
      builder,
      priority,
    );
    return found?.count ?? 0;
  }

  #collapsible(builder: BuilderDeclaration, newer: RequestRow, buildset: BuildsetRow): RequestRow[] {
    return this.#olderThan(newer).filter((older) => this.#mayCollapse(builder, newer, buildset, older));
  }

  #mayCollapse(builder: BuilderDeclaration, newer: RequestRow, buildset: BuildsetRow, older: RequestRow): boolean {
    if (typeof builder.collapseRequests !== 'function') return this.#sameWork(buildset, older);
    try {
      return builder.collapseRequests(requestResource(newer, buildset, []), this.view(older));
    } catch (error) {
      // A mistake in the site's function: both requests are built.
      const { name } = builder;
      this.#core.log.error(
        { builder: name, requestId: newer.id, error },
        `collapseRequests of builder "${name}" failed`,
      );
      return false;
    }
  }

  #olderThan(newer: RequestRow): RequestRow[] {
    return this.#core.db.all<RequestRow>(
      "SELECT * FROM requests WHERE state = 'pending' AND builder = ? AND collapsed_into IS NULL AND id < ?",
      newer.builder,
      newer.id,
    );
  }

  /** Same sources (whatever their revisions, if both come from changes) and same properties. */
  #sameWork(a: BuildsetRow, older: RequestRow): boolean {
    const b = this.#buildsets.row(older.buildset_id);
    if (b === null) return false;
    const fromChanges = a.change_ids !== '[]' && b.change_ids !== '[]';
    return (
      sourcesKey(a.source_stamps, !fromChanges) === sourcesKey(b.source_stamps, !fromChanges) &&
      propertiesKey(a.properties) === propertiesKey(b.properties)
    );
  }

  /** The resource that clients and the site's functions see. */
  view(row: RequestRow): Request {
    const buildset = this.#buildsets.row(row.buildset_id);
    const builds = this.#core.db.all<{ id: number }>('SELECT id FROM builds WHERE request_id = ? ORDER BY id', row.id);
    return requestResource(
      row,
      buildset ?? { reason: '', owner: null, parent_build_id: null },
      builds.map((build) => build.id),
    );
  }
}

/** The rows of a request as they would be if it were made now: younger than all others, so its id is above theirs. */
function unmade(buildset: NewBuildset, builder: string, now: number): { row: RequestRow; ofBuildset: BuildsetRow } {
  const id = Number.MAX_SAFE_INTEGER;
  const never = { result: null, finished_at: null };
  return {
    row: {
      ...{ id, buildset_id: id, builder, priority: buildset.priority, state: 'pending', submitted_at: now, ...never },
      ...{ collapsed_into: null, attempts: 0, not_before: null, cancel_reason: null },
      ...{ blocker: null, blocked_since: null },
    },
    ofBuildset: {
      ...{ id, scheduler: buildset.scheduler, reason: buildset.reason, owner: buildset.owner ?? null },
      source_stamps: toColumn(buildset.sourceStamps),
      change_ids: toColumn(buildset.changeIds ?? []),
      properties: toColumn(buildset.properties),
      ...{ parent_build_id: null, parent_step_number: null, unimportant: 0, created_at: now, ...never },
    },
  };
}

function sourcesKey(column: string, withRevisions: boolean): string {
  const stamps = fromColumn<SourceStamp[]>(column);
  const keys = stamps.map((stamp) => [
    stamp.codebase,
    stamp.repository,
    stamp.branch,
    stamp.project,
    withRevisions ? stamp.revision : '',
  ]);
  return JSON.stringify(keys.sort());
}

/** Who asked and why does not change what is built. */
const NOT_WORK = ['reason', 'owner', 'scheduler'];

function propertiesKey(column: string): string {
  const properties = Object.entries(fromColumn<Properties>(column)).filter(([name]) => !NOT_WORK.includes(name));
  return JSON.stringify(properties.map(([name, { value }]) => [name, value]).sort());
}
