import { type Blocker, describeBlocker, type Json, type Properties, type Result } from '@icefall/shared';
import { fromColumn } from '../db/rows.ts';
import type { Touched } from '../engine/core.ts';
import type { Master } from '../master.ts';

/** Something waited, from when until when (null: it still does), and why, as the page would have said. */
export interface Wait {
  readonly from: number;
  readonly to: number | null;
  readonly kind: Blocker['kind'];
  readonly why: string;
}

/** A lock that a build or step held. */
export interface Hold {
  /** A worker lock is `lock@worker`. */
  readonly lock: string;
  readonly mode: 'counting' | 'exclusive';
  readonly count: number;
  readonly from: number;
  readonly to: number | null;
}

export interface CourseStep {
  readonly name: string;
  readonly kind: string;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** Null while it has not ended. */
  readonly result: Result | null;
  readonly summary: string;
  readonly waits: readonly Wait[];
  readonly locks: readonly Hold[];
}

export interface CourseBuild {
  readonly id: number;
  readonly builder: string;
  readonly number: number;
  readonly attempt: number;
  readonly worker: string;
  readonly scheduler: string;
  readonly reason: string;
  /** The build whose trigger step asked for it. */
  readonly parentBuildId: number | null;
  readonly properties: Readonly<Record<string, Json>>;
  readonly submittedAt: number;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly result: Result | null;
  /** Before it started. */
  readonly waits: readonly Wait[];
  /** Held by the build as a whole. */
  readonly locks: readonly Hold[];
  readonly steps: readonly CourseStep[];
}

/** A request that became no build: it still waits, was taken into another one, or was cancelled. */
export interface CourseRequest {
  readonly id: number;
  readonly builder: string;
  readonly scheduler: string;
  readonly submittedAt: number;
  readonly result: Result | null;
  readonly collapsedInto: number | null;
  readonly waits: readonly Wait[];
}

/** What a scheduler started. */
export interface CourseStart {
  readonly at: number;
  readonly scheduler: string;
  readonly reason: string;
  readonly builders: readonly string[];
  readonly parentBuildId: number | null;
}

/** Everything that happened in a simulation. Times are milliseconds since the epoch, of virtual time. */
export interface Course {
  readonly timeZone: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** In order of asking. */
  readonly starts: readonly CourseStart[];
  readonly builds: readonly CourseBuild[];
  readonly notBuilt: readonly CourseRequest[];
}

interface Open {
  readonly from: number;
  readonly blocker: Blocker;
  readonly text: string;
}
interface ClaimRow {
  readonly holder: string;
  readonly lock: string;
  readonly mode: 'counting' | 'exclusive';
  readonly count: number;
  readonly granted_at: number;
}

/** Watches a master and remembers what its rows forget: who waited for what, and who held which lock. */
export class CourseRecorder {
  readonly #waits = new Map<string, Wait[]>();
  readonly #waiting = new Map<string, Open>();
  readonly #holds = new Map<string, Hold[]>();
  #held = new Map<string, ClaimRow>();

  watch(master: Master): void {
    master.core.committed.on((touched) => this.#look(master, touched));
  }

  #look(master: Master, touched: readonly Touched[]): void {
    for (const { kind, key } of touched) {
      if (kind === 'request') this.#noteWait(master, `request:${key}`, blockerOfRequest(master, Number(key)));
      if (kind === 'step') this.#noteWait(master, `step:${key}`, blockerOfStep(master, key));
    }
    if (touched.some(({ kind }) => kind === 'lock')) this.#noteHolds(master);
  }

  #noteWait({ core }: Master, key: string, text: string | null): void {
    const open = this.#waiting.get(key);
    if (open?.text === text || (open === undefined && text === null)) return;
    const now = core.now();
    if (open !== undefined) add(this.#waits, key, waitOf(open, now));
    if (text === null) this.#waiting.delete(key);
    else this.#waiting.set(key, { from: now, text, blocker: fromColumn<Blocker>(text) });
  }

  #noteHolds({ core }: Master): void {
    const rows = core.db.all<ClaimRow>('SELECT * FROM lock_claims WHERE granted_at IS NOT NULL');
    const held = new Map(rows.map((row) => [`${row.holder} ${row.lock}`, row]));
    for (const [key, row] of this.#held) if (!held.has(key)) add(this.#holds, row.holder, holdOf(row, core.now()));
    this.#held = held;
  }

  waitsOf(key: string): Wait[] {
    const open = this.#waiting.get(key);
    const waits = [...(this.#waits.get(key) ?? []), ...(open === undefined ? [] : [waitOf(open, null)])];
    // What nobody could have noticed is no wait.
    return joined(waits.filter(({ from, to }) => to === null || to > from));
  }

  holdsOf(holder: string): Hold[] {
    const open = [...this.#held.values()].filter((row) => row.holder === holder).map((row) => holdOf(row, null));
    return [...(this.#holds.get(holder) ?? []), ...open];
  }
}

function add<T>(lists: Map<string, T[]>, key: string, value: T): void {
  lists.set(key, [...(lists.get(key) ?? []), value]);
}

function waitOf({ from, blocker }: Open, to: number | null): Wait {
  return { from, to, kind: blocker.kind, why: describeBlocker(blocker) };
}

/** Waits one after the other for the same are one. */
function joined(waits: readonly Wait[]): Wait[] {
  const all: Wait[] = [];
  for (const wait of waits) {
    const last = all.at(-1);
    if (last?.why === wait.why && last.to === wait.from) all.splice(-1, 1, { ...last, to: wait.to });
    else all.push(wait);
  }
  return all;
}

function holdOf({ lock, mode, count, granted_at }: ClaimRow, to: number | null): Hold {
  return { lock, mode, count, from: granted_at, to };
}

function blockerOfRequest({ rooms }: Master, id: number): string | null {
  const row = rooms.requests.row(id);
  return row?.state === 'pending' && row.collapsed_into === null ? row.blocker : null;
}

function blockerOfStep({ rooms }: Master, key: string): string | null {
  const [buildId, number] = key.split('.').map(Number);
  const row = rooms.builds.rows.step(buildId ?? 0, number ?? 0);
  return row === null || row.state === 'finished' ? null : row.blocker;
}

interface BuildRow {
  readonly id: number;
  readonly builder: string;
  readonly number: number;
  readonly attempt: number;
  readonly worker: string;
  readonly scheduler: string;
  readonly reason: string;
  readonly parent_build_id: number | null;
  readonly properties: string;
  readonly request_id: number;
  readonly submitted_at: number;
  readonly started_at: number;
  readonly finished_at: number | null;
  readonly result: Result | null;
}

/** The course of a simulation until now. */
export function courseOf(master: Master, recorder: CourseRecorder, startedAt: number): Course {
  return {
    timeZone: master.config.site.timeZone,
    startedAt,
    endedAt: master.core.now(),
    starts: startsOf(master),
    builds: buildsOf(master, recorder),
    notBuilt: notBuilt(master, recorder),
  };
}

function buildsOf(master: Master, recorder: CourseRecorder): CourseBuild[] {
  const rows = master.core.db.all<BuildRow>(
    `SELECT builds.*, scheduler, reason, parent_build_id FROM builds JOIN buildsets ON buildsets.id = buildset_id
      ORDER BY builds.id`,
  );
  return rows.map((row) => ({
    ...{ id: row.id, builder: row.builder, number: row.number, attempt: row.attempt, worker: row.worker },
    ...{ scheduler: row.scheduler, reason: row.reason, parentBuildId: row.parent_build_id },
    properties: plain(fromColumn<Properties>(row.properties)),
    ...{ submittedAt: row.submitted_at, startedAt: row.started_at, finishedAt: row.finished_at, result: row.result },
    // Of a repeated attempt, what came after the one before.
    waits: recorder.waitsOf(`request:${row.request_id}`).filter(({ to }) => to !== null && to <= row.started_at),
    locks: recorder.holdsOf(`build:${row.id}`),
    steps: stepsOf(master, recorder, row.id),
  }));
}

function plain(properties: Properties): Record<string, Json> {
  return Object.fromEntries(Object.entries(properties).map(([name, { value }]) => [name, value as Json]));
}

function stepsOf(master: Master, recorder: CourseRecorder, buildId: number): CourseStep[] {
  const rows = master.core.db.all<{
    number: number;
    name: string;
    kind: string;
    started_at: number | null;
    finished_at: number | null;
    result: Result | null;
    summary: string;
  }>('SELECT * FROM steps WHERE build_id = ? ORDER BY number', buildId);
  return rows.map(({ number, name, kind, started_at, finished_at, result, summary }) => ({
    ...{ name, kind, startedAt: started_at, finishedAt: finished_at, result, summary },
    waits: recorder.waitsOf(`step:${buildId}.${number}`),
    locks: recorder.holdsOf(`step:${buildId}.${number}`),
  }));
}

function startsOf({ core }: Master): CourseStart[] {
  const rows = core.db.all<{
    id: number;
    scheduler: string;
    reason: string;
    created_at: number;
    parent_build_id: number | null;
  }>('SELECT id, scheduler, reason, created_at, parent_build_id FROM buildsets ORDER BY id');
  return rows.map(({ id, scheduler, reason, created_at, parent_build_id }) => ({
    ...{ at: created_at, scheduler, reason, parentBuildId: parent_build_id },
    builders: core.db
      .all<{ builder: string }>('SELECT builder FROM requests WHERE buildset_id = ? ORDER BY id', id)
      .map(({ builder }) => builder),
  }));
}

function notBuilt({ core }: Master, recorder: CourseRecorder): CourseRequest[] {
  const rows = core.db.all<{
    id: number;
    builder: string;
    scheduler: string;
    submitted_at: number;
    result: Result | null;
    collapsed_into: number | null;
  }>(
    `SELECT requests.*, scheduler FROM requests JOIN buildsets ON buildsets.id = buildset_id
      WHERE requests.id NOT IN (SELECT request_id FROM builds) ORDER BY requests.id`,
  );
  return rows.map(({ id, builder, scheduler, submitted_at, result, collapsed_into }) => ({
    ...{ id, builder, scheduler, submittedAt: submitted_at, result, collapsedInto: collapsed_into },
    waits: recorder.waitsOf(`request:${id}`),
  }));
}
