import type { Json, SourceStamp } from '@icefall/shared';
import type { TriggerableScheduler } from '../config/schedulers.ts';
import { fromColumn } from '../db/rows.ts';
import { propertiesFrom } from '../requests/buildsets.ts';
import type { BuildsetRow } from '../requests/rows.ts';
import { completeStamps } from './stamps.ts';
import type { Start } from './starts.ts';

/** What a trigger step asks for. */
export interface TriggerRequest {
  readonly properties: Readonly<Record<string, Json>>;
  readonly sourceStamps: readonly SourceStamp[];
  readonly parent: { readonly buildId: number; readonly stepNumber: number; readonly unimportant: boolean };
  /** Default: the scheduler's. */
  readonly reason?: string;
}

/**
 * What a trigger starts: its source stamps, completed by the scheduler's code bases, and its properties; nothing else of
 * the parent's properties. The changes and the owner that are listed are those of the parent's buildset.
 */
export function startOfTrigger(
  declaration: TriggerableScheduler,
  request: TriggerRequest,
  parent: Pick<BuildsetRow, 'change_ids' | 'owner'> | null,
): Start {
  return {
    reason: request.reason ?? declaration.reason,
    owner: parent?.owner ?? null,
    changeIds: parent === null ? [] : fromColumn<number[]>(parent.change_ids),
    sourceStamps: completeStamps(request.sourceStamps, declaration.codebases),
    properties: propertiesFrom('Trigger', request.properties),
    parent: request.parent,
  };
}
