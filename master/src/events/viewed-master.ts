import type { Changes } from '../changes/changes.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { LogStore } from '../logs/log-store.ts';
import type { Schedulers } from '../schedulers/schedulers.ts';
import type { WorkerPresence } from '../workers/presence.ts';

/** What is to be seen of a master. */
export interface ViewedMaster {
  readonly core: Core;
  readonly config: SiteConfig;
  readonly schedulers: Schedulers;
  readonly changes: Changes;
  readonly logs: LogStore;
  readonly version: string;
  readonly startedAt: number;
  /** Of the last reload; the older configuration runs on. */
  readonly configErrors: readonly string[];
  /** Since when no new builds are started; null: they are. */
  readonly drainingSince: number | null;
  worker(name: string): WorkerPresence;
}
