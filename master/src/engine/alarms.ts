import type { Alarm } from '@icefall/shared';
import { Hook } from './hooks.ts';

/** What is wrong now and needs a person: one alarm of each kind, from when it was first raised until it is cleared. */
export class AlarmBoard {
  /** An alarm came, went, or says something else. */
  readonly changed = new Hook<void>();
  readonly #now: () => number;
  readonly #alarms = new Map<string, Alarm>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Oldest first. */
  get all(): Alarm[] {
    return [...this.#alarms.values()];
  }

  isRaised(kind: string): boolean {
    return this.#alarms.has(kind);
  }

  raise(kind: string, message: string): void {
    const before = this.#alarms.get(kind);
    if (before?.message === message) return;
    this.#alarms.set(kind, { kind, message, since: before?.since ?? this.#now() });
    this.changed.fire();
  }

  clear(kind: string): void {
    if (this.#alarms.delete(kind)) this.changed.fire();
  }
}
