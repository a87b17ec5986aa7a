import type { BuilderDeclaration } from '../config/builders.ts';
import type { LockAccess, LockDeclaration } from '../config/locks.ts';
import type { SchedulerDeclaration } from '../config/schedulers.ts';
import type { SiteDeclaration } from '../config/site.ts';
import type { WorkerDeclaration } from '../config/workers.ts';
import { Hook } from './hooks.ts';

/** A configuration that is or was in force. */
export interface ConfigState {
  readonly site: SiteDeclaration;
  readonly version: number;
  readonly loadedAt: number;
}

/** The configuration in force, with look-up by name. Replaced whole, inside a turn. */
export class SiteConfig {
  /** After the site was replaced: rooms adapt to it, in the same turn. */
  readonly applied = new Hook<void>();
  #state: ConfigState;
  #builders = new Map<string, BuilderDeclaration>();
  #workers = new Map<string, WorkerDeclaration>();
  #schedulers = new Map<string, SchedulerDeclaration>();
  #locks = new Map<string, LockDeclaration>();
  #buildersOfWorker = new Map<string, BuilderDeclaration[]>();

  constructor(site: SiteDeclaration, version: number, loadedAt = 0) {
    this.#state = { site, version, loadedAt };
    this.#index();
  }

  get state(): ConfigState {
    return this.#state;
  }
  get site(): SiteDeclaration {
    return this.#state.site;
  }
  /** Rises by one with every configuration that was applied. */
  get version(): number {
    return this.#state.version;
  }
  get loadedAt(): number {
    return this.#state.loadedAt;
  }

  replace(site: SiteDeclaration, loadedAt = this.loadedAt): void {
    this.#apply({ site, version: this.version + 1, loadedAt });
  }

  /** The same configuration with other projects: what the site's program says has not changed, nor has its number. */
  extend(site: SiteDeclaration): void {
    this.#apply({ ...this.#state, site });
  }

  #apply(state: ConfigState): void {
    this.#state = state;
    this.#index();
    this.applied.fire();
  }

  /** Goes back to what was in force before a {@link replace} whose turn was taken back. */
  restore(state: ConfigState): void {
    this.#state = state;
    this.#index();
  }

  #index(): void {
    this.#builders = byName(this.site.builders);
    this.#workers = byName(this.site.workers);
    this.#schedulers = byName(this.site.schedulers);
    this.#locks = byName(this.site.locks);
    this.#buildersOfWorker = new Map(this.site.workers.map((worker) => [worker.name, []]));
    for (const builder of this.site.builders)
      for (const worker of new Set(builder.workers)) this.#buildersOfWorker.get(worker.name)?.push(builder);
  }

  builder(name: string): BuilderDeclaration | null {
    return this.#builders.get(name) ?? null;
  }
  worker(name: string): WorkerDeclaration | null {
    return this.#workers.get(name) ?? null;
  }
  scheduler(name: string): SchedulerDeclaration | null {
    return this.#schedulers.get(name) ?? null;
  }
  /** By its name, not by a key. */
  lock(name: string): LockDeclaration | null {
    return this.#locks.get(name) ?? null;
  }
  /** Locks that a build of a builder holds on a worker: the builder's, and the worker's own. */
  locksOf(builder: BuilderDeclaration, worker: string): LockAccess[] {
    return [...builder.locks, ...(this.worker(worker)?.locks ?? [])];
  }
  /** Builders that may run on a worker, in the site's order. */
  buildersOf(worker: string): readonly BuilderDeclaration[] {
    return this.#buildersOfWorker.get(worker) ?? [];
  }
}

function byName<T extends { readonly name: string }>(things: readonly T[]): Map<string, T> {
  return new Map(things.map((thing) => [thing.name, thing]));
}
