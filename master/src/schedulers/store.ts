import type { SchedulerKind } from '../config/schedulers.ts';
import { fromColumn, toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';

/** What the `state` column holds. */
interface StoredState {
  /** Of the declaration that wrote `data`. A name may come to stand for another kind. */
  readonly kind?: SchedulerKind;
  readonly data?: unknown;
  readonly error?: string | null;
}

interface Row {
  readonly name: string;
  readonly enabled: number;
  readonly last_at: number | null;
  readonly state: string;
}

/** A change that a scheduler has seen and not yet built. */
export interface Pending {
  readonly changeId: number;
  readonly important: boolean;
}

/**
 * Changes that wait for a scheduler's next buildset: at most so many important and as many unimportant ones. Nobody reads
 * a longer list; the oldest are dropped, which changes no decision, since newer ones of the same importance are there.
 */
const MOST_PENDING = 10_000;

/** What the schedulers remember: the tables schedulers and scheduler_changes. Read from the database each time. */
export class SchedulerStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Names with a row, of schedulers that are declared or once were. */
  names(): string[] {
    return this.#core.db.all<{ name: string }>('SELECT name FROM schedulers').map((row) => row.name);
  }

  ensure(name: string): void {
    this.#core.db.run('INSERT INTO schedulers (name) VALUES (?) ON CONFLICT DO NOTHING', name);
  }

  /** A scheduler is no longer declared: what it waited with is dropped; whether it is enabled is remembered. */
  forget(name: string): void {
    this.#core.db.run("UPDATE schedulers SET state = '{}' WHERE name = ? AND state <> '{}'", name);
    this.#core.db.run('DELETE FROM scheduler_changes WHERE scheduler = ?', name);
  }

  /** What people are shown of it (`lastAt`: its last buildset), with one question: a snapshot asks for hundreds. */
  shown(name: string): { isEnabled: boolean; lastAt: number | null; error: string | null } {
    const row = this.#row(name);
    const state = row === null ? {} : fromColumn<StoredState>(row.state);
    return { isEnabled: row?.enabled !== 0, lastAt: row?.last_at ?? null, error: state.error ?? null };
  }

  isEnabled(name: string): boolean {
    return this.#row(name)?.enabled !== 0;
  }
  setEnabled(name: string, enabled: boolean): void {
    this.ensure(name);
    this.#core.db.update('schedulers', { name }, { enabled: enabled ? 1 : 0 });
    this.#core.touch('scheduler', name);
  }

  /** It made a buildset: the last error is over. */
  started(name: string): void {
    this.#core.db.update('schedulers', { name }, { last_at: this.#core.now() });
    this.#core.touch('scheduler', name);
    if (this.error(name) !== null) this.setError(name, null);
  }

  error(name: string): string | null {
    return this.#state(name).error ?? null;
  }
  setError(name: string, error: string | null): void {
    this.#save(name, { ...this.#state(name), error });
  }

  /** What the kind wrote, or null if another kind did or none. We wrote it, so it is what the kind says. */
  data<T>(name: string, kind: SchedulerKind): T | null {
    const state = this.#state(name);
    return state.kind === kind ? (state.data as T) : null;
  }
  setData(name: string, kind: SchedulerKind, data: object): void {
    this.#save(name, { ...this.#state(name), kind, data });
  }

  /** Notes a change for the scheduler's next buildset. */
  note(scheduler: string, pending: Pending): void {
    const important = pending.important ? 1 : 0;
    this.#core.db.run(
      'INSERT INTO scheduler_changes (scheduler, change_id, important) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      scheduler,
      pending.changeId,
      important,
    );
    const surplus = this.#core.db.one<{ change_id: number }>(
      `SELECT change_id FROM scheduler_changes WHERE scheduler = ? AND important = ?
        ORDER BY change_id DESC LIMIT 1 OFFSET ?`,
      scheduler,
      important,
      MOST_PENDING,
    );
    if (surplus !== null) this.built(scheduler, [surplus.change_id]);
  }

  /** Oldest first. */
  pending(scheduler: string): Pending[] {
    return this.#core.db
      .all<{ change_id: number; important: number }>(
        'SELECT change_id, important FROM scheduler_changes WHERE scheduler = ? ORDER BY change_id',
        scheduler,
      )
      .map((row) => ({ changeId: row.change_id, important: row.important === 1 }));
  }

  /** The changes are in a buildset now. */
  built(scheduler: string, changeIds: readonly number[]): void {
    for (const id of changeIds)
      this.#core.db.run('DELETE FROM scheduler_changes WHERE scheduler = ? AND change_id = ?', scheduler, id);
  }

  #row(name: string): Row | null {
    return this.#core.db.one<Row>('SELECT name, enabled, last_at, state FROM schedulers WHERE name = ?', name);
  }
  #state(name: string): StoredState {
    const row = this.#row(name);
    return row === null ? {} : fromColumn<StoredState>(row.state);
  }
  #save(name: string, state: StoredState): void {
    const text = toColumn(state);
    this.ensure(name);
    if (text === this.#row(name)?.state) return;
    this.#core.db.update('schedulers', { name }, { state: text });
    this.#core.touch('scheduler', name);
  }
}
