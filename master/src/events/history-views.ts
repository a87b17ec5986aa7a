import type { LockUse, WorkerConnection } from '@icefall/shared';
import type { Statements } from '../db/rows.ts';
import type { LockClaimRow } from '../locks/lock-keeper.ts';
import { holderOf, type NamedClaimRow, namedClaims } from './lock-views.ts';

interface UseRow extends LockClaimRow, NamedClaimRow {
  readonly granted_at: number;
  readonly released_at: number;
}

/** What has been: uses of locks, connections of workers. */
export class HistoryViews {
  readonly #db: Statements;

  constructor(db: Statements) {
    this.#db = db;
  }

  /** Uses of locks that ended after a time, oldest first. */
  lockUses(since: number): LockUse[] {
    return this.#db
      .all<UseRow>(`${namedClaims('lock_uses')} WHERE named.released_at > ? ORDER BY named.id`, since)
      .map((row) => ({ lock: row.lock, ...holderOf(row), until: row.released_at }));
  }

  /** Connections of workers that lasted beyond a time, oldest first. */
  connections(since: number): WorkerConnection[] {
    return this.#db.all<WorkerConnection>(
      `SELECT worker, began_at AS since, ended_at AS until FROM worker_connections
         WHERE ended_at IS NULL OR ended_at > ? ORDER BY id`,
      since,
    );
  }
}
