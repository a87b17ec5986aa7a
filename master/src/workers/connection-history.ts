import type { Core } from '../engine/core.ts';

/** Connections of one worker that are kept. */
export const MOST_CONNECTIONS = 500;

/** Writes down when workers were connected. Call inside turns. */
export class ConnectionHistory {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** A master begins: what was connected to the one before is so no more, since it was last seen at the latest. */
  start(): void {
    this.#core.db.run(
      `UPDATE worker_connections SET ended_at = MAX(began_at,
         COALESCE((SELECT last_seen_at FROM workers WHERE name = worker), began_at)) WHERE ended_at IS NULL`,
    );
  }

  began(worker: string): void {
    const { db } = this.#core;
    this.ended(worker);
    db.insert('worker_connections', { worker, began_at: this.#core.now(), ended_at: null });
    db.run(
      `DELETE FROM worker_connections WHERE worker = ? AND id <=
         (SELECT id FROM worker_connections WHERE worker = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      worker,
      worker,
      MOST_CONNECTIONS,
    );
  }

  ended(worker: string): void {
    const { db } = this.#core;
    db.run(
      'UPDATE worker_connections SET ended_at = ? WHERE worker = ? AND ended_at IS NULL',
      this.#core.now(),
      worker,
    );
  }
}
