import type { Deadlock } from '@icefall/shared';
import { type Contribution, contributionOf, worstResult } from '@icefall/shared';
import type { BuilderDeclaration } from '../config/builders.ts';
import { toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { LogStore } from '../logs/log-store.ts';
import { propertiesFrom } from '../requests/buildsets.ts';
import type { RequestRow } from '../requests/rows.ts';
import type { Deadline, StepDeclaration, StepEnd } from '../steps/step.ts';
import { LONGEST_BACK_OFF_MS, retryOf } from './attempts.ts';
import type { StepRef } from './command-port.ts';
import { insertBuild } from './new-build.ts';
import { PlanChanges } from './plan-changes.ts';
import { PlanError, Plans, uniqueNames } from './plans.ts';
import { type BuildRow, BuildRows, cleanUpAlarm, HALTED_WITH_CLEAN_UP, type StepRow } from './rows.ts';
import { runFacts } from './run-context.ts';
import { hiddenBy } from './site-code.ts';
import { type RunnerRooms, StepRunner } from './step-runner.ts';
import { buildSummary, shortened } from './summary.ts';
import { type TriggerRooms, TriggerRuns } from './trigger-runs.ts';

export interface BuildRooms extends TriggerRooms, Omit<RunnerRooms, 'triggers'> {
  readonly logs: LogStore;
  /** Whether a worker is connected now. */
  readonly isConnected: (worker: string) => boolean;
}

/** Builds from their start to their end, step by step. Everything inside turns; the rows are the truth. */
export class Builds {
  /** A build has ended. */
  readonly finished = new Hook<{ readonly buildId: number; readonly builder: string }>();
  /** A build waits in a trigger step, for its children or for its slot. */
  readonly waiting = new Hook<void>();
  /** A step has told when something ends that it has renewed. */
  readonly deadlineTold = new Hook<{ readonly deadline: Deadline; readonly builder: string }>();
  /** The deadlocks that are only reported, by each build that is part of one; kept by the room that looks for them. */
  readonly deadlocks = new Map<number, Deadlock>();
  readonly rows: BuildRows;
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #rooms: BuildRooms;
  readonly #plans: Plans;
  readonly #planChanges: PlanChanges;
  readonly #runner: StepRunner;
  readonly #triggers: TriggerRuns;

  constructor(core: Core, config: SiteConfig, rooms: BuildRooms) {
    this.#core = core;
    this.#config = config;
    this.#rooms = rooms;
    this.rows = new BuildRows(core);
    this.#plans = new Plans(core, config, this.rows);
    this.#planChanges = new PlanChanges(core, config, this.rows);
    const triggers = new TriggerRuns(core, this.rows, this.deadlocks, rooms);
    this.#triggers = triggers;
    this.#runner = new StepRunner(core, this.rows, this.#plans, this.deadlocks, { ...rooms, triggers });
    triggers.waiting.on(() => this.waiting.fire());
    triggers.abandoned.on(({ requestId, reason }) => this.cancelRequest(requestId, reason));
    this.#runner.ended.on(({ end, ...step }) => this.#stepEnded(step, end));
  }

  /** Starts a request on a worker, which has a slot for it. What the request has locked goes over to the build. */
  start(request: RequestRow, builder: BuilderDeclaration, worker: string): number {
    const buildset = this.#rooms.buildsets.row(request.buildset_id);
    if (buildset === null) throw new Error(`request ${request.id} has no buildset ${request.buildset_id}`);
    const id = insertBuild(this.#core, this.#config, request, buildset, builder, worker);
    this.#rooms.requests.started(request.id);
    this.#rooms.slots.take(worker, id);
    this.#rooms.locks.rename(`request:${request.id}`, `build:${id}`);
    this.#plans.begin(id, builder);
    this.#wake(id);
    return id;
  }

  /** Goes on with what the last process left. Call once at start, after the other rooms are ready. */
  resume(): void {
    this.#core.turn(() => this.#rooms.requests.limitBackOffs(LONGEST_BACK_OFF_MS));
    for (const { id } of this.rows.active())
      this.#core.turn(() => {
        const build = this.rows.build(id);
        const step = this.rows.currentStep(id);
        if (build !== null) this.#planChanges.look(build);
        if (build !== null && step !== null && step.state !== 'pending') this.#runner.resume(build, step);
        this.#wake(id);
      });
  }

  #wake(id: number): void {
    this.#core.enqueue(`build ${id}`, () => this.#advance(id));
  }

  #advance(id: number): void {
    for (;;) {
      const build = this.rows.build(id);
      if (build === null || build.state === 'finished') return;
      const step = this.rows.currentStep(id);
      if (step === null) {
        this.#finish(build);
        return;
      }
      if (step.state !== 'pending') return;
      if (this.#mayBegin(build, step)) {
        this.#begin(build, step);
        return;
      }
      this.rows.updateStep(id, step.number, { state: 'finished', result: 'SKIPPED', summary: 'not run' });
    }
  }

  /** After a halt or a stop only clean-up is done, and where the attempt is lost with its worker, not even that. */
  #mayBegin(build: BuildRow, step: StepRow): boolean {
    if (build.halted === HALTED_WITH_CLEAN_UP) return false;
    if (build.halted === 0 && build.stop_reason === null) return true;
    if (build.result_so_far === 'RETRY' && build.once === 0 && !this.#rooms.isConnected(build.worker)) return false;
    return this.#declaration(build, step.number)?.alwaysRun ?? false;
  }

  #begin(build: BuildRow, step: StepRow): void {
    const state = build.halted > 0 || build.stop_reason !== null ? 'finishing' : 'running';
    if (build.state !== state) this.rows.updateBuild(build.id, { state });
    this.#runner.begin(build, step);
  }

  /** Null where the configuration in force is not the one that the build began with. */
  #declaration(build: BuildRow, stepNumber: number): StepDeclaration | null {
    try {
      return this.#plans.of(build).steps[stepNumber] ?? null;
    } catch (error) {
      if (error instanceof PlanError) return null;
      throw error;
    }
  }

  #stepEnded({ buildId, stepNumber }: StepRef, end: StepEnd): void {
    const build = this.rows.build(buildId);
    const row = this.rows.step(buildId, stepNumber);
    if (build === null || row === null || row.state === 'finished') return;
    const step = this.#declaration(build, stepNumber);
    this.#giveLocksBack(build, stepNumber, step);
    const contribution: Contribution =
      step === null ? { result: 'EXCEPTION', halts: true } : contributionOf(end.result, step.flags);
    const facts = () => runFacts(this.rows, build, row, this.#plans.of(build).builder);
    const { hidden, text } = hiddenBy(step, facts, end);
    if (text !== '') this.#rooms.logs.note(buildId, stepNumber, text.endsWith('\n') ? text : `${text}\n`);
    this.#rooms.logs.finish(buildId, stepNumber);
    this.rows.setProperties(build, propertiesFrom(row.name, end.properties ?? {}));
    for (const deadline of end.deadlines ?? []) this.deadlineTold.fire({ deadline, builder: build.builder });
    this.rows.updateStep(buildId, stepNumber, {
      state: 'finished',
      result: end.result,
      locks_acquired_at: row.locks_acquired_at,
      finished_at: this.#core.now(),
      summary: shortened(end.summary ?? (row.summary || end.result.toLowerCase())),
      hidden: hidden ? 1 : 0,
      blocker: null,
      urls: toColumn(end.urls ?? []),
    });
    this.#contribute(build, contribution);
    if (end.steps !== undefined && end.steps.length > 0) this.#addSteps(build, stepNumber, end.steps);
    this.#wake(buildId);
  }

  /** A step that ends gives its locks back, unless a later one does it for it; it gives back those kept until its end. */
  #giveLocksBack(build: BuildRow, stepNumber: number, step: StepDeclaration | null): void {
    const { locks } = this.#rooms;
    const holder = `step:${build.id}.${stepNumber}`;
    if (step?.locksUntil == null || locks.isWaiting(holder)) locks.release(holder);
    for (const earlier of step === null ? [] : locks.stepsThatHold(build.id))
      if (this.#declaration(build, earlier)?.locksUntil === step) locks.release(`step:${build.id}.${earlier}`);
  }

  #contribute(build: BuildRow, { result, halts }: Contribution): void {
    const resultSoFar = result === null ? build.result_so_far : worstResult(build.result_so_far, result);
    const halted = Math.max(build.halted, halts ? 1 : 0);
    if (resultSoFar !== build.result_so_far || halted !== build.halted)
      this.rows.updateBuild(build.id, { result_so_far: resultSoFar, halted });
  }

  #addSteps(build: BuildRow, after: number, steps: readonly StepDeclaration[]): void {
    const rows = this.rows.steps(build.id);
    const names = uniqueNames(
      steps,
      rows.map((row) => row.name),
    );
    const plan = this.#plans.of(build);
    this.rows.makeRoom(build.id, after, steps.length);
    steps.forEach((step, i) => {
      const row = { number: after + 1 + i, name: names[i] ?? step.name, kind: step.kind, added_by: after };
      this.rows.insertStep(build.id, row);
    });
    this.rows.updateStep(build.id, after, { seen_properties: build.properties });
    plan.steps.splice(after + 1, 0, ...steps);
  }

  /**
   * Stops a build: what runs is interrupted, what comes next is not run, except clean-up. A second stop interrupts
   * clean-up too.
   */
  stop(buildId: number, reason: string): void {
    const build = this.rows.build(buildId);
    if (build === null || build.state === 'finished') return;
    const isSecond = build.stop_reason !== null;
    this.rows.updateBuild(buildId, { stop_reason: build.stop_reason ?? reason });
    const step = this.rows.currentStep(buildId);
    if (step !== null && step.state !== 'pending') {
      const isCleanUp = build.halted === 1 && this.#declaration(build, step.number)?.alwaysRun === true;
      if (isSecond || !isCleanUp) this.#runner.interrupt(build, step, reason);
    }
    this.#wake(buildId);
  }

  /**
   * Takes a lock from a build or its step, which is not asked: what runs goes on beside whoever gets the lock next, until
   * it has been ended. So the build is stopped, and no clean-up of it is run either: that would work on what is another's
   * by now. Gives the fencing number that is no longer good, or null where it does not hold the lock.
   */
  takeLock(buildId: number, stepNumber: number | null, lock: string, reason: string): number | null {
    const holder = stepNumber === null ? `build:${buildId}` : `step:${buildId}.${stepNumber}`;
    const fence = this.#rooms.locks.takeAway(holder, lock);
    if (fence === null) return null;
    this.rows.updateBuild(buildId, { halted: HALTED_WITH_CLEAN_UP });
    this.stop(buildId, `lock "${lock}" was taken from it: ${reason}`);
    return fence;
  }

  /** Ends a build that waits for ever: its step as EXCEPTION; what comes next is not run, except clean-up. */
  endDeadlocked(buildId: number, deadlock: Deadlock): void {
    const step = this.rows.currentStep(buildId);
    if (step !== null) this.#runner.giveUp(step, deadlock);
  }

  /** Whether a build is being ended for a deadlock already. */
  isGivenUp(buildId: number): boolean {
    return this.#triggers.isGivenUp(buildId);
  }

  /** Looks at why a build waits again. */
  reblock(buildId: number): void {
    const step = this.rows.currentStep(buildId);
    if (step !== null) this.#runner.reblock(step);
  }

  /** Cancels a request in whatever state it is: takes it out of the queue, or stops its build. */
  cancelRequest(requestId: number, reason: string): void {
    const { requests, locks } = this.#rooms;
    const request = requests.row(requestId);
    if (request === null || request.state === 'finished') return;
    this.#core.db.update('requests', { id: requestId }, { cancel_reason: reason });
    if (request.state === 'pending') {
      locks.release(`request:${requestId}`);
      requests.finish(requestId, 'CANCELLED');
      return;
    }
    const build = this.#core.db.one<{ id: number }>(
      "SELECT id FROM builds WHERE request_id = ? AND state <> 'finished'",
      requestId,
    );
    if (build !== null) this.stop(build.id, reason);
  }

  #finish(build: BuildRow): void {
    const retry = retryOf(build, this.#config.builder(build.builder)?.retry ?? null);
    const { result } = retry;
    this.rows.updateBuild(build.id, {
      state: 'finished',
      result,
      finished_at: this.#core.now(),
      summary: this.#summary(build, retry.summary),
      grace_until: null,
    });
    this.#core.touch('builder', build.builder);
    this.#rooms.slots.give(build.worker, build.id);
    this.#rooms.locks.release(`build:${build.id}`);
    for (const number of this.#rooms.locks.stepsThatHold(build.id))
      this.#rooms.locks.release(`step:${build.id}.${number}`);
    this.#plans.end(build.id);
    this.#planChanges.ended(build.id);
    if (retry.backOffMs === null) this.#rooms.requests.finish(build.request_id, result);
    else this.#rooms.requests.retry(build.request_id, this.#core.now() + retry.backOffMs);
    // What was left behind on that worker is not in the way any more.
    if (result === 'SUCCESS') this.#core.afterCommit(() => this.#core.alarms.clear(cleanUpAlarm(build)));
    this.finished.fire({ buildId: build.id, builder: build.builder });
  }

  #summary(build: BuildRow, own: string): string {
    if (build.stop_reason !== null) return `stopped: ${build.stop_reason}`;
    return buildSummary(this.rows.steps(build.id), own);
  }
}
