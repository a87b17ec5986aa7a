import type { Blocker, CommandOutcome, Deadlock, LockHolder } from '@icefall/shared';
import type { LockAccess } from '../config/locks.ts';
import { toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import { type LockKeeper, wantsOf } from '../locks/lock-keeper.ts';
import type { Obstacle } from '../locks/lock-table.ts';
import { render } from '../properties/references.ts';
import { locksOf, type StepAction, type StepDeclaration, type StepEnd, type StepRun } from '../steps/kind.ts';
import type { CommandPort, StepRef } from './command-port.ts';
import type { MasterCommandPort } from './master-processes.ts';
import type { Plan, Plans } from './plans.ts';
import type { BuildRow, BuildRows, StepRow } from './rows.ts';
import { stepRun } from './run-context.ts';
import { endOfDeadlock, type TriggerRuns } from './trigger-runs.ts';

export interface RunnerRooms {
  readonly locks: LockKeeper;
  readonly commands: CommandPort;
  readonly masterCommands: MasterCommandPort;
  readonly triggers: TriggerRuns;
  /** Describes a lock's holders for the blocker of a waiting step. */
  readonly lockHolders: (lock: string) => LockHolder[];
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
  /** The deadlock that a build is part of, where that is only reported. */
  deadlockOf: (buildId: number) => Blocker | null = () => null;
  readonly #core: Core;
  readonly #rows: BuildRows;
  readonly #plans: Plans;
  readonly #rooms: RunnerRooms;

  constructor(core: Core, rows: BuildRows, plans: Plans, rooms: RunnerRooms) {
    this.#core = core;
    this.#rows = rows;
    this.#plans = plans;
    this.#rooms = rooms;
    rooms.commands.finished.on(({ outcome, ...step }) => this.#outcome(step, outcome));
    rooms.commands.lost.on(({ why, ...step }) => this.#lost(step, why));
    rooms.commands.started.on((step) => core.touch('step', `${step.buildId}.${step.stepNumber}`));
    rooms.masterCommands.finished.on(({ outcome, ...step }) => this.#outcome(step, outcome));
    rooms.triggers.ended.on((ended) => this.ended.fire(ended));
    rooms.locks.granted.on((holder) => this.#granted(holder));
    rooms.locks.changed.on(() => core.enqueue('step blockers', () => this.#refreshBlockers()));
  }

  /** Begins a pending step: it ends at once, waits for its locks, or runs. */
  begin(build: BuildRow, row: StepRow): void {
    this.#rows.updateStep(build.id, row.number, { started_at: this.#core.now() });
    this.#guarded(refOf(row), () => {
      const going = this.#going(build, row);
      const run = this.#run(going);
      if (!isWanted(going.step, run)) {
        this.#end(refOf(row), { result: 'SKIPPED', summary: 'skipped' });
        return;
      }
      const accesses = locksOf(going.step, run);
      if (this.#claim(build, row, accesses)) this.#act(going);
    });
  }

  #going(build: BuildRow, row: StepRow): Going {
    const plan = this.#plans.of(build);
    const step = plan.steps[row.number];
    if (step === undefined) throw new Error(`the build has no declaration for step ${row.number} (${row.name})`);
    return { build, row, step, plan };
  }

  #run({ build, row, plan }: Going): StepRun {
    const fence = this.#rooms.locks.fenceOf([...this.#holders(build.id), holderOf(refOf(row))]);
    return stepRun(this.#rows, build, row, plan.builder, fence);
  }

  /** The build, and those of its steps whose locks it holds. */
  #holders(buildId: number): string[] {
    const steps = this.#rooms.locks.stepsThatHold(buildId);
    return [`build:${buildId}`, ...steps.map((stepNumber) => holderOf({ buildId, stepNumber }))];
  }

  #claim(build: BuildRow, row: StepRow, accesses: readonly LockAccess[]): boolean {
    const { locks } = this.#rooms;
    if (accesses.length === 0) return true;
    const held = new Set(this.#holders(build.id).flatMap((holder) => locks.locksOf(holder)));
    const own = wantsOf(accesses, build.worker).find(({ lock }) => held.has(lock));
    if (own !== undefined)
      throw new Error(`lock "${own.lock}" is held by this very build; the step would wait for ever`);
    const holder = holderOf(refOf(row));
    if (locks.claim(holder, accesses, build.worker)) return true;
    this.#rows.updateStep(build.id, row.number, { state: 'waitingForLocks' });
    return false;
  }

  /** The blocker of every step that waits for locks, as it is now. */
  #refreshBlockers(): void {
    for (const holder of this.#rooms.locks.waitingHolders()) {
      const step = stepOf(holder);
      const row = step === null ? null : this.#rows.step(step.buildId, step.stepNumber);
      const obstacle = this.#rooms.locks.obstacle(holder);
      if (row === null || obstacle === null) continue;
      const blocker = toColumn(this.deadlockOf(row.build_id) ?? this.#lockBlocker(obstacle));
      if (blocker !== row.blocker) this.#rows.updateStep(row.build_id, row.number, { blocker });
    }
  }

  #lockBlocker({ want, position }: Obstacle): Blocker {
    const { lock, mode } = want;
    return { kind: 'lock', lock, mode, position, holders: this.#rooms.lockHolders(lock) };
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
    this.#guarded(step, () => this.#act(this.#going(build, row)));
  }

  #act(going: Going): void {
    const { build, row, step } = going;
    const prepared = step.prepare(this.#run(going));
    this.#rows.updateStep(build.id, row.number, {
      state: 'running',
      locks_acquired_at: this.#core.now(),
      blocker: null,
      options: toColumn(prepared.options),
      summary: prepared.description,
    });
    if (!step.retryable && build.once === 0) this.#rows.updateBuild(build.id, { once: 1 });
    this.#do(build, row, step, prepared.begin());
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
          // Clean-up after a failure can only be done there; a lost attempt is not cleaned up but repeated.
          patient: step.alwaysRun && build.halted === 1 && (build.result_so_far !== 'RETRY' || build.once === 1),
        });
    }
  }

  #outcome(step: StepRef, outcome: CommandOutcome): void {
    const build = this.#rows.build(step.buildId);
    const row = this.#rows.step(step.buildId, step.stepNumber);
    if (build === null || row?.state !== 'running') return;
    if (outcome.reason === 'lost') {
      this.#lost(step, outcome.error?.message ?? 'its worker stopped while it ran');
      return;
    }
    this.#guarded(step, () => {
      const going = this.#going(build, row);
      this.#end(step, going.step.prepare(this.#run(going)).end(outcome));
    });
  }

  /** Nobody will know how the step's action ended. */
  #lost(step: StepRef, why: string): void {
    const build = this.#rows.build(step.buildId);
    const row = this.#rows.step(step.buildId, step.stepNumber);
    if (build === null || row?.state !== 'running') return;
    this.#guarded(step, () => {
      const { retryable } = this.#going(build, row).step;
      const summary = retryable ? `lost: ${why}` : `lost: ${why}; this step is never started twice`;
      this.#end(step, { result: retryable ? 'RETRY' : 'EXCEPTION', summary });
    });
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
    else if (row.kind === 'masterCommand') this.#lost(ref, 'the master stopped while it ran');
    else if (row.kind === 'trigger') this.#rooms.triggers.checkLater(ref);
    try {
      this.#plans.of(build);
    } catch (error) {
      this.interrupt(build, row, messageOf(error));
    }
  }

  #end(step: StepRef, end: StepEnd): void {
    this.ended.fire({ ...step, end });
  }

  /** Functions and references of the site may throw anything: that is the end of the step, and says so in its log. */
  #guarded(step: StepRef, work: () => void): void {
    let failure: unknown;
    try {
      work();
      return;
    } catch (error) {
      if (isOurs(error)) throw error;
      failure = error;
    }
    const text = failure instanceof Error && failure.stack !== undefined ? failure.stack : String(failure);
    this.#end(step, { result: 'EXCEPTION', summary: messageOf(failure), text });
  }
}

function isWanted(step: StepDeclaration, run: StepRun): boolean {
  const wanted = typeof step.doStepIf === 'function' ? step.doStepIf(run) : render(step.doStepIf, run);
  if (typeof wanted === 'boolean') return wanted;
  throw new Error(`doStepIf gave ${JSON.stringify(wanted)}; it must give yes or no`);
}

/** The database failing is no fault of the site: the whole turn is taken back. */
function isOurs(error: unknown): boolean {
  return error instanceof Error && error.name === 'SqliteError';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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
