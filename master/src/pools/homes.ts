import type { DockerPool, KubernetesPool, PoolDeclaration } from '../config/pools.ts';
import { fromColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';

/** Where a pool makes its containers: enough to find them again, and to remove them. */
type PoolHome =
  | Pick<KubernetesPool, 'kind' | 'name' | 'namespace' | 'kubeconfig'>
  | Pick<DockerPool, 'kind' | 'name' | 'socket'>;

/** Of the keys in `meta`; the home follows, and the value says nothing. */
const PREFIX = 'pool_home:';

/**
 * The homes of all pools that may have containers. Nothing else would know of them once a pool is taken out of the
 * configuration, is called otherwise, or makes its containers elsewhere; least of all a master that starts.
 */
export class Homes {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Notes where these pools are; gives those that were there before and are no more, without any place for a worker. */
  settle(pools: readonly PoolDeclaration[]): PoolDeclaration[] {
    return this.#core.turn(() => {
      const { db } = this.#core;
      const present = new Set(pools.map(keyOf));
      for (const key of present) db.run("INSERT OR IGNORE INTO meta (key, value) VALUES (?, '')", key);
      return db
        .all<{ key: string }>(`SELECT key FROM meta WHERE key LIKE '${PREFIX}%' ORDER BY key`)
        .filter(({ key }) => !present.has(key))
        .map(({ key }) => leftPool(fromColumn<PoolHome>(key.slice(PREFIX.length))));
    });
  }

  /** Nothing of a pool that was given up is there any more. */
  forget(pool: PoolDeclaration): void {
    this.#core.turn(() => this.#core.db.run('DELETE FROM meta WHERE key = ?', keyOf(pool)));
  }
}

function keyOf(pool: PoolDeclaration): string {
  return PREFIX + JSON.stringify(homeOf(pool));
}

function homeOf(pool: PoolDeclaration): PoolHome {
  if (pool.kind === 'docker') {
    const { kind, name, socket } = pool;
    return { kind, name, ...(socket === undefined ? {} : { socket }) };
  }
  const { kind, name, namespace, kubeconfig } = pool;
  return {
    ...{ kind, name },
    ...(namespace === undefined ? {} : { namespace }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
  };
}

/** A pool that makes nothing: all its containers are left over. */
function leftPool(home: PoolHome): PoolDeclaration {
  const nothing = { workers: [], maximum: 0, warm: 0, idleMs: 0, perBuild: false, startWithinMs: 0, env: {} };
  const nowhere = { image: { property: null, usual: '', allowed: [] }, master: '', place: null };
  return { type: 'pool', ...nothing, ...nowhere, ...home };
}
