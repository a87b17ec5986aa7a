import type { Json } from '@icefall/shared';
import type { Validation } from '../changes/validation.ts';
import type { SecretsOptions } from '../secrets/declaration.ts';
import type { AccessDeclaration, AccessOptions } from './access.ts';
import type { BuilderDeclaration } from './builders.ts';
import type { GitPollerDeclaration, WebhookDeclaration } from './changes.ts';
import type { LockDeclaration } from './locks.ts';
import type { PoolDeclaration } from './pools.ts';
import type { Place } from './problems.ts';
import type { ProjectsDeclaration } from './projects.ts';
import type { ReporterDeclaration } from './reporters.ts';
import type { SchedulerDeclaration } from './schedulers.ts';
import type { WorkerDeclaration } from './workers.ts';

export interface SiteOptions {
  readonly title: string;
  /** Address under which people reach the page; for links. */
  readonly url?: string;
  /** IANA name; default UTC. Cron schedules are read in it. */
  readonly timeZone?: string;
  readonly workers: readonly WorkerDeclaration[];
  readonly builders: readonly BuilderDeclaration[];
  readonly schedulers?: readonly SchedulerDeclaration[];
  readonly changeSources?: readonly (GitPollerDeclaration | WebhookDeclaration)[];
  /** Pools whose workers are among the workers. */
  readonly pools?: readonly PoolDeclaration[];
  /** Repositories that declare their own pipelines; their builders are added to the site's. */
  readonly projects?: ProjectsDeclaration | null;
  /** Of every build, weakest in precedence. */
  readonly properties?: Readonly<Record<string, Json>>;
  /**
   * What is done with builds that wait for each other for ever: `resolve` (default) ends the youngest of them as
   * EXCEPTION; `report` only tells.
   */
  readonly deadlocks?: 'resolve' | 'report';
  /** Who may do what. Without it: whoever is on the master's own machine everything, nobody else anything. */
  readonly access?: AccessOptions;
  /** What branch, revision and repository from outside may look like. */
  readonly validation?: { readonly branch?: RegExp; readonly revision?: RegExp; readonly repository?: RegExp | null };
  /** Where secrets are kept, and which builds are given them. */
  readonly secrets?: SecretsOptions | null;
  /** Who is told of builds: by mail, on commits, over HTTP. They need `url`, for links. */
  readonly reporters?: readonly ReporterDeclaration[];
}

/** A whole site: what a configuration module exports as its default. */
export interface SiteDeclaration {
  readonly type: 'site';
  readonly title: string;
  readonly url: string | null;
  readonly timeZone: string;
  readonly workers: readonly WorkerDeclaration[];
  readonly builders: readonly BuilderDeclaration[];
  readonly schedulers: readonly SchedulerDeclaration[];
  readonly changeSources: readonly (GitPollerDeclaration | WebhookDeclaration)[];
  readonly pools: readonly PoolDeclaration[];
  readonly projects: ProjectsDeclaration | null;
  readonly properties: Readonly<Record<string, Json>>;
  readonly validation: Validation;
  readonly deadlocks: 'resolve' | 'report';
  readonly access: AccessDeclaration | null;
  readonly secrets: SecretsOptions | null;
  readonly reporters: readonly ReporterDeclaration[];
  /** Every lock that a builder, step or worker uses, found by walking them, and those that projects may use. */
  readonly locks: readonly LockDeclaration[];
  readonly place: Place | null;
}
