import type { Blocker, Deadlock, Result } from '@icefall/shared';
import { describeBlocker, worstResult } from '@icefall/shared';
import { fromColumn, toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { LockKeeper } from '../locks/lock-keeper.ts';
import type { Buildsets } from '../requests/buildsets.ts';
import type { Requests } from '../requests/requests.ts';
import type { BuildsetRow } from '../requests/rows.ts';
import { SchedulerError } from '../schedulers/errors.ts';
import type { Schedulers } from '../schedulers/schedulers.ts';
import type { StepEnd, TriggerRequest } from '../steps/step.ts';
import type { Slots } from '../workers/slots.ts';
import type { StepRef } from './command-port.ts';
import type { BuildRow, BuildRows, StepRow } from './rows.ts';

export interface TriggerRooms {
  readonly buildsets: Buildsets;
  readonly requests: Requests;
  readonly schedulers: Schedulers;
  readonly slots: Slots;
  readonly locks: LockKeeper;
}

interface Children {
  readonly requestIds: readonly number[];
  readonly finished: number;
}

/**
 * Trigger steps: they start children, and where they wait, they give their build's slot back for as long as that takes.
 * What they wait for is read from the children's rows, so a restart changes nothing.
 */
export class TriggerRuns {
  readonly ended = new Hook<StepRef & { readonly end: StepEnd }>();
  /** A build waits, for its children or for its slot. */
  readonly waiting = new Hook<void>();
  /** A child is to be ended, in whatever state it is. */
  readonly abandoned = new Hook<{ readonly requestId: number; readonly reason: string }>();
  readonly #core: Core;
  readonly #rows: BuildRows;
  readonly #deadlocks: ReadonlyMap<number, Deadlock>;
  readonly #rooms: TriggerRooms;

  /** `deadlocks`: by build, where they are only reported. */
  constructor(core: Core, rows: BuildRows, deadlocks: ReadonlyMap<number, Deadlock>, rooms: TriggerRooms) {
    this.#core = core;
    this.#rows = rows;
    this.#deadlocks = deadlocks;
    this.#rooms = rooms;
    rooms.requests.finished.on(({ buildsetId }) => {
      const buildset = rooms.buildsets.row(buildsetId);
      if (buildset?.parent_build_id != null && buildset.parent_step_number !== null)
        this.checkLater({ buildId: buildset.parent_build_id, stepNumber: buildset.parent_step_number });
    });
    rooms.slots.freed.on((worker) => {
      const [first] = rooms.slots.returning(worker);
      if (first !== undefined) this.#checkCurrent(first);
    });
  }

  /** Starts the children. A scheduler that refuses takes back those that were started before it. */
  begin(build: BuildRow, stepNumber: number, trigger: TriggerRequest): void {
    const step = { buildId: build.id, stepNumber };
    const names = trigger.schedulers.join(', ');
    try {
      for (const name of trigger.schedulers) this.#start(step, name, trigger);
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error;
      this.cancel(step, 'a sibling could not be started');
      this.ended.fire({ ...step, end: { result: 'EXCEPTION', summary: error.message } });
      return;
    }
    if (!trigger.wait) {
      this.ended.fire({ ...step, end: { result: 'SUCCESS', summary: `triggered ${names}` } });
      return;
    }
    this.#rooms.slots.give(build.worker, build.id);
    this.#rows.updateBuild(build.id, { state: 'waiting' });
    this.checkLater(step);
  }

  #start(step: StepRef, name: string, trigger: TriggerRequest): void {
    const unimportant = trigger.unimportant.includes(name);
    const { properties, sourceStamps } = trigger;
    this.#rooms.schedulers.trigger(name, { properties, sourceStamps, parent: { ...step, unimportant } });
  }

  checkLater(step: StepRef): void {
    this.#core.enqueue(`trigger ${step.buildId}.${step.stepNumber}`, () => this.#check(step));
  }

  #checkCurrent(buildId: number): void {
    const step = this.#rows.currentStep(buildId);
    if (step !== null) this.checkLater({ buildId, stepNumber: step.number });
  }

  #check(step: StepRef): void {
    const build = this.#rows.build(step.buildId);
    const row = this.#rows.step(step.buildId, step.stepNumber);
    if (build === null || row?.kind !== 'trigger' || row.state !== 'running') return;
    const buildsets = this.#rooms.buildsets.ofParent(step.buildId, step.stepNumber);
    const deadlock = deadlockIn(row);
    if (deadlock !== null) {
      this.#checkGivenUp(build, row, deadlock);
      return;
    }
    const children = this.#childrenOf(buildsets);
    if (buildsets.some((buildset) => buildset.finished_at === null)) {
      const { requestIds, finished } = children;
      this.#block(step, row.blocker, {
        kind: 'children',
        requestIds: [...requestIds],
        total: requestIds.length,
        finished,
      });
    } else if (this.#getSlotBack(build)) {
      this.#rows.updateBuild(build.id, { state: build.halted > 0 ? 'finishing' : 'running' });
      this.ended.fire({ ...step, end: endOf(buildsets) });
    } else {
      this.#rooms.slots.await(build.worker, build.id);
      this.#block(step, row.blocker, { kind: 'slot', worker: build.worker });
    }
  }

  #childrenOf(buildsets: readonly BuildsetRow[]): Children {
    const requestIds = buildsets.flatMap((buildset) => this.#rooms.buildsets.requestIds(buildset.id));
    const finished = requestIds.filter((id) => this.#rooms.requests.row(id)?.state === 'finished').length;
    return { requestIds, finished };
  }

  /**
   * A build that holds locks of its own does not stand in line: those that hold the slots may be waiting for these very
   * locks. It goes on at once, and the worker has one more build than its maximum for a while.
   */
  #getSlotBack({ id, worker, holds_slot }: BuildRow): boolean {
    const { slots, locks } = this.#rooms;
    if (holds_slot === 1) return true;
    if (!slots.mayReturn(worker, id) && !locks.isGranted(`build:${id}`)) return false;
    this.#takeSlot({ id, worker });
    return true;
  }

  #takeSlot({ id, worker }: Pick<BuildRow, 'id' | 'worker'>): void {
    this.#rooms.slots.take(worker, id);
    const [next] = this.#rooms.slots.returning(worker);
    if (next !== undefined) this.#checkCurrent(next);
  }

  #block({ buildId, stepNumber }: StepRef, known: string | null, blocker: Blocker): void {
    const text = toColumn(this.#deadlocks.get(buildId) ?? blocker);
    if (text === known) return;
    this.#rows.updateStep(buildId, stepNumber, { blocker: text });
    this.waiting.fire();
  }

  /**
   * Ends a step that is part of a deadlock: takes its children with it, and ends as EXCEPTION once they have ended, so
   * that what the build's locks protect is protected to the end. The step's blocker remembers that.
   */
  giveUp(step: StepRef, deadlock: Deadlock): void {
    this.#rows.updateStep(step.buildId, step.stepNumber, { blocker: toColumn(deadlock) });
    this.cancel(step, describeBlocker(deadlock));
    this.checkLater(step);
  }

  /** Whether a build's trigger step is being ended for a deadlock: its children may take a while to end. */
  isGivenUp(buildId: number): boolean {
    const row = this.#rows.currentStep(buildId);
    return row?.kind === 'trigger' && deadlockIn(row) !== null;
  }

  /** It does not stand in line for its slot: those that hold the slots may be waiting for it. */
  #checkGivenUp(build: BuildRow, row: StepRow, deadlock: Deadlock): void {
    const step = { buildId: build.id, stepNumber: row.number };
    if (this.#rooms.buildsets.ofParent(build.id, row.number).some((buildset) => buildset.finished_at === null)) return;
    if (build.holds_slot === 0) this.#takeSlot(build);
    this.#rows.updateBuild(build.id, { state: 'finishing' });
    this.ended.fire({ ...step, end: endOfDeadlock(deadlock) });
  }

  /** Cancels the children that have not ended. Gives whether there were any. */
  cancel(step: StepRef, reason: string): boolean {
    const open = this.#rooms.buildsets
      .ofParent(step.buildId, step.stepNumber)
      .flatMap((buildset) => this.#rooms.buildsets.requestIds(buildset.id))
      .filter((id) => this.#rooms.requests.row(id)?.state !== 'finished');
    for (const requestId of open) this.abandoned.fire({ requestId, reason });
    return open.length > 0;
  }
}

/** How a step ends that is ended for a deadlock. */
export function endOfDeadlock(deadlock: Deadlock): StepEnd {
  const waits = deadlock.cycle.map(({ builder, number, waitsFor }) => `${builder} #${number} waits for ${waitsFor}`);
  const text = ['These builds waited for each other for ever:', ...waits, 'This one, the youngest, was ended for it.'];
  return { result: 'EXCEPTION', summary: describeBlocker(deadlock), text: text.join('\n') };
}

/** The deadlock for which a trigger step is being ended, if it is. */
function deadlockIn(row: StepRow): Deadlock | null {
  const blocker = row.blocker === null ? null : fromColumn<Blocker>(row.blocker);
  return blocker?.kind === 'deadlock' && blocker.ends === row.build_id ? blocker : null;
}

function endOf(buildsets: readonly BuildsetRow[]): StepEnd {
  const important = buildsets.filter((buildset) => buildset.unimportant === 0);
  const result = important.reduce<Result>((worst, { result }) => worstResult(worst, result ?? 'EXCEPTION'), 'SUCCESS');
  const bad = buildsets.filter((buildset) => buildset.result !== 'SUCCESS' && buildset.result !== 'SKIPPED');
  const summary =
    bad.length === 0
      ? buildsets.map((buildset) => buildset.scheduler).join(', ')
      : bad.map((buildset) => `${buildset.scheduler}: ${buildset.result ?? 'EXCEPTION'}`).join(', ');
  return { result, summary };
}
