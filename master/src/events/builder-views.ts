import type { Builder, Result } from '@icefall/shared';
import type { BuilderDeclaration } from '../config/builders.ts';
import type { SiteDeclaration } from '../config/site.ts';
import type { Statements } from '../db/rows.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { addTo } from './step-views.ts';

/** Names of force schedulers by what they offer. */
interface Forced {
  /** The configuration they were gathered from. */
  readonly site: SiteDeclaration | null;
  readonly names: ReadonlyMap<BuilderDeclaration, readonly string[]>;
}

/** The site's builders with how busy they are. */
export class BuilderViews {
  readonly #db: Statements;
  readonly #config: SiteConfig;
  #forced: Forced = { site: null, names: new Map() };

  constructor(db: Statements, config: SiteConfig) {
    this.#db = db;
    this.#config = config;
  }

  /** In the site's order. */
  all(): Builder[] {
    // A request that went into another one waits for nothing of its own.
    const pending = this.#counts(
      "SELECT builder, COUNT(*) AS n FROM requests WHERE state = 'pending' AND collapsed_into IS NULL GROUP BY builder",
    );
    const running = this.#counts(
      "SELECT builder, COUNT(*) AS n FROM builds WHERE state <> 'finished' GROUP BY builder",
    );
    const { builders } = this.#config.site;
    const last = this.#lastResults(builders.map(({ name }) => name));
    return builders.map((builder) => {
      const { name } = builder;
      return this.#view(builder, pending.get(name) ?? 0, running.get(name) ?? 0, last.get(name) ?? null);
    });
  }

  /** Null: the site has no such builder. */
  builder(name: string): Builder | null {
    const declaration = this.#config.builder(name);
    if (declaration === null) return null;
    const pending = this.#db.one<{ n: number }>(
      "SELECT COUNT(*) AS n FROM requests WHERE state = 'pending' AND builder = ? AND collapsed_into IS NULL",
      name,
    );
    const running = this.#db.one<{ n: number }>(
      "SELECT COUNT(*) AS n FROM builds WHERE state <> 'finished' AND builder = ?",
      name,
    );
    const last = this.#lastResults([name]).get(name) ?? null;
    return this.#view(declaration, pending?.n ?? 0, running?.n ?? 0, last);
  }

  pendingRequests(): number {
    return (
      this.#db.one<{ n: number }>(
        "SELECT COUNT(*) AS n FROM requests WHERE state = 'pending' AND collapsed_into IS NULL",
      )?.n ?? 0
    );
  }

  runningBuilds(): number {
    return this.#db.one<{ n: number }>("SELECT COUNT(*) AS n FROM builds WHERE state <> 'finished'")?.n ?? 0;
  }

  #counts(sql: string): Map<string, number> {
    return new Map(this.#db.all<{ builder: string; n: number }>(sql).map((row) => [row.builder, row.n]));
  }

  /** By builder. One question for all: each by itself would cost the snapshot of a large site most of its time. */
  #lastResults(names: readonly string[]): Map<string, Result | null> {
    const rows = this.#db.all<{ builder: string; result: Result | null }>(
      `SELECT wanted.value AS builder, (
           SELECT result FROM builds WHERE builder = wanted.value AND state = 'finished' ORDER BY id DESC LIMIT 1
         ) AS result FROM json_each(?) wanted`,
      JSON.stringify(names),
    );
    return new Map(rows.map((row) => [row.builder, row.result]));
  }

  /** Names of the force schedulers that offer a builder, in the site's order; gathered once for each configuration. */
  #forceSchedulers(builder: BuilderDeclaration): readonly string[] {
    const { site } = this.#config;
    if (this.#forced.site !== site) {
      const names = new Map<BuilderDeclaration, string[]>();
      for (const scheduler of site.schedulers)
        if (scheduler.kind === 'force') for (const offered of scheduler.builders) addTo(names, offered, scheduler.name);
      this.#forced = { site, names };
    }
    return this.#forced.names.get(builder) ?? [];
  }

  #view(
    declaration: BuilderDeclaration,
    pendingRequests: number,
    runningBuilds: number,
    lastResult: Result | null,
  ): Builder {
    const { name, group, description, tags, workers } = declaration;
    return {
      name,
      group,
      description,
      tags: [...tags],
      workers: workers.map((worker) => worker.name),
      pendingRequests,
      runningBuilds,
      lastResult,
      forceSchedulers: [...this.#forceSchedulers(declaration)],
    };
  }
}
