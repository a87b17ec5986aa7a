import type { Build, EventData, EventKind, Lock } from '@icefall/shared';
import type { SiteDeclaration } from '../config/site.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';

/** A thing and the builders it belongs to; none where it does not exist. `what` is how messages call it. */
export interface Owned {
  readonly what: string;
  readonly builders: readonly string[];
}

interface BuilderRow {
  readonly builder: string;
}

/** Which builders a thing belongs to: what somebody may do with it hangs on them. */
export class Owners {
  readonly #core: Core;
  readonly #config: SiteConfig;

  constructor(core: Core, config: SiteConfig) {
    this.#core = core;
    this.#config = config;
  }

  builder(name: string): Owned {
    return { what: `builder "${name}"`, builders: [name] };
  }
  buildOf(builder: string, number: number): Owned {
    return { what: `build ${number} of builder "${builder}"`, builders: [builder] };
  }
  build(id: number): Owned {
    return { what: `build ${id}`, builders: this.#names('SELECT builder FROM builds WHERE id = ?', id) };
  }
  log(id: number): Owned {
    const sql = 'SELECT b.builder FROM logs l JOIN builds b ON b.id = l.build_id WHERE l.id = ?';
    return { what: `log ${id}`, builders: this.#names(sql, id) };
  }
  request(id: number): Owned {
    return { what: `request ${id}`, builders: this.#names('SELECT builder FROM requests WHERE id = ?', id) };
  }
  buildset(id: number): Owned {
    const sql = 'SELECT DISTINCT builder FROM requests WHERE buildset_id = ?';
    return { what: `buildset ${id}`, builders: this.#names(sql, id) };
  }
  /** Of a change: the builders that were asked to build it. */
  change(id: number): Owned {
    return {
      what: `change ${id}`,
      builders: this.#names('SELECT builder FROM change_builders WHERE change_id = ?', id),
    };
  }
  worker(name: string): Owned {
    return { what: `worker "${name}"`, builders: this.#config.buildersOf(name).map((builder) => builder.name) };
  }
  /** All that the site's scheduler starts, or those of them that are `chosen`. */
  scheduler(name: string, chosen?: readonly string[]): Owned {
    const all = this.#config.scheduler(name)?.builders.map((builder) => builder.name) ?? [];
    return { what: `scheduler "${name}"`, builders: all.filter((builder) => chosen?.includes(builder) ?? true) };
  }

  /** Of what an event or an answer carries; null: nobody's, whoever may view anything sees it. */
  of<K extends EventKind>(kind: K, data: EventData[K]): readonly string[] | null {
    return this.#ofKind[kind](data);
  }

  readonly #ofKind: { readonly [K in EventKind]: (data: EventData[K]) => readonly string[] | null } = {
    change: ({ id }) => this.change(id).builders,
    buildset: ({ id }) => this.buildset(id).builders,
    request: ({ builder }) => [builder],
    build: ({ builder }: Pick<Build, 'builder'>) => [builder],
    step: ({ buildId }) => this.build(buildId).builders,
    builder: ({ name }) => [name],
    worker: ({ builders }) => builders,
    scheduler: ({ builders }) => builders,
    lock: (lock) => this.#ofLock(lock),
    config: () => null,
  };

  /** Whoever declares its use, and who holds it or waits for it though a function has chosen it. */
  #ofLock({ name, worker, holders, waiters }: Lock): readonly string[] {
    const declared = worker === null ? name : name.slice(0, -(worker.length + 1));
    const users = usersOfLocks(this.#config.site).get(declared) ?? [];
    return [...users, ...[...holders, ...waiters].map(({ builder }) => builder)];
  }

  #names(sql: string, id: number): string[] {
    return this.#core.db.all<BuilderRow>(sql, id).map(({ builder }) => builder);
  }
}

const lockUsers = new WeakMap<SiteDeclaration, ReadonlyMap<string, readonly string[]>>();

/** Names of builders by the lock that they, their steps or their workers use. */
function usersOfLocks(site: SiteDeclaration): ReadonlyMap<string, readonly string[]> {
  const known = lockUsers.get(site);
  if (known !== undefined) return known;
  const users = new Map<string, string[]>();
  for (const { name, locks, factory, workers } of site.builders) {
    const ofSteps = factory.steps.flatMap((step) => (Array.isArray(step.locks) ? step.locks : []));
    const uses = [...locks, ...ofSteps, ...workers.flatMap((worker) => worker.locks)];
    for (const lock of new Set(uses.map((use) => use.lock.name))) users.set(lock, [...(users.get(lock) ?? []), name]);
  }
  lockUsers.set(site, users);
  return users;
}
