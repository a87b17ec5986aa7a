import type { Builder, BuildHead, Step } from './builds.ts';
import type { Change } from './changes.ts';
import type { Lock } from './locks.ts';
import type { Buildset, Request } from './requests.ts';
import type { Scheduler } from './schedulers.ts';
import type { Status } from './status.ts';
import type { Worker } from './workers.ts';

/** Kinds of resource that events carry, with the resource itself: what it is after the transaction. */
export interface EventData {
  change: Change;
  buildset: Buildset;
  request: Request;
  /** Without its steps: those have events of their own. */
  build: BuildHead;
  /** Key: `BUILD_ID.NUMBER`. */
  step: Step;
  builder: Builder;
  worker: Worker;
  lock: Lock;
  scheduler: Scheduler;
  /** A new configuration was applied: take a new snapshot of builders, workers, locks and schedulers. */
  config: Status;
}
export type EventKind = keyof EventData;
export const EVENT_KINDS = [
  'change',
  'buildset',
  'request',
  'build',
  'step',
  'builder',
  'worker',
  'lock',
  'scheduler',
  'config',
] as const satisfies readonly EventKind[];

/** One event of the stream; `seq` rises by one with each. `key` is the resource's id or name. */
export type MasterEvent = {
  [K in EventKind]: {
    readonly seq: number;
    readonly at: number;
    readonly kind: K;
    readonly key: string;
    readonly data: EventData[K];
  };
}[EventKind];
