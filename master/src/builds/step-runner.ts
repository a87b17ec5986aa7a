import type { CommandOutcome, Deadlock } from '@icefall/shared';
import type { LockAccess } from '../config/locks.ts';
import { toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { LockBlockers } from '../locks/lock-blockers.ts';
import { type LockKeeper, wantsOf } from '../locks/lock-keeper.ts';
import type { StepAction, StepDeclaration, StepEnd } from '../steps/step.ts';
import type { CommandPort, LostCommand, StepRef } from './command-port.ts';
import type { MasterCommandPort } from './master-processes.ts';
import { type Plan, PlanError, type Plans } from './plans.ts';
import { type BuildRow, type BuildRows, cleanUpAlarm, HALTED_WITH_CLEAN_UP, type StepRow } from './rows.ts';
import { type RunFacts, runFacts, stepRun } from './run-context.ts';
import { endOfFailure, wantedLocks } from './site-code.ts';
import { endOfDeadlock, type TriggerRuns } from './trigger-runs.ts';

export interface RunnerRooms {
  readonly locks: LockKeeper;
  readonly commands: CommandPort;
  readonly masterCommands: MasterCommandPort;
  readonly triggers: TriggerRuns;
  readonly lockBlockers: LockBlockers;
}

/** A step with all that is known of it. */
interface Going {
  readonly build: BuildRow;
  readonly row: StepRow;
  readonly step: StepDeclaration;
  readonly plan: Plan;
}

/** Takes one step from its begin to its end: condition, locks, action, outcome. Everything inside turns. */
export class StepRunner {
  readonly ended = new Hook<StepRef & { readonly end: StepEnd }>();
  readonly #core: Core;
  readonly #rows: BuildRows;
  readonly #plans: Plans;
  readonly #deadlocks: ReadonlyMap<number, Deadlock>;
  readonly #rooms: RunnerRooms;

  /** `deadlocks`: by build, where they are only reported. */
  constructor(core: Core, rows: BuildRows, plans: Plans, deadlocks: ReadonlyMap<number, Deadlock>, rooms: RunnerRooms) {
    this.#core = core;
    this.#rows = rows;
    this.#plans = plans;
    this.#deadlocks = deadlocks;
    this.#rooms = rooms;
    rooms.commands.finished.on(({ outcome, ...step }) => this.#outcome(step, outcome));
    rooms.commands.lost.on((lost) => this.#lost(lost));
    rooms.commands.started.on((step) => core.touch('step', `${step.buildId}.${step.stepNumber}`));
    rooms.masterCommands.finished.on(({ outcome, ...step }) => this.#outcome(step, outcome));
    rooms.triggers.ended.on((ended) => this.ended.fire(ended));
    rooms.locks.granted.on((holder) => this.#granted(holder));
    rooms.locks.changed.on(() => core.enqueue('step blockers', () => this.#refreshBlockers()));
  }

  /** Begins a pending step: it ends at once, waits for its locks, or runs. */
  begin(build: BuildRow, row: StepRow): void {
    this.#rows.updateStep(build.id, row.number, { started_at: this.#core.now() });
    const going = this.#going(build, row);
    if (going === null) return;
    const facts = this.#facts(going);
    const accesses = this.#ask(refOf(row), () => wantedLocks(going.step, stepRun(facts)));
    if (accesses === 'notWanted') this.#end(refOf(row), { result: 'SKIPPED', summary: 'skipped' });
    else if (accesses !== null && this.#claim(build, row, accesses)) this.#act(going);
  }

  /** Null where the configuration in force cannot continue the build: the step has ended for that. */
  #going(build: BuildRow, row: StepRow): Going | null {
    const plan = this.#planOf(build, row);
    if (plan === null) return null;
    const step = plan.steps[row.number];
    if (step === undefined)
      throw new Error(`assertion failed: build ${build.id} has no declaration for step ${row.number} (${row.name})`);
    return { build, row, step, plan };
  }

  #planOf(build: BuildRow, row: StepRow): Plan | null {
    try {
      return this.#plans.of(build);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      this.#end(refOf(row), endOfFailure(error));
      return null;
    }
  }

  #facts({ build, row, plan }: Going): RunFacts {
    const fence = this.#rooms.locks.fenceOf([...this.#holders(build.id), holderOf(refOf(row))]);
    return runFacts(this.#rows, build, row, plan.builder, fence);
  }

  /** The build, and those of its steps whose locks it holds. */
  #holders(buildId: number): string[] {
    const steps = this.#rooms.locks.stepsThatHold(buildId);
    return [`build:${buildId}`, ...steps.map((stepNumber) => holderOf({ buildId, stepNumber }))];
  }

  /** Whether the step has its locks. If not, it waits for them, or has ended since they would never come. */
  #claim(build: BuildRow, row: StepRow, accesses: readonly LockAccess[]): boolean {
    const { locks } = this.#rooms;
    if (accesses.length === 0) return true;
    const held = new Set(this.#holders(build.id).flatMap((holder) => locks.locksOf(holder)));
    const own = wantsOf(accesses, build.worker).find(({ lock }) => held.has(lock));
    if (own !== undefined) {
      const summary = `lock "${own.lock}" is held by this very build; the step would wait for ever`;
      this.#end(refOf(row), { result: 'EXCEPTION', summary });
      return false;
    }
    const holder = holderOf(refOf(row));
    if (locks.claim(holder, accesses, build.worker)) return true;
    this.#rows.updateStep(build.id, row.number, { state: 'waitingForLocks' });
    return false;
  }

  /** The blocker of every step that waits for locks, as it is now. */
  #refreshBlockers(): void {
    for (const [holder, lockBlocker] of this.#rooms.lockBlockers.all()) {
      const step = stepOf(holder);
      const row = step === null ? null : this.#rows.step(step.buildId, step.stepNumber);
      if (row === null) continue;
      const blocker = toColumn(this.#deadlocks.get(row.build_id) ?? lockBlocker);
      if (blocker !== row.blocker) this.#rows.updateStep(row.build_id, row.number, { blocker });
    }
  }

  /** Looks at the blocker of a waiting step again. */
  reblock(row: StepRow): void {
    if (row.state === 'waitingForLocks') this.#core.enqueue('step blockers', () => this.#refreshBlockers());
    else if (row.kind === 'trigger' && row.state === 'running') this.#rooms.triggers.checkLater(refOf(row));
  }

  /** Ends a step that waits, for a deadlock that it is part of. */
  giveUp(row: StepRow, deadlock: Deadlock): void {
    if (row.state === 'waitingForLocks') this.#end(refOf(row), endOfDeadlock(deadlock));
    else this.#rooms.triggers.giveUp(refOf(row), deadlock);
  }

  #granted(holder: string): void {
    const step = stepOf(holder);
    if (step !== null) this.#core.enqueue(`granted ${holder}`, () => this.goOn(step));
  }

  /** Runs a step whose locks were granted while it waited. */
  goOn(step: StepRef): void {
    const build = this.#rows.build(step.buildId);
    const row = this.#rows.step(step.buildId, step.stepNumber);
    if (build === null || row?.state !== 'waitingForLocks' || !this.#rooms.locks.isGranted(holderOf(step))) return;
    const going = this.#going(build, row);
    if (going !== null) this.#act(going);
  }

  #act(going: Going): void {
    const { build, row, step } = going;
    const facts = this.#facts(going);
    const prepared = this.#ask(refOf(row), () => step.prepare(stepRun(facts)));
    if (prepared === null) return;
    this.#rows.updateStep(build.id, row.number, {
      state: 'running',
      locks_acquired_at: this.#core.now(),
      blocker: null,
      options: toColumn(prepared.options),
      summary: prepared.description,
    });
    if (!step.retryable && build.once === 0) this.#rows.updateBuild(build.id, { once: 1 });
    const action = this.#ask(refOf(row), () => prepared.begin());
    if (action !== null) this.#do(build, row, step, action);
  }

  #do(build: BuildRow, row: StepRow, step: StepDeclaration, action: StepAction): void {
    const ref = refOf(row);
    switch (action.do) {
      case 'finish':
        this.#end(ref, action);
        break;
      case 'trigger':
        this.#rooms.triggers.begin(build, row.number, action.trigger);
        break;
      case 'masterCommand':
        this.#core.afterCommit(() => this.#rooms.masterCommands.start(ref, action));
        break;
      case 'command':
        this.#rooms.commands.start({
          ...ref,
          epoch: build.epoch,
          worker: build.worker,
          label: `${build.builder} #${build.number}, ${row.name}`,
          command: action.command,
          transfer: action.transfer ?? null,
          patient: isCleanUp(build, step),
        });
    }
  }

  #outcome(step: StepRef, outcome: CommandOutcome): void {
    const build = this.#rows.build(step.buildId);
    const row = this.#rows.step(step.buildId, step.stepNumber);
    if (build === null || row?.state !== 'running') return;
    if (outcome.reason === 'lost') {
      this.#lost({ ...step, why: outcome.error?.message ?? 'its worker stopped while it ran', isGivenUp: false });
      return;
    }
    const going = this.#going(build, row);
    if (going === null) return;
    const facts = this.#facts(going);
    const end = this.#ask(step, () => going.step.prepare(stepRun(facts)).end(outcome));
    if (end !== null) this.#end(step, end);
  }

  /** Nobody will know how the step's action ended. */
  #lost({ why, isGivenUp, ...step }: LostCommand): void {
    const build = this.#rows.build(step.buildId);
    const row = this.#rows.step(step.buildId, step.stepNumber);
    if (build === null || row?.state !== 'running') return;
    const going = this.#going(build, row);
    if (going === null) return;
    if (isCleanUp(build, going.step)) {
      if (isGivenUp) this.#giveCleanUpUp(going, why);
      else this.#end(step, { result: 'EXCEPTION', summary: `lost: ${why}` });
      return;
    }
    const { retryable } = going.step;
    const summary = retryable ? `lost: ${why}` : `lost: ${why}; this step is never started twice`;
    this.#end(step, { result: retryable ? 'RETRY' : 'EXCEPTION', summary });
  }

  /** What a worker that is gone has not cleaned up, nobody does: a person has to know. What comes next is not waited for. */
  #giveCleanUpUp({ build, row, plan }: Going, why: string): void {
    const left = this.#rows
      .steps(build.id)
      .filter(({ number, state }) => number === row.number || (state === 'pending' && plan.steps[number]?.alwaysRun));
    const names = left.map(({ name }) => `"${name}"`).join(', ');
    const message = `${build.builder} #${build.number} was not cleaned up: ${why}; see to it there, by hand: ${names}`;
    this.#core.afterCommit(() => this.#core.alarms.raise(cleanUpAlarm(build), message));
    this.#rows.updateBuild(build.id, { halted: HALTED_WITH_CLEAN_UP });
    this.#end(refOf(row), { result: 'EXCEPTION', summary: `clean-up was given up: ${why}` });
  }

  /** Ends what a step does or waits for; its end comes now or when its command has ended. */
  interrupt(build: BuildRow, row: StepRow, reason: string): void {
    const ref = refOf(row);
    if (row.state === 'waitingForLocks') this.#end(ref, { result: 'CANCELLED', summary: 'stopped while it waited' });
    else if (row.kind === 'trigger') {
      const hasOpen = this.#rooms.triggers.cancel(ref, `${build.builder} #${build.number} was stopped: ${reason}`);
      if (!hasOpen) this.#end(ref, { result: 'CANCELLED', summary: 'stopped' });
    } else if (row.kind === 'masterCommand') this.#core.afterCommit(() => this.#rooms.masterCommands.interrupt(ref));
    else this.#rooms.commands.interrupt(ref, reason);
  }

  /** What a step that was found running when the master started does now. */
  resume(build: BuildRow, row: StepRow): void {
    const ref = refOf(row);
    if (row.state === 'waitingForLocks') this.goOn(ref);
    else if (row.kind === 'masterCommand') {
      this.#lost({ ...ref, why: 'the master stopped while it ran', isGivenUp: false });
    } else if (row.kind === 'trigger') this.#rooms.triggers.checkLater(ref);
    try {
      this.#plans.of(build);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      this.interrupt(build, row, error.message);
    }
  }

  #end(step: StepRef, end: StepEnd): void {
    this.ended.fire({ ...step, end });
  }

  /**
   * Asks the site's own code, its functions and references, which may throw anything: that is the end of the step, says so
   * in its log, and gives null. Nothing of ours belongs in there: what fails of the engine takes the whole turn back.
   */
  #ask<T>(step: StepRef, siteCode: () => T): T | null {
    try {
      return siteCode();
    } catch (error) {
      this.#end(step, endOfFailure(error));
      return null;
    }
  }
}

/** Clean-up after a failure can only be done on the build's worker; a lost attempt is not cleaned up but repeated. */
function isCleanUp(build: BuildRow, step: StepDeclaration): boolean {
  return step.alwaysRun && build.halted === 1 && (build.result_so_far !== 'RETRY' || build.once === 1);
}

function refOf(row: StepRow): StepRef {
  return { buildId: row.build_id, stepNumber: row.number };
}

function holderOf(step: StepRef): string {
  return `step:${step.buildId}.${step.stepNumber}`;
}

function stepOf(holder: string): StepRef | null {
  const match = /^step:(\d+)\.(\d+)$/.exec(holder);
  return match === null ? null : { buildId: Number(match[1]), stepNumber: Number(match[2]) };
}
