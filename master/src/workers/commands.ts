import {
  type CommandOutcome,
  type Hello,
  type MasterMessage,
  type OutputFrame,
  ProtocolError,
  type WorkerMessage,
} from '@icefall/shared';
import type { CommandPort, LostCommand, NewCommand, StepRef } from '../builds/command-port.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { LogStore } from '../logs/log-store.ts';
import type { StepLog } from '../logs/step-log.ts';
import type { SecretSource } from '../secrets/secrets.ts';
import { namesOf } from '../secrets/use.ts';
import { type CommandRow, CommandRows, commandOf } from './command-rows.ts';
import { tooLarge } from './command-size.ts';
import { reconcile, type Verdict } from './reconciliation.ts';

/** A connected worker, as commands see it. */
export interface WorkerLink {
  readonly storeId: string;
  /** Its agent knows what to do with secrets. */
  readonly takesSecrets: boolean;
  /** Does not throw; what a broken connection does not carry is told again after the next hello. */
  send(message: MasterMessage): void;
}

type WelcomeEntry = Extract<MasterMessage, { kind: 'welcome' }>['commands'][number];
type Refusal = NonNullable<CommandOutcome['error']>;
type Start = Extract<MasterMessage, { kind: 'start' }>;
type Started = Extract<WorkerMessage, { kind: 'started' }>;
type Finished = Extract<WorkerMessage, { kind: 'finished' }>;

/**
 * The commands that workers run for steps. Everything that is known of one is in its row and in the copy of its journal
 * (the step's live log), so another instance on the same database goes on where this one was.
 */
export class Commands implements CommandPort {
  readonly started = new Hook<StepRef & { readonly pid: number | null }>();
  readonly finished = new Hook<StepRef & { readonly outcome: CommandOutcome }>();
  readonly lost = new Hook<LostCommand>();
  /** A build has a command for a worker that is away. */
  readonly awaited = new Hook<{ readonly buildId: number; readonly worker: string }>();
  readonly #core: Core;
  readonly #logs: LogStore;
  readonly #rows: CommandRows;
  readonly #links = new Map<string, WorkerLink>();
  readonly #secrets: SecretSource;
  /** Commands whose secrets are being fetched: their worker has not heard of them. */
  readonly #fetching = new Set<number>();

  constructor(core: Core, logs: LogStore, secrets: SecretSource) {
    this.#secrets = secrets;
    this.#core = core;
    this.#logs = logs;
    this.#rows = new CommandRows(core);
  }

  /** Inside a turn. */
  start(command: NewCommand): void {
    const row = this.#rows.insert(command);
    const link = this.#links.get(command.worker);
    if (link !== undefined) this.#send(row, link);
    else this.awaited.fire({ buildId: command.buildId, worker: command.worker });
  }

  /** Inside a turn. The first reason counts. */
  interrupt(step: StepRef, reason: string): void {
    for (const row of this.#rows.ofStep(step.buildId, step.stepNumber)) {
      if (row.state === 'queued' || this.#fetching.has(row.id)) {
        this.#endUnsent(row, reason);
        continue;
      }
      if (row.interrupt_reason === null) this.#rows.update(row.id, { interrupt_reason: reason });
      this.#tellLater(row.worker, { kind: 'interrupt', ...refOf(row), reason: row.interrupt_reason ?? reason });
    }
  }

  /** From now on the worker's messages go this way. Inside the turn of its hello. */
  attach(worker: string, link: WorkerLink): void {
    this.#links.set(worker, link);
  }

  /** The connection is no more. Nothing where another one has taken its place. */
  detach(worker: string, link: WorkerLink): void {
    if (this.#links.get(worker) === link) this.#links.delete(worker);
  }

  /** Compares what an attached worker holds with what is on record, and acts on it. Inside the turn of its hello. */
  reconcile(worker: string, link: WorkerLink, hello: Hello, welcome: (entries: readonly WelcomeEntry[]) => void): void {
    const entries: WelcomeEntry[] = [];
    // First of all effects: the worker takes no other message before it.
    this.#core.afterCommit(() => welcome(entries));
    const verdicts = reconcile({
      storeId: link.storeId,
      held: hello.commands,
      rows: this.#rows.ofWorker(worker),
      replicaEnd: (row) => this.#durableLog(row).journal.durable,
    });
    for (const verdict of verdicts) this.#act(verdict, link, entries);
  }

  #act(verdict: Verdict, link: WorkerLink, entries: WelcomeEntry[]): void {
    switch (verdict.do) {
      case 'continue': {
        const { row, held, offset } = verdict;
        entries.push({ action: 'continue', ...refOf(row), offset });
        if (row.store_id === null) this.#rows.update(row.id, { state: 'sent', store_id: link.storeId });
        if (row.interrupt_reason !== null && held.state === 'running')
          this.#tellLater(row.worker, { kind: 'interrupt', ...refOf(row), reason: row.interrupt_reason });
        return;
      }
      case 'drop': {
        const { commandId, epoch } = verdict.held;
        entries.push({ action: 'drop', commandId, epoch, reason: verdict.reason });
        return;
      }
      case 'lose':
        this.#lose(verdict.row, { why: verdict.why, isGivenUp: false });
        return;
      case 'start':
        this.#send(verdict.row, link);
        return;
      case 'interrupt':
        this.#endUnsent(verdict.row, verdict.reason);
        return;
      default:
        verdict satisfies never;
    }
  }

  /** A worker says that a command has begun; it says so again after every reconnect. */
  noteStarted(worker: string, { commandId, epoch, pid }: Started): void {
    const row = this.#find(worker, commandId, epoch);
    if (row === null || row.state === 'started') return;
    this.#core.repeatableTurn(() => {
      this.#rows.update(row.id, { state: 'started', pid });
      this.started.fire({ ...stepOf(row), pid });
    });
  }

  /**
   * A worker says how a command has ended. One turn puts it on record, then the worker is released; one whose end is on
   * record already is only released. Throws ProtocolError `output_missing` where its output is not all here.
   */
  finish(worker: string, { commandId, epoch, endOffset, outcome }: Finished): void {
    const row = this.#find(worker, commandId, epoch);
    if (row === null) {
      this.#links.get(worker)?.send({ kind: 'release', commandId, epoch });
      return;
    }
    const { journal } = this.#logs.live(row.build_id, row.step_number);
    if (journal.end < endOffset)
      throw new ProtocolError(
        'output_missing',
        `command ${commandId} is told to have ended after ${endOffset} bytes of output, but ${journal.end} have come`,
      );
    this.#core.turn(() => {
      this.#rows.delete(row.id);
      this.#tellLater(worker, { kind: 'release', commandId, epoch });
      this.finished.fire({ ...stepOf(row), outcome });
      // The step's end has usually put its logs on record; what it has not must be durable before the worker forgets it.
      this.#logs.sync(row.build_id, row.step_number);
    });
  }

  /** Takes a frame of output; gives the log it went to. Throws ProtocolError `unknown_command`, or for a bad frame. */
  output(worker: string, { commandId, epoch, offset, payload }: OutputFrame): StepLog {
    const facts = this.#rows.facts(commandId);
    if (facts === null || facts.epoch !== epoch || facts.worker !== worker)
      throw new ProtocolError('unknown_command', `there is no command ${commandId}-${epoch} of this worker`);
    return this.#logs.append(facts.buildId, facts.stepNumber, offset, payload, facts.logNames);
  }

  /** Gives up what a build has on a worker. Inside a turn. */
  giveUp(buildId: number, worker: string, why: string): void {
    for (const row of this.#rows.ofBuild(buildId)) if (row.worker === worker) this.#lose(row, { why, isGivenUp: true });
  }

  /** The row of a command that a worker may be running in this epoch, or null. */
  running(worker: string, commandId: number, epoch: number): CommandRow | null {
    const row = this.#find(worker, commandId, epoch);
    return row === null || row.state === 'queued' ? null : row;
  }

  #find(worker: string, commandId: number, epoch: number): CommandRow | null {
    const row = this.#rows.find(commandId);
    return row !== null && row.epoch === epoch && row.worker === worker ? row : null;
  }

  #durableLog(row: CommandRow): StepLog {
    const log = this.#logs.live(row.build_id, row.step_number);
    log.journal.sync();
    return log;
  }

  #send(row: CommandRow, link: WorkerLink): void {
    const error = tooLarge(row.command);
    if (error !== null) {
      this.#refuseLater(row, error);
      return;
    }
    const { directory } = this.#core.db.one<{ directory: string }>(
      'SELECT directory FROM builds WHERE id = ?',
      row.build_id,
    ) ?? { directory: null };
    if (directory === null) throw new Error(`assertion failed: command ${row.id} belongs to no build`);
    this.#rows.update(row.id, { state: 'sent', store_id: link.storeId });
    const { label } = row;
    const command = commandOf(row);
    const order = { kind: 'start' as const, ...refOf(row), buildDirectory: directory, label, command };
    const use = 'secrets' in command ? command.secrets : undefined;
    if (use === undefined) this.#tellLater(row.worker, order);
    else this.#sendWithSecrets(row, link, order, namesOf(use));
  }

  /** Fetches what the command is given in secret, and sends both where the connection is still the same. */
  #sendWithSecrets(row: CommandRow, link: WorkerLink, order: Start, names: readonly string[]): void {
    if (!link.takesSecrets) {
      const message = `worker "${row.worker}" is too old to be given secrets; update its agent`;
      this.#refuseLater(row, { code: 'worker_too_old', message });
      return;
    }
    this.#core.afterCommit(() => {
      this.#fetching.add(row.id);
      this.#secrets.fetch(row.build_id, names, (answer) => {
        const isWanted = this.#find(row.worker, row.id, row.epoch) !== null;
        // With the next connection they are fetched anew.
        if (isWanted && this.#links.get(row.worker) !== link) return;
        this.#fetching.delete(row.id);
        if (!isWanted) return;
        const error = 'values' in answer ? tooLarge(row.command, answer.values) : answer.error;
        if ('values' in answer && error === null) link.send({ ...order, secrets: answer.values });
        else if (error !== null) this.#core.insist(() => this.#refuse(row, error));
      });
    });
  }

  #refuseLater(row: CommandRow, error: Refusal): void {
    this.#core.enqueue(`refused ${row.id}`, () => this.#refuse(row, error));
  }

  /** Ends a command that its worker was not given. */
  #refuse(row: CommandRow, error: Refusal): void {
    if (this.#find(row.worker, row.id, row.epoch) === null) return;
    const at = this.#core.now();
    this.#rows.delete(row.id);
    this.finished.fire({
      ...stepOf(row),
      outcome: { reason: 'refused', exitCode: null, signal: null, error, values: {}, startedAt: at, finishedAt: at },
    });
  }

  /** Ends a command that no worker has begun. */
  #endUnsent(row: CommandRow, reason: string): void {
    const at = this.#core.now();
    const error = { code: 'interrupted', message: reason };
    this.#rows.delete(row.id);
    this.finished.fire({
      ...stepOf(row),
      outcome: {
        ...{ reason: 'interrupted', exitCode: null, signal: null, error, values: {}, startedAt: at, finishedAt: at },
      },
    });
  }

  #lose(row: CommandRow, { why, isGivenUp }: Omit<LostCommand, keyof StepRef>): void {
    this.#core.log.warn({ build: row.build_id, step: row.step_number, worker: row.worker }, `command lost: ${why}`);
    this.#rows.delete(row.id);
    this.lost.fire({ ...stepOf(row), why, isGivenUp });
  }

  /** Sent once the turn is on disk, on the connection that there is then. */
  #tellLater(worker: string, message: MasterMessage): void {
    this.#core.afterCommit(() => this.#links.get(worker)?.send(message));
  }
}

function refOf(row: CommandRow): { commandId: number; epoch: number } {
  return { commandId: row.id, epoch: row.epoch };
}

function stepOf(row: CommandRow): StepRef {
  return { buildId: row.build_id, stepNumber: row.step_number };
}
