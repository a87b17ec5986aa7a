import type { Properties } from '@icefall/shared';
import type { PoolDeclaration } from '../config/pools.ts';
import { fromColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { RequestRow } from '../requests/rows.ts';
import { valuesOf, type Wanted, wantedImage } from './images.ts';

/** Requests of a builder whose images are looked up at a time; those behind them come when these have started. */
const LOOK_AHEAD = 1000;

type Waiting = Pick<RequestRow, 'id' | 'builder' | 'buildset_id' | 'priority' | 'submitted_at'>;

/** What requests and builds need of pools, as their rows say. */
export class Demand {
  readonly #core: Core;
  readonly #config: SiteConfig;

  constructor(core: Core, config: SiteConfig) {
    this.#core = core;
    this.#config = config;
  }

  /** The image that a request's build needs of a pool. */
  ofRequest({ image }: PoolDeclaration, { builder, buildset_id }: Pick<Waiting, 'builder' | 'buildset_id'>): Wanted {
    if (image.property === null) return wantedImage(image);
    const { site } = this.#config;
    const own = this.#properties('SELECT properties FROM buildsets WHERE id = ?', buildset_id);
    return wantedImage(image, site.properties, this.#config.builder(builder)?.properties ?? {}, own ?? {});
  }

  /** The image that the build on a worker needs; null: it has none. */
  ofBuild({ image }: PoolDeclaration, worker: string): string | null {
    const sql = "SELECT properties FROM builds WHERE state <> 'finished' AND worker = ? ORDER BY id LIMIT 1";
    const properties = this.#properties(sql, worker);
    if (properties === null) return null;
    const wanted = wantedImage(image, properties);
    return 'image' in wanted ? wanted.image : image.usual;
  }

  /** For each request that could start if there were one more worker of the pool the image of that; in their order. */
  ofWaiting(pool: PoolDeclaration): string[] {
    const workers = new Set(pool.workers);
    const builders = this.#config.site.builders.filter((builder) => builder.workers.some((one) => workers.has(one)));
    const limit = pool.image.property === null ? pool.maximum : LOOK_AHEAD;
    return builders
      .flatMap(({ name }) => this.#waiting(name, limit))
      .sort((a, b) => b.priority - a.priority || a.submitted_at - b.submitted_at || a.id - b.id)
      .flatMap((row) => {
        const wanted = this.ofRequest(pool, row);
        return 'image' in wanted ? [wanted.image] : [];
      });
  }

  #waiting(builder: string, limit: number): Waiting[] {
    return this.#core.db.all<Waiting>(
      `SELECT id, builder, buildset_id, priority, submitted_at FROM requests
       WHERE state = 'pending' AND builder = ? AND collapsed_into IS NULL
         AND (blocker IS NULL OR json_extract(blocker, '$.kind') IN ('workersOffline', 'workersBusy', 'pool', 'behind'))
       ORDER BY priority DESC, submitted_at, id LIMIT ?`,
      builder,
      limit,
    );
  }

  #properties(sql: string, key: string | number) {
    const row = this.#core.db.one<{ properties: string }>(sql, key);
    return row === null ? null : valuesOf(fromColumn<Properties>(row.properties));
  }
}
