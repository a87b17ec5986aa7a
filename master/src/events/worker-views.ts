import type { Worker } from '@icefall/shared';
import type { WorkerDeclaration } from '../config/workers.ts';
import { fromColumn, type Statements } from '../db/rows.ts';
import { addTo } from './step-views.ts';
import type { ViewedMaster } from './viewed-master.ts';

interface WorkerRow {
  readonly name: string;
  readonly paused: number;
  readonly last_seen_at: number | null;
  readonly info: string | null;
}

const COLUMNS = 'name, paused, last_seen_at, info';

/** The site's workers: what is declared, what is remembered, and what is known while one is connected. */
export class WorkerViews {
  readonly #db: Statements;
  readonly #master: ViewedMaster;

  constructor(master: ViewedMaster) {
    this.#db = master.core.db;
    this.#master = master;
  }

  /** In the site's order. */
  all(): Worker[] {
    const rows = this.#db.all<WorkerRow>(`SELECT ${COLUMNS} FROM workers`);
    const byName = new Map(rows.map((row) => [row.name, row]));
    const held = new Map<string, number[]>();
    const builds = this.#db.all<{ id: number; worker: string }>(
      "SELECT id, worker FROM builds WHERE state <> 'finished' AND holds_slot = 1 ORDER BY id",
    );
    for (const build of builds) addTo(held, build.worker, build.id);
    return this.#master.config.site.workers.map((declaration) =>
      this.#view(declaration, byName.get(declaration.name) ?? null, held.get(declaration.name) ?? []),
    );
  }

  /** Null: the site has no such worker. */
  worker(name: string): Worker | null {
    const declaration = this.#master.config.worker(name);
    if (declaration === null) return null;
    const row = this.#db.one<WorkerRow>(`SELECT ${COLUMNS} FROM workers WHERE name = ?`, name);
    const builds = this.#db.all<{ id: number }>(
      "SELECT id FROM builds WHERE state <> 'finished' AND worker = ? AND holds_slot = 1 ORDER BY id",
      name,
    );
    return this.#view(
      declaration,
      row,
      builds.map((build) => build.id),
    );
  }

  /** How many of the site's workers are connected. */
  connected(): number {
    return this.#master.config.site.workers.filter(({ name }) => this.#master.worker(name).connected).length;
  }

  #view(declaration: WorkerDeclaration, row: WorkerRow | null, buildIds: number[]): Worker {
    const { name, maxBuilds } = declaration;
    const { connected, connectedSince, leaving, lastRefusal } = this.#master.worker(name);
    return {
      name,
      connected,
      connectedSince,
      lastSeenAt: row?.last_seen_at ?? null,
      paused: row?.paused === 1,
      leaving,
      maxBuilds,
      buildIds,
      builders: this.#master.config.buildersOf(name).map((builder) => builder.name),
      info: row === null || row.info === null ? null : fromColumn<NonNullable<Worker['info']>>(row.info),
      lastRefusal,
    };
  }
}
