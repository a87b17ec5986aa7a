import type { Blocker, Buildset, Properties, Request, SourceStamp } from '@icefall/shared';
import { fromColumn } from '../db/rows.ts';
import type { BuildsetRow, RequestRow } from './rows.ts';

/** What a request's resource takes over from its buildset. */
export type OfBuildset = Pick<BuildsetRow, 'reason' | 'owner' | 'parent_build_id'>;

/** A request as clients and the site's functions see it. */
export function requestResource(row: RequestRow, buildset: OfBuildset, buildIds: number[]): Request {
  return {
    id: row.id,
    buildsetId: row.buildset_id,
    builder: row.builder,
    priority: row.priority,
    state: row.state,
    result: row.result,
    submittedAt: row.submitted_at,
    finishedAt: row.finished_at,
    collapsedInto: row.collapsed_into,
    buildIds,
    blocker: row.blocker === null ? null : fromColumn<Blocker>(row.blocker),
    blockedSince: row.blocked_since,
    reason: buildset.reason,
    owner: buildset.owner,
    parentBuildId: buildset.parent_build_id,
  };
}

/** A buildset as clients see it. */
export function buildsetResource(row: BuildsetRow, requestIds: number[]): Buildset {
  return {
    id: row.id,
    scheduler: row.scheduler,
    reason: row.reason,
    owner: row.owner,
    sourceStamps: fromColumn<SourceStamp[]>(row.source_stamps),
    changeIds: fromColumn<number[]>(row.change_ids),
    requestIds,
    properties: fromColumn<Properties>(row.properties),
    parentBuildId: row.parent_build_id,
    parentStepNumber: row.parent_step_number,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    result: row.result,
  };
}
