import { formatBytes } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import { storageFault } from './faults.ts';
import { type FreeSpaceOf, leastFreeBytes } from './free-space.ts';

/** Between two looks at the free space: at 100 MB/s, 3 GB. */
export const LOOK_EVERY_MS = 30_000;
/** While the storage refuses, a small write is tried so often, so that the alarm ends though nobody asks for anything. */
export const PROBE_EVERY_MS = 5000;

export interface HealthOptions {
  readonly freeSpace: FreeSpaceOf;
  /** An alarm is raised below this; null: see {@link leastFreeBytes}. */
  readonly leastFreeBytes: number | null;
}

/**
 * Watches over the storage: raises an alarm before the disk is full, and finds out when a storage that refused takes
 * writes again. That it refuses is found by the turns themselves (`Core`).
 */
export class StorageHealth {
  readonly #core: Core;
  readonly #options: HealthOptions | null;
  #look: Timer | null = null;
  #probe: Timer | null = null;
  #isStopped = false;

  /** Without options the free space is not watched. */
  constructor(core: Core, options: HealthOptions | null) {
    this.#core = core;
    this.#options = options;
    core.alarms.changed.on(() => this.#changed());
  }

  start(): void {
    if (this.#options !== null) this.#lookAtSpace(this.#options);
  }

  stop(): void {
    this.#isStopped = true;
    this.#look?.cancel();
    this.#probe?.cancel();
  }

  #lookAtSpace(options: HealthOptions): void {
    const { alarms, clock, log } = this.#core;
    this.#look = clock.after(LOOK_EVERY_MS, () => this.#lookAtSpace(options));
    try {
      const { free, total } = options.freeSpace();
      const least = leastFreeBytes(total, options.leastFreeBytes);
      if (free >= least) alarms.clear('diskSpaceLow');
      else alarms.raise('diskSpaceLow', lowSpace(free, least));
    } catch (error) {
      log.warn({ err: error }, 'the free space of the disk cannot be told');
    }
  }

  #changed(): void {
    if (this.#isStopped) return;
    const { alarms, clock, log } = this.#core;
    for (const alarm of alarms.all) log.warn({ alarm: alarm.kind }, alarm.message);
    if (this.#probe === null) this.#probe = clock.after(0, () => this.#tryToWrite());
  }

  /** Clients are told of the alarms, as far as that can be stored: this is the probe, too. */
  #tryToWrite(): void {
    const { alarms, clock } = this.#core;
    this.#probe = null;
    try {
      this.#core.turn(() => this.#core.touch('config', ''));
    } catch (error) {
      if (storageFault(error) === null) throw error;
    }
    if (alarms.isRaised('storageUnavailable') && !this.#isStopped)
      this.#probe ??= clock.after(PROBE_EVERY_MS, () => this.#tryToWrite());
  }
}

function lowSpace(free: number, least: number): string {
  // Rounded: an alarm that says something new every half minute is not read.
  return `the master's disk is nearly full: less than ${formatBytes(least)} is free (${Math.round((free / least) * 10) * 10} % of that); free space before it refuses work`;
}
