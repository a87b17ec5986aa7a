import type { Result } from '@icefall/shared';

export interface RequestRow {
  readonly id: number;
  readonly buildset_id: number;
  readonly builder: string;
  readonly priority: number;
  readonly state: 'pending' | 'building' | 'finished';
  readonly result: Result | null;
  readonly submitted_at: number;
  readonly finished_at: number | null;
  readonly collapsed_into: number | null;
  readonly attempts: number;
  readonly not_before: number | null;
  readonly cancel_reason: string | null;
  readonly blocker: string | null;
  readonly blocked_since: number | null;
}

export interface BuildsetRow {
  readonly id: number;
  readonly scheduler: string;
  readonly reason: string;
  readonly owner: string | null;
  readonly source_stamps: string;
  readonly change_ids: string;
  readonly properties: string;
  readonly parent_build_id: number | null;
  readonly parent_step_number: number | null;
  readonly unimportant: number;
  readonly created_at: number;
  readonly finished_at: number | null;
  readonly result: Result | null;
}
