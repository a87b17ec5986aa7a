import type { Json } from '@icefall/shared';
import type { NewChange } from '../changes/new-change.ts';
import { changeProperties } from '../changes/new-change.ts';
import { type Duration, parseDuration } from '../config/durations.ts';
import type { SiteDeclaration } from '../config/site.ts';
import type { Logger } from '../engine/ports.ts';
import { type Course, type CourseBuild, CourseRecorder, courseOf } from './course.ts';
import { SimulationError } from './errors.ts';
import { localTime } from './local-time.ts';
import { SimulatedSite } from './simulated-site.ts';
import { choices, type StepWorkOptions, stepWork } from './step-work.ts';

export interface SimulationOptions extends StepWorkOptions {
  /**
   * When it begins: milliseconds since the epoch, or a time in the site's time zone (`2025-03-30T00:00`, `2025-03-30`,
   * `02:00` for the next one). What the clock starts at this very moment is started. Default: 2025-06-02 12:00 UTC.
   */
  readonly at?: number | string;
  /** What `02:00` is the next one after, milliseconds; default as `at`. */
  readonly now?: number;
  /** Whether the clock starts anything (nightly and periodic schedulers); default true. */
  readonly clock?: boolean;
  /** Workers that are away all the time. */
  readonly away?: readonly string[];
  /** Told what the master would write into its log. */
  readonly log?: Logger;
}

/** A push. Everything but the branch has a default. */
export interface SimulatedPush {
  readonly branch: string;
  /** Default: the only one that the site's sources and schedulers name. */
  readonly repository?: string;
  readonly files?: readonly string[];
  readonly revision?: string;
  readonly author?: string;
  readonly message?: string;
  readonly codebase?: string;
  readonly project?: string;
  readonly category?: string;
  readonly properties?: Readonly<Record<string, Json>>;
}

export interface SimulatedForce {
  /** By field name, as the form posts them. */
  readonly values?: Readonly<Record<string, Json>>;
  /** Default: all of the scheduler's. */
  readonly builders?: readonly string[];
  readonly reason?: string;
  readonly owner?: string;
  readonly priority?: number;
}

/** 2025-06-02 12:00 UTC, a Monday. */
const START = Date.UTC(2025, 5, 2, 12);
/** The master starts before the beginning, so that what is due at that very moment is not missed. */
const HEAD_START_MS = 1000;
/** {@link Simulation.finish} gives up after this long: what waits then, waits for something that does not come. */
const USUAL_FINISH: Duration = '3d';
const REVISION = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00';

/**
 * A site's configuration, tried in virtual time: the real engine decides, simulated workers pretend to work. Nothing is
 * run and nothing is kept. Dispose of it in the end (`using simulation = simulate(site)`).
 */
export class Simulation implements Disposable {
  readonly #sim: SimulatedSite;
  readonly #site: SiteDeclaration;
  readonly #sources: SiteDeclaration['changeSources'];
  readonly #recorder = new CourseRecorder();
  readonly #startedAt: number;
  #pushes = 0;

  /** Throws {@link SimulationError} for a step, worker or time that cannot be. */
  constructor(site: SiteDeclaration, options: SimulationOptions = {}) {
    const { at = START } = options;
    this.#startedAt = typeof at === 'number' ? at : localTime(at, site.timeZone, options.now ?? START);
    // Nobody is asked for pushes but the simulation.
    this.#site = { ...site, changeSources: [] };
    this.#sources = site.changeSources;
    this.#sim = new SimulatedSite({
      site: this.#site,
      work: stepWork(site, options),
      startMs: this.#startedAt - HEAD_START_MS,
      latencyMs: () => 0,
      opened: (master) => this.#recorder.watch(master),
      ...(options.log === undefined ? {} : { log: options.log }),
    });
    if (options.clock === false) this.#stopClock();
    this.#connect(options.away ?? []);
    this.#sim.clock.runUntil(this.#startedAt);
  }

  #stopClock(): void {
    for (const { name, kind } of this.#site.schedulers)
      if (kind === 'nightly' || kind === 'periodic') this.#sim.master.schedulers.setEnabled(name, false);
  }

  #connect(away: readonly string[]): void {
    const names = [...this.#sim.workers.keys()];
    const unknown = away.find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new SimulationError(`the site has no worker ${JSON.stringify(unknown)}; it has ${choices(names)}`);
    for (const worker of this.#sim.workers.values()) if (!away.includes(worker.name)) worker.connect();
  }

  /** Virtual time, milliseconds since the epoch. */
  get now(): number {
    return this.#sim.clock.now();
  }

  /** A push arrives: the schedulers look at it as they would. Throws ChangeError for what the site's validation refuses. */
  push(push: SimulatedPush): this {
    this.#pushes += 1;
    const repository = push.repository ?? this.#onlyRepository();
    const poller = this.#sources.find((source) => source.type === 'gitPoller' && source.repository === repository);
    const source = poller?.type === 'gitPoller' ? poller : null;
    const change: NewChange = {
      ...{ repository, branch: push.branch, files: push.files ?? [], commits: [], link: null, committer: null },
      ...{ revision: push.revision ?? REVISION, author: push.author ?? 'somebody', message: push.message ?? 'a push' },
      codebase: push.codebase ?? source?.codebase ?? '',
      project: push.project ?? source?.project ?? '',
      category: push.category ?? source?.category ?? null,
      properties: changeProperties(push.properties ?? {}),
      ...{ source: 'simulation', deliveryId: `simulation:${this.#pushes}`, at: null },
    };
    this.#sim.master.changes.add(change);
    return this.#settle();
  }

  #onlyRepository(): string {
    const names = repositoriesOf({ ...this.#site, changeSources: this.#sources });
    const [only] = names;
    if (only !== undefined && names.length === 1) return only;
    if (only === undefined) return 'repository';
    throw new SimulationError(`say which repository is pushed to; the site names ${choices(names)}`);
  }

  /** A person fills in a form. Throws {@link SimulationError} for an unknown scheduler, FormError for bad values. */
  force(scheduler: string, { values = {}, builders, ...force }: SimulatedForce = {}): this {
    const forms = this.#site.schedulers.filter(({ kind }) => kind === 'force').map(({ name }) => name);
    if (!forms.includes(scheduler))
      throw new SimulationError(
        `the site has no force scheduler ${JSON.stringify(scheduler)}; it has ${choices(forms)}`,
      );
    this.#sim.master.schedulers.force(
      scheduler,
      {
        values: JSON.parse(JSON.stringify(values)),
        ...(builders === undefined ? {} : { builders: [...builders] }),
        ...force,
      },
      null,
    );
    return this.#settle();
  }

  /** Lets what happens at this very moment happen. */
  #settle(): this {
    this.#sim.clock.runUntil(this.now);
    return this;
  }

  /** Lets time pass. */
  run(duration: Duration): this {
    const ms = parseDuration(duration);
    if (ms === null) throw new SimulationError(`${JSON.stringify(duration)} is no duration; write 20s, 15m or 4h`);
    this.#sim.run(ms);
    return this;
  }

  /** Lets time pass until nothing runs, waits or is about to start from what was pushed; `most` at the longest. */
  finish(most: Duration = USUAL_FINISH): this {
    const until = this.now + (parseDuration(most) ?? 0);
    const { clock } = this.#sim;
    for (let next = clock.nextAt(); !this.isFinished && next !== null && next <= until; next = clock.nextAt())
      clock.runUntil(Math.max(next, this.now));
    return this;
  }

  /** Whether everything that was asked for has ended. */
  get isFinished(): boolean {
    const { core, schedulers } = this.#sim.master;
    if (core.db.one("SELECT 1 FROM requests WHERE state <> 'finished' LIMIT 1") !== null) return false;
    return !this.#site.schedulers.some(
      ({ kind, name }) => (kind === 'singleBranch' || kind === 'anyBranch') && schedulers.nextAt(name) !== null,
    );
  }

  /** Every build, or those of one builder, in the order of their starts. */
  builds(builder?: string): readonly CourseBuild[] {
    if (builder !== undefined && !this.#site.builders.some(({ name }) => name === builder)) {
      const names = this.#site.builders.map(({ name }) => name);
      throw new SimulationError(`the site has no builder ${JSON.stringify(builder)}; it has ${choices(names)}`);
    }
    return this.course().builds.filter((build) => builder === undefined || build.builder === builder);
  }

  /** All that has happened until now. */
  course(): Course {
    return courseOf(this.#sim.master, this.#recorder, this.#startedAt);
  }

  [Symbol.dispose](): void {
    this.#sim[Symbol.dispose]();
  }
}

/** Begins a simulation of a site; see {@link Simulation}. */
export function simulate(site: SiteDeclaration, options: SimulationOptions = {}): Simulation {
  return new Simulation(site, options);
}

/** Repositories that a site's sources of change, filters and code bases name. */
function repositoriesOf(site: SiteDeclaration): string[] {
  const polled = site.changeSources.flatMap((source) => (source.type === 'gitPoller' ? [source.repository] : []));
  const scheduled = site.schedulers.flatMap((scheduler) => {
    const filter = 'changes' in scheduler ? scheduler.changes.repository : undefined;
    const named = [filter].flat().filter((one) => typeof one === 'string');
    return [...named, ...Object.values(scheduler.codebases).map(({ repository }) => repository)];
  });
  return [...new Set([...polled, ...scheduled])].filter((name) => name !== '');
}
