import type { Change } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import { answerOf, type WatchesChanges } from './filter.ts';
import type { Started, Starts } from './starts.ts';
import type { SchedulerStore } from './store.ts';

/** What a scheduler finds in its room. */
export interface Room {
  readonly core: Core;
  readonly store: SchedulerStore;
  readonly starts: Starts;
  /** The stored change. */
  change(id: number): Change | null;
  readonly siteTimeZone: () => string;
  /** When this process began to watch the clock; what was due before was missed. */
  readonly liveSince: () => number;
}

/** A declared scheduler at work. All methods are called inside a turn, and only `adopt` while it is disabled. */
export interface Running {
  /** Brings what is stored in line with the declaration: at start, and when a configuration is applied. */
  adopt(): void;
  /** When the clock is to wake it, or null. */
  nextAt(): number | null;
  /** At or after `nextAt`, or too early where the machine's clock was set back. */
  wake(): void;
  /** The machine's clock was set, by so many milliseconds: what is waited for, and is no time of day, moves along. */
  clockJumped(ms: number): void;
  /** A change that may concern it, as far as its attributes tell. */
  changeArrived(change: Change): void;
  /** Somebody switched it on again. */
  enabled(): void;
  /** Starts now what the clock would start later. Null: it is not started by the clock or by changes. */
  runNow: (() => Started[]) | null;
}

/** A scheduler that only does what it is told. */
export const PASSIVE: Running = {
  adopt: () => {},
  nextAt: () => null,
  wake: () => {},
  clockJumped: () => {},
  changeArrived: () => {},
  enabled: () => {},
  runNow: null,
};

/**
 * What a change is to a scheduler that it may concern: nothing (null), or a reason to build or not.
 *
 * Functions of the site may throw. A filter that does lets the change not pass: whether it is this scheduler's business
 * is not known, and to build what was meant to be kept out is worse. An `isImportant` that does makes it important: a
 * build too many rather than one too few. Both are logged with the scheduler's place, and shown with it.
 */
export function classify(declaration: WatchesChanges, room: Room, change: Change): 'important' | 'unimportant' | null {
  const { where } = declaration.changes;
  try {
    if (where !== undefined && !answerOf(where, change, 'changes.where')) return null;
  } catch (error) {
    room.starts.report(declaration, error);
    return null;
  }
  if (declaration.isImportant === null) return 'important';
  try {
    if (answerOf(declaration.isImportant, change, 'isImportant')) return 'important';
  } catch (error) {
    room.starts.report(declaration, error);
    return 'important';
  }
  return declaration.onlyImportant ? null : 'unimportant';
}

/** The stored changes with these ids, oldest first. */
export function changesOf(room: Room, ids: readonly number[]): Change[] {
  return ids.map((id) => room.change(id)).filter((change) => change !== null);
}
