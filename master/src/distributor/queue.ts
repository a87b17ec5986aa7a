import type { Blocker } from '@icefall/shared';
import { toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import type { Requests } from '../requests/requests.ts';
import type { RequestRow } from '../requests/rows.ts';
import type { Alarms } from './alarms.ts';
import type { Draining } from './draining.ts';

/** Requests of a builder that are looked at, and say precisely why they wait; those after them wait behind these. */
const LOOK_AHEAD = 100;

/** The waiting requests of each builder: which of them may be tried now, and what the others are told. */
export class Queue {
  readonly #core: Core;
  readonly #requests: Requests;
  readonly #alarms: Alarms;
  readonly #draining: Draining;
  /** What all pending requests of a builder were told, as long as they are the same requests. */
  readonly #told = new Map<string, string>();

  constructor(core: Core, requests: Requests, alarms: Alarms, draining: Draining) {
    this.#core = core;
    this.#requests = requests;
    this.#alarms = alarms;
    this.#draining = draining;
    core.rolledBack.on(() => this.#told.clear());
  }

  /** The requests of a builder are others than before. */
  changed(builder: string): void {
    this.#told.delete(builder);
  }

  /** The request that would be tried first, whether or not its back-off still runs. */
  first(builder: string): RequestRow | null {
    return this.#open(builder, 1)[0] ?? null;
  }

  isBackingOff(row: RequestRow): boolean {
    return (row.not_before ?? 0) > this.#core.now();
  }

  /** Whether a request may be started as far as the master is concerned. */
  isOpen(row: RequestRow): boolean {
    return this.#draining.since === null || this.#open(row.builder).some(({ id }) => id === row.id);
  }

  /**
   * The first requests of a builder that may be tried now, by priority and age; those whose back-off runs say so, and an
   * alarm is set. With `told`, requests that have this blocker already may be left out.
   */
  due(builder: string, told: string | null = null): RequestRow[] {
    const open = this.#open(builder, LOOK_AHEAD, told);
    if (this.#draining.since !== null) this.#hold(builder, open, this.#draining.since);
    for (const row of open) if (this.isBackingOff(row)) this.#backOff(row);
    return open.filter((row) => !this.isBackingOff(row));
  }

  /** All waiting requests, unless the master drains: then those of builds that run, or these would never end. */
  #open(builder: string, limit = LOOK_AHEAD, told: string | null = null): RequestRow[] {
    return this.#draining.since === null
      ? this.#requests.pending(builder, limit, told)
      : this.#requests.pendingOfActiveBuilds(builder, limit);
  }

  #backOff(row: RequestRow): void {
    const until = row.not_before ?? this.#core.now();
    this.#requests.block(row, { kind: 'backOff', until, attempt: row.attempts + 1 });
    this.#alarms.set(row.builder, until);
  }

  #hold(builder: string, open: readonly RequestRow[], since: number): void {
    const started = new Set(open.map(({ id }) => id));
    for (const row of this.#requests.pending(builder, LOOK_AHEAD))
      if (!started.has(row.id)) this.#requests.block(row, { kind: 'draining', since });
  }

  /** Tells one request why it waits. */
  tell(row: RequestRow, blocker: Blocker): void {
    this.#requests.block(row, blocker);
  }

  /** Tells all pending requests of a builder the same, except those that wait for their back-off. */
  tellAll(builder: string, blocker: Blocker): void {
    const text = toColumn(blocker);
    if (this.#told.get(builder) === text) return;
    for (const row of this.due(builder, text)) this.#requests.block(row, blocker);
    this.tellRest(builder);
    this.#told.set(builder, text);
  }

  /** Tells each pending request of a builder what holds it up, except those that wait for their back-off. */
  tellEach(builder: string, blockerOf: (row: RequestRow) => Blocker): void {
    for (const row of this.due(builder)) this.#requests.block(row, blockerOf(row));
    this.tellRest(builder);
    this.#told.delete(builder);
  }

  /** Tells requests that were told nothing yet that others come first. */
  tellRest(builder: string): void {
    this.#requests.blockUnexplained(builder, { kind: 'behind', builder });
  }
}
