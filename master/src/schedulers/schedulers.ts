import type { Change, ForceRequest, Scheduler, SourceStamp } from '@icefall/shared';
import type { Changes } from '../changes/changes.ts';
import type { ForceScheduler, SchedulerDeclaration } from '../config/schedulers.ts';
import { fromColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { Buildsets, FinishedBuildset, NewBuildset } from '../requests/buildsets.ts';
import type { BuildsetRow } from '../requests/rows.ts';
import { follows } from './dependent.ts';
import { SchedulerError } from './errors.ts';
import { mayConcern, type WatchesChanges } from './filter.ts';
import { formOf, startOfForm } from './force.ts';
import { nightly } from './nightly.ts';
import { onChanges } from './on-changes.ts';
import { periodic } from './periodic.ts';
import { PASSIVE, type Room, type Running } from './running.ts';
import { type Started, Starts } from './starts.ts';
import { SchedulerStore } from './store.ts';
import { startOfTrigger, type TriggerRequest } from './triggerable.ts';

/** After an awakening that failed for a reason of ours (a full disk, say): soon enough, without filling the log. */
const WAKE_RETRY_MS = 60_000;

/**
 * The schedulers of the site: what a change, the clock, an upstream buildset, a trigger step or a person makes of them.
 * Everything they remember is in the database and read from it, so a restart changes nothing but which process watches
 * the clock.
 */
export class Schedulers {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #buildsets: Buildsets;
  readonly #changes: Changes;
  readonly #store: SchedulerStore;
  readonly #starts: Starts;
  readonly #room: Room;
  readonly #running = new WeakMap<SchedulerDeclaration, Running>();
  readonly #timers = new Map<string, Timer>();
  #isStarted = false;
  #liveSince = 0;

  constructor(core: Core, config: SiteConfig, buildsets: Buildsets, changes: Changes) {
    this.#core = core;
    this.#config = config;
    this.#buildsets = buildsets;
    this.#changes = changes;
    this.#store = new SchedulerStore(core);
    this.#starts = new Starts(core, config, buildsets, this.#store);
    this.#room = {
      core,
      store: this.#store,
      starts: this.#starts,
      change: (id) => changes.view(id),
      siteTimeZone: () => config.site.timeZone,
      liveSince: () => this.#liveSince,
    };
    changes.arrived.on((change) => this.changeAdded(change));
    buildsets.finished.on((ended) => this.#buildsetFinished(ended));
    config.applied.on(() => this.applyConfig());
    core.clockWatch.jumped.on((ms) => this.#clockJumped(ms));
  }

  /** Goes on where the last process left off: looks at changes nobody saw, and sets the timers. Call once. */
  start(): void {
    this.#liveSince = this.#core.now();
    this.#isStarted = true;
    this.#core.turn(() => this.applyConfig());
    this.#changes.rescan();
  }

  /** Lets go of the clock. */
  stop(): void {
    this.#isStarted = false;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** Brings what is stored in line with the site in force. Inside the turn that applies it. */
  applyConfig(): void {
    const declared = this.#config.site.schedulers;
    const names = new Set(declared.map((scheduler) => scheduler.name));
    const gone = this.#store.names().filter((name) => !names.has(name));
    for (const name of gone) this.#store.forget(name);
    for (const declaration of declared) {
      this.#store.ensure(declaration.name);
      this.#runningOf(declaration).adopt();
    }
    for (const name of [...names, ...gone]) this.#armAfterCommit(name);
  }

  #clockJumped(ms: number): void {
    this.#liveSince = Math.min(this.#liveSince, this.#core.now());
    for (const declaration of this.#config.site.schedulers) {
      this.#runningOf(declaration).clockJumped(ms);
      this.#armAfterCommit(declaration.name);
    }
  }

  /** A change was stored: every enabled scheduler looks at it. Inside the turn that stores it. */
  changeAdded(change: Change): void {
    for (const declaration of this.#config.site.schedulers) {
      if (!watchesChanges(declaration) || !mayConcern(declaration, change)) continue;
      if (!this.#store.isEnabled(declaration.name)) continue;
      this.#runningOf(declaration).changeArrived(change);
      this.#armAfterCommit(declaration.name);
    }
  }

  /**
   * A trigger step starts a triggerable scheduler. Inside the caller's turn. Throws {@link SchedulerError} with code
   * `no_scheduler`, `wrong_kind`, `scheduler_disabled` or `bad_properties`.
   */
  trigger(name: string, request: TriggerRequest): Started {
    const declaration = this.#enabledOne(name);
    if (declaration.kind !== 'triggerable')
      throw new SchedulerError('wrong_kind', `scheduler "${name}" is ${declaration.kind}, not triggerable`);
    const start = startOfTrigger(declaration, request, this.#buildsetOfBuild(request.parent.buildId));
    return this.#core.turn(() => this.#starts.start(declaration, start));
  }

  /**
   * A person starts a force scheduler; `who` is who is logged in. Throws FormError (`bad_form`) with a message for each
   * field, or {@link SchedulerError} as {@link trigger} does.
   */
  force(name: string, request: ForceRequest, who: string | null): Started {
    const declaration = this.#enabledForm(name);
    const start = startOfForm(declaration, request, who, this.#config.site.validation);
    return this.#core.turn(() => this.#starts.start(declaration, start));
  }

  /** The buildset that {@link force} would make. Throws as it does; nothing is made. */
  planned(name: string, request: ForceRequest, who: string | null): NewBuildset {
    const declaration = this.#enabledForm(name);
    return this.#starts.planned(declaration, startOfForm(declaration, request, who, this.#config.site.validation));
  }

  #enabledForm(name: string): ForceScheduler {
    const declaration = this.#enabledOne(name);
    if (declaration.kind === 'force') return declaration;
    throw new SchedulerError('wrong_kind', `scheduler "${name}" is ${declaration.kind}, it has no form`);
  }

  /**
   * Switches a scheduler on or off; that is remembered. One that is off sees no changes, no clock and no upstream, and
   * refuses triggers and forms; switched on again it does not catch up. Throws {@link SchedulerError} `no_scheduler`.
   */
  setEnabled(name: string, enabled: boolean): void {
    const declaration = this.#declared(name);
    this.#core.turn(() => {
      if (this.#store.isEnabled(name) === enabled) return;
      this.#store.setEnabled(name, enabled);
      if (enabled) this.#runningOf(declaration).enabled();
      this.#armAfterCommit(name);
    });
  }

  /**
   * Starts now what changes or the clock would start: the changes that wait, or the source as it is. Throws
   * {@link SchedulerError}; `wrong_kind` for a scheduler that neither changes nor the clock start.
   */
  runNow(name: string): Started[] {
    const declaration = this.#enabledOne(name);
    const running = this.#runningOf(declaration);
    if (running.runNow === null)
      throw new SchedulerError('wrong_kind', `scheduler "${name}" is ${declaration.kind}: the clock does not start it`);
    const { runNow } = running;
    return this.#core.turn(() => {
      this.#armAfterCommit(name);
      return runNow();
    });
  }

  /** When the clock starts it next, or null. */
  nextAt(name: string): number | null {
    const declaration = this.#config.scheduler(name);
    if (declaration === null || !this.#store.isEnabled(name)) return null;
    return this.#runningOf(declaration).nextAt();
  }

  /** The resource that clients see, or null. */
  view(name: string): Scheduler | null {
    const declaration = this.#config.scheduler(name);
    if (declaration === null) return null;
    const { isEnabled, lastAt, error } = this.#store.shown(name);
    return {
      name,
      kind: declaration.kind,
      builders: declaration.builders.map((builder) => builder.name),
      enabled: isEnabled,
      nextAt: isEnabled ? this.#runningOf(declaration).nextAt() : null,
      lastAt,
      lastError: error,
      form: declaration.kind === 'force' ? formOf(declaration) : null,
    };
  }

  #runningOf(declaration: SchedulerDeclaration): Running {
    let running = this.#running.get(declaration);
    if (running === undefined) {
      running = run(declaration, this.#room);
      this.#running.set(declaration, running);
    }
    return running;
  }

  #declared(name: string): SchedulerDeclaration {
    const declaration = this.#config.scheduler(name);
    if (declaration !== null) return declaration;
    throw new SchedulerError('no_scheduler', `the site has no scheduler "${name}"`);
  }

  #enabledOne(name: string): SchedulerDeclaration {
    const declaration = this.#declared(name);
    if (this.#store.isEnabled(name)) return declaration;
    throw new SchedulerError('scheduler_disabled', `scheduler "${name}" is switched off; enable it first`);
  }

  /** Schedulers that depend on it follow, in the turn in which it ended: no crash comes between. */
  #buildsetFinished(ended: FinishedBuildset): void {
    for (const declaration of this.#config.site.schedulers) {
      if (declaration.kind !== 'dependent' || !follows(declaration, ended)) continue;
      const row = this.#buildsets.row(ended.id);
      if (row === null || !this.#store.isEnabled(declaration.name)) continue;
      const ids = fromColumn<number[]>(row.change_ids);
      this.#starts.attempt(declaration, {
        sourceStamps: fromColumn<SourceStamp[]>(row.source_stamps),
        changes: ids.map((id) => this.#changes.view(id)).filter((change) => change !== null),
        changeIds: ids,
      });
    }
  }

  #buildsetOfBuild(buildId: number): BuildsetRow | null {
    return this.#core.db.one<BuildsetRow>(
      'SELECT buildsets.* FROM buildsets JOIN builds ON builds.buildset_id = buildsets.id WHERE builds.id = ?',
      buildId,
    );
  }

  #armAfterCommit(name: string): void {
    this.#core.afterCommit(() => this.#arm(name));
  }

  #arm(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
    if (!this.#isStarted) return;
    const at = this.nextAt(name);
    if (at !== null)
      this.#timers.set(
        name,
        this.#core.clock.at(at, () => this.#wake(name)),
      );
  }

  #wake(name: string): void {
    const declaration = this.#config.scheduler(name);
    if (declaration === null) return;
    try {
      this.#core.turn(() => {
        if (this.#store.isEnabled(name)) this.#runningOf(declaration).wake();
        this.#armAfterCommit(name);
      });
    } catch (error) {
      this.#core.log.error({ scheduler: name, error }, `scheduler "${name}" could not do what is due; it tries again`);
      this.#timers.set(
        name,
        this.#core.clock.after(WAKE_RETRY_MS, () => this.#wake(name)),
      );
    }
  }
}

function run(declaration: SchedulerDeclaration, room: Room): Running {
  switch (declaration.kind) {
    case 'singleBranch':
    case 'anyBranch':
      return onChanges(declaration, room);
    case 'nightly':
      return nightly(declaration, room);
    case 'periodic':
      return periodic(declaration, room);
    case 'dependent':
    case 'triggerable':
    case 'force':
      return PASSIVE;
  }
}

function watchesChanges(declaration: SchedulerDeclaration): declaration is WatchesChanges {
  return 'isImportant' in declaration;
}
