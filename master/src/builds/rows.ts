import type { Properties, Result, SourceStamp } from '@icefall/shared';
import { fromColumn, toColumn, type Value } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';

export type BuildState = 'preparing' | 'running' | 'waiting' | 'finishing' | 'finished';
export type StepState = 'pending' | 'waitingForLocks' | 'running' | 'finished';

export interface BuildRow {
  readonly id: number;
  readonly builder: string;
  readonly number: number;
  readonly request_id: number;
  readonly buildset_id: number;
  readonly attempt: number;
  readonly epoch: number;
  readonly worker: string;
  readonly directory: string;
  readonly holds_slot: number;
  readonly state: BuildState;
  readonly result: Result | null;
  readonly result_so_far: Result;
  /** 0: it goes on; 1: only clean-up is run; 2: not even that, since a lock was taken from it or its worker is gone. */
  readonly halted: number;
  readonly once: number;
  readonly started_at: number;
  readonly properties: string;
  readonly stop_reason: string | null;
  readonly shape: string;
  /** In force when it began. */
  readonly config_version: number;
  readonly grace_until: number | null;
}

/** `halted` of a build of which not even clean-up is run. */
export const HALTED_WITH_CLEAN_UP = 2;

/** Kind of the alarm that a builder's builds have left things behind on a worker. */
export function cleanUpAlarm({ builder, worker }: Pick<BuildRow, 'builder' | 'worker'>): string {
  return `notCleanedUp ${builder}@${worker}`;
}

export interface StepRow {
  readonly build_id: number;
  readonly number: number;
  readonly name: string;
  readonly kind: string;
  readonly state: StepState;
  readonly result: Result | null;
  readonly started_at: number | null;
  readonly locks_acquired_at: number | null;
  readonly summary: string;
  readonly blocker: string | null;
  readonly added_by: number | null;
  readonly seen_properties: string | null;
}

/** The rows of builds and their steps, which are the truth about them. Writes are only done inside turns. */
export class BuildRows {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  build(id: number): BuildRow | null {
    return this.#core.db.one<BuildRow>('SELECT * FROM builds WHERE id = ?', id);
  }

  /** Builds that have not ended, oldest first. */
  active(): BuildRow[] {
    return this.#core.db.all<BuildRow>("SELECT * FROM builds WHERE state <> 'finished' ORDER BY id");
  }

  steps(buildId: number): StepRow[] {
    return this.#core.db.all<StepRow>('SELECT * FROM steps WHERE build_id = ? ORDER BY number', buildId);
  }

  step(buildId: number, number: number): StepRow | null {
    return this.#core.db.one<StepRow>('SELECT * FROM steps WHERE build_id = ? AND number = ?', buildId, number);
  }

  /** The first step that has not ended: the one that runs, waits, or comes next. */
  currentStep(buildId: number): StepRow | null {
    return this.#core.db.one<StepRow>(
      "SELECT * FROM steps WHERE build_id = ? AND state <> 'finished' ORDER BY number LIMIT 1",
      buildId,
    );
  }

  sourceStamps(buildsetId: number): SourceStamp[] {
    const row = this.#core.db.one<{ source_stamps: string }>(
      'SELECT source_stamps FROM buildsets WHERE id = ?',
      buildsetId,
    );
    return row === null ? [] : fromColumn<SourceStamp[]>(row.source_stamps);
  }

  updateBuild(id: number, columns: Readonly<Record<string, Value>>): void {
    this.#core.db.update('builds', { id }, columns);
    this.#core.touch('build', id);
  }

  updateStep(buildId: number, number: number, columns: Readonly<Record<string, Value>>): void {
    this.#core.db.update('steps', { build_id: buildId, number }, columns);
    this.#core.touch('step', `${buildId}.${number}`);
  }

  insertStep(buildId: number, step: Pick<StepRow, 'number' | 'name' | 'kind' | 'added_by'>): void {
    this.#core.db.insert('steps', { build_id: buildId, ...step, state: 'pending' });
    this.#core.touch('step', `${buildId}.${step.number}`);
  }

  /** Moves the steps after `number`, none of which has begun, up by `count`. */
  makeRoom(buildId: number, number: number, count: number): void {
    const { db } = this.#core;
    // Two moves, since numbers must stay unique at every moment.
    db.run('UPDATE steps SET number = -(number + ?) WHERE build_id = ? AND number > ?', count, buildId, number);
    db.run('UPDATE steps SET number = -number WHERE build_id = ? AND number < 0', buildId);
    for (const step of this.steps(buildId))
      if (step.number > number) this.#core.touch('step', `${buildId}.${step.number}`);
  }

  setProperties(build: BuildRow, added: Properties): void {
    if (Object.keys(added).length === 0) return;
    const properties = { ...fromColumn<Properties>(build.properties), ...added };
    this.updateBuild(build.id, { properties: toColumn(properties) });
  }
}
