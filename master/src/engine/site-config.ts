import type { BuilderDeclaration } from '../config/builders.ts';
import type { SchedulerDeclaration } from '../config/schedulers.ts';
import type { SiteDeclaration } from '../config/site.ts';
import type { WorkerDeclaration } from '../config/workers.ts';
import { Hook } from './hooks.ts';

/** The configuration in force, with look-up by name. Replaced whole, inside a turn. */
export class SiteConfig {
  /** After the site was replaced: rooms adapt to it, in the same turn. */
  readonly applied = new Hook<void>();
  #site: SiteDeclaration;
  #version: number;
  #builders = new Map<string, BuilderDeclaration>();
  #workers = new Map<string, WorkerDeclaration>();
  #schedulers = new Map<string, SchedulerDeclaration>();
  #buildersOfWorker = new Map<string, BuilderDeclaration[]>();
  loadedAt = 0;

  constructor(site: SiteDeclaration, version: number) {
    this.#site = site;
    this.#version = version;
    this.#index();
  }

  get site(): SiteDeclaration {
    return this.#site;
  }
  /** Rises by one with every configuration that was applied. */
  get version(): number {
    return this.#version;
  }

  replace(site: SiteDeclaration): void {
    this.#site = site;
    this.#version += 1;
    this.#index();
    this.applied.fire();
  }

  #index(): void {
    this.#builders = byName(this.#site.builders);
    this.#workers = byName(this.#site.workers);
    this.#schedulers = byName(this.#site.schedulers);
    this.#buildersOfWorker = new Map(
      this.#site.workers.map((worker) => [
        worker.name,
        this.#site.builders.filter((builder) => builder.workers.includes(worker)),
      ]),
    );
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
  /** Builders that may run on a worker, in the site's order. */
  buildersOf(worker: string): readonly BuilderDeclaration[] {
    return this.#buildersOfWorker.get(worker) ?? [];
  }
}

function byName<T extends { readonly name: string }>(things: readonly T[]): Map<string, T> {
  return new Map(things.map((thing) => [thing.name, thing]));
}
