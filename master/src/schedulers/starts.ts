import type { Change, Properties, SourceStamp } from '@icefall/shared';
import type { SchedulerDeclaration } from '../config/schedulers.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { RenderError } from '../properties/references.ts';
import { type Buildsets, type NewBuildset, propertiesFrom } from '../requests/buildsets.ts';
import { SchedulerError } from './errors.ts';
import { buildsetProperties, propertiesOfChanges } from './properties.ts';
import { stampsOfChanges } from './stamps.ts';
import type { SchedulerStore } from './store.ts';

/** A buildset that a scheduler made. */
export interface Started {
  readonly buildsetId: number;
  readonly requestIds: readonly number[];
}

/** What a start adds to, or has in place of, what its scheduler declares. */
export interface Start {
  readonly changes?: readonly Change[];
  /** Ids to list where the changes themselves don't matter; default those of `changes`. */
  readonly changeIds?: readonly number[];
  /** Default: of the changes, completed by the declared code bases. */
  readonly sourceStamps?: readonly SourceStamp[];
  /** Of the trigger or the form: they win over the changes' and the scheduler's. */
  readonly properties?: Properties;
  readonly builders?: readonly string[];
  readonly reason?: string;
  readonly owner?: string | null;
  readonly priority?: number;
  readonly parent?: NonNullable<NewBuildset['parent']>;
}

/** Makes the schedulers' buildsets. */
export class Starts {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #buildsets: Buildsets;
  readonly #store: SchedulerStore;

  constructor(core: Core, config: SiteConfig, buildsets: Buildsets, store: SchedulerStore) {
    this.#core = core;
    this.#config = config;
    this.#buildsets = buildsets;
    this.#store = store;
  }

  /** Makes a buildset. Throws {@link SchedulerError} `bad_properties`; for somebody who waits for the answer. */
  start(declaration: SchedulerDeclaration, start: Start): Started {
    const started = this.#buildsets.add(this.planned(declaration, start));
    this.#store.started(declaration.name);
    return started;
  }

  /** The buildset that {@link start} makes. Throws as it does. */
  planned(declaration: SchedulerDeclaration, start: Start): NewBuildset {
    const changes = start.changes ?? [];
    const sourceStamps = start.sourceStamps ?? stampsOfChanges(changes, declaration.codebases);
    return {
      scheduler: declaration.name,
      reason: start.reason ?? declaration.reason,
      owner: start.owner ?? null,
      builders: start.builders ?? declaration.builders.map((builder) => builder.name),
      sourceStamps,
      changeIds: start.changeIds ?? changes.map((change) => change.id),
      properties: this.#properties(declaration, start, sourceStamps),
      priority: start.priority ?? declaration.priority,
      ...(start.parent === undefined ? {} : { parent: start.parent }),
    };
  }

  /**
   * As {@link start}, for a change or the clock, where nobody waits for an answer and others must not suffer: a mistake
   * of the site's program is logged and shown with the scheduler, and null comes back.
   */
  attempt(declaration: SchedulerDeclaration, start: Start): Started | null {
    try {
      return this.start(declaration, start);
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error;
      this.report(declaration, error);
      return null;
    }
  }

  /** Tells of a mistake in what the site's program says for a scheduler. */
  report(declaration: SchedulerDeclaration, error: unknown): void {
    const { name, place } = declaration;
    const why = error instanceof Error ? error.message : String(error);
    this.#core.log.error({ scheduler: name, place, error }, `scheduler "${name}": ${why}`);
    this.#store.setError(name, why);
  }

  #properties(declaration: SchedulerDeclaration, start: Start, sourceStamps: readonly SourceStamp[]): Properties {
    try {
      return buildsetProperties(declaration, {
        site: propertiesFrom('Site', this.#config.site.properties),
        later: { ...propertiesOfChanges(start.changes ?? []), ...start.properties },
        sourceStamps,
      });
    } catch (error) {
      if (!(error instanceof RenderError)) throw error;
      throw new SchedulerError('bad_properties', error.message, { cause: error });
    }
  }
}
