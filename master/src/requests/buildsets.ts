import type { Json, Properties, Result, SourceStamp } from '@icefall/shared';
import { worstResult } from '@icefall/shared';
import { toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { BuildsetRow } from './rows.ts';

/** What a scheduler asks for. */
export interface NewBuildset {
  readonly scheduler: string;
  readonly reason: string;
  readonly owner?: string | null;
  readonly builders: readonly string[];
  readonly sourceStamps: readonly SourceStamp[];
  readonly changeIds?: readonly number[];
  /** Of scheduler, change, and trigger or force, already in order of precedence. */
  readonly properties: Properties;
  readonly priority: number;
  /** The trigger step that waits for it. */
  readonly parent?: { readonly buildId: number; readonly stepNumber: number; readonly unimportant: boolean };
  /** The same key a second time gives the first one's buildset. */
  readonly idempotencyKey?: string;
}

/** A buildset has ended. */
export interface FinishedBuildset {
  readonly id: number;
  readonly scheduler: string;
  readonly result: Result;
  readonly parentBuildId: number | null;
  readonly parentStepNumber: number | null;
}

/** Creates buildsets with their requests, and ends them when all their requests have ended. */
export class Buildsets {
  readonly finished = new Hook<FinishedBuildset>();
  /** A request was made; fired for each, after its row is there. */
  readonly requested = new Hook<{ readonly requestId: number; readonly builder: string }>();
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Creates a buildset and one request for each builder. Call inside a turn. */
  add(buildset: NewBuildset): { buildsetId: number; requestIds: number[] } {
    const { db } = this.#core;
    if (buildset.idempotencyKey !== undefined) {
      const known = db.one<{ id: number }>(
        'SELECT id FROM buildsets WHERE idempotency_key = ?',
        buildset.idempotencyKey,
      );
      if (known !== null) return { buildsetId: known.id, requestIds: this.requestIds(known.id) };
    }
    const now = this.#core.now();
    const buildsetId = db.insert('buildsets', {
      scheduler: buildset.scheduler,
      reason: buildset.reason,
      owner: buildset.owner ?? null,
      source_stamps: toColumn(buildset.sourceStamps),
      change_ids: toColumn(buildset.changeIds ?? []),
      properties: toColumn(buildset.properties),
      parent_build_id: buildset.parent?.buildId ?? null,
      parent_step_number: buildset.parent?.stepNumber ?? null,
      unimportant: buildset.parent?.unimportant === true ? 1 : 0,
      created_at: now,
      idempotency_key: buildset.idempotencyKey ?? null,
    });
    const requestIds = buildset.builders.map((builder) =>
      db.insert('requests', {
        buildset_id: buildsetId,
        builder,
        priority: buildset.priority,
        state: 'pending',
        submitted_at: now,
      }),
    );
    this.#core.touch('buildset', buildsetId);
    buildset.builders.forEach((builder, i) => {
      this.#core.touch('request', requestIds[i] ?? 0);
      this.#core.touch('builder', builder);
      this.requested.fire({ requestId: requestIds[i] ?? 0, builder });
    });
    return { buildsetId, requestIds };
  }

  /** Ends the buildset if all its requests have ended: its result is the worst of theirs. */
  checkFinished(buildsetId: number): void {
    const { db } = this.#core;
    const row = this.row(buildsetId);
    if (row === null || row.finished_at !== null) return;
    const requests = db.all<{ state: string; result: Result | null }>(
      'SELECT state, result FROM requests WHERE buildset_id = ?',
      buildsetId,
    );
    if (requests.some((request) => request.state !== 'finished')) return;
    const result = requests.reduce<Result>(
      (worst, request) => worstResult(worst, request.result ?? 'EXCEPTION'),
      'SUCCESS',
    );
    db.update('buildsets', { id: buildsetId }, { finished_at: this.#core.now(), result });
    this.#core.touch('buildset', buildsetId);
    const parent = { parentBuildId: row.parent_build_id, parentStepNumber: row.parent_step_number };
    this.finished.fire({ id: buildsetId, scheduler: row.scheduler, result, ...parent });
  }

  row(id: number): BuildsetRow | null {
    return this.#core.db.one<BuildsetRow>('SELECT * FROM buildsets WHERE id = ?', id);
  }

  requestIds(buildsetId: number): number[] {
    return this.#core.db
      .all<{ id: number }>('SELECT id FROM requests WHERE buildset_id = ? ORDER BY id', buildsetId)
      .map((row) => row.id);
  }

  /** Buildsets that a trigger step made. */
  ofParent(buildId: number, stepNumber: number): BuildsetRow[] {
    return this.#core.db.all<BuildsetRow>(
      'SELECT * FROM buildsets WHERE parent_build_id = ? AND parent_step_number = ? ORDER BY id',
      buildId,
      stepNumber,
    );
  }
}

/** Properties that all come from one source. */
export function propertiesFrom(source: string, values: Readonly<Record<string, Json>>): Properties {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value: value as Properties[string]['value'], source }]),
  );
}
