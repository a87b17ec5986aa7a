import { join } from 'node:path';
import type { Command, CommandOutcome, WorkerMessage } from '@icefall/shared';
import { type CommandContext, type CommandEnd, refused } from './commands/context.ts';
import { execute } from './commands/executors.ts';
import { buildDirectoryOf } from './commands/paths.ts';
import { reportEnd } from './commands/report.ts';
import { Failure, messageOf, systemWords } from './failure.ts';
import type { CommandEntry, ProcessLeader } from './journal/entry.ts';
import { Journal } from './journal/journal.ts';
import { journalOutput } from './journal/journal-output.ts';
import type { SegmentFiles } from './journal/segments.ts';
import { entryName, type JournalStore, type LeftCommand } from './journal/store.ts';
import { type Output, writeHeader } from './processes/output.ts';
import { Stop } from './processes/stop.ts';
import { ScrubbedOutput } from './secrets/scrubbed-output.ts';
import { markersOf, type Order, type Workshop } from './workshop.ts';

/** What is told of a command while it is held. */
export interface CommandEvents {
  readonly onStarted: (command: HeldCommand) => void;
  /** More of its journal can be sent. */
  readonly onOutput: (command: HeldCommand) => void;
  readonly onFinished: (command: HeldCommand) => void;
}

/** A command nobody owns any more is not given long to clean up. */
const FORGET_GRACE_MS = 5000;
/** An outcome that the master has not taken after this long is made to survive a loss of power. */
const SYNC_AFTER_MS = 1000;

/**
 * One command from the master's order to its release: it runs, it is finished, it is forgotten. Its journal and its
 * outcome are on disk all the while.
 */
export class HeldCommand {
  readonly commandId: number;
  readonly epoch: number;
  readonly buildDirectory: string;
  readonly label: string;
  readonly kind: string;
  /** Resolves when it has ended and its outcome is on disk. Does not reject. */
  readonly ended: Promise<void>;
  readonly #workshop: Workshop;
  readonly #events: CommandEvents;
  readonly #stop = new AbortController();
  #journal: Journal | null = null;
  #entry: CommandEntry | null = null;
  #outcome: CommandOutcome | null = null;
  #started: { readonly at: number; readonly pid: number | null } | null = null;
  #leaderWritten: Promise<void> = Promise.resolve();

  private constructor(
    facts: Omit<Order, 'command' | 'secrets'> & { readonly kind: string },
    workshop: Workshop,
    events: CommandEvents,
    life: (command: HeldCommand) => Promise<void>,
  ) {
    this.commandId = facts.commandId;
    this.epoch = facts.epoch;
    this.buildDirectory = facts.buildDirectory;
    this.label = facts.label;
    this.kind = facts.kind;
    this.#workshop = workshop;
    this.#events = events;
    this.ended = life(this).catch((error: unknown) => {
      // Only a mistake of ours comes here; the command must end nevertheless.
      workshop.logger.error(`a command could not be brought to its end: ${messageOf(error)}`, this.names());
    });
  }

  /** Runs a new command, once `after` has resolved. */
  static begin(order: Order, workshop: Workshop, events: CommandEvents, after: Promise<unknown>): HeldCommand {
    const facts = { ...order, kind: order.command.kind };
    return new HeldCommand(facts, workshop, events, async (command) => {
      await after;
      await command.#run(order);
    });
  }

  /** Takes over what an earlier agent left. A command that ran when it died is lost. */
  static recover(left: LeftCommand, workshop: Workshop, events: CommandEvents): HeldCommand {
    return new HeldCommand(left.meta, workshop, events, async (command) => {
      command.#entry = left.entry;
      command.#journal = command.#openJournal(left.segments, true);
      command.#outcome = left.outcome;
      if (left.outcome === null) await command.#finishLost(left.meta.acceptedAt);
    });
  }

  get state(): 'running' | 'finished' {
    return this.#outcome === null ? 'running' : 'finished';
  }

  /** Null until it is made, and where the disk refused to hold one: then there is no output to send. */
  get journal(): Journal | null {
    return this.#journal;
  }

  /** Null before the work has begun. */
  startedMessage(): WorkerMessage | null {
    if (this.#started === null) return null;
    return { kind: 'started', commandId: this.commandId, epoch: this.epoch, ...this.#started };
  }

  /** Null before it has ended. */
  finishedMessage(): WorkerMessage | null {
    if (this.#outcome === null) return null;
    const endOffset = this.#journal?.end ?? 0;
    return { kind: 'finished', commandId: this.commandId, epoch: this.epoch, endOffset, outcome: this.#outcome };
  }

  /** Ends it, if it still runs. The first reason counts. */
  stop(stop: Stop): void {
    if (!this.#stop.signal.aborted) this.#stop.abort(stop);
  }

  /** Ends it because the master asks. */
  interrupt(reason: string): void {
    this.stop(new Stop({ reason: 'interrupted', code: 'interrupted', message: reason, longestGraceMs: null }));
  }

  /** For log lines: how it ended. */
  outcomeWords(): string {
    const outcome = this.#outcome;
    if (outcome === null) return 'running';
    const how = outcome.signal ?? (outcome.exitCode === null ? null : `exit code ${outcome.exitCode}`);
    return [outcome.reason, how, outcome.error?.message].filter((word) => word != null).join(', ');
  }

  /** Ends it, if it still runs, and removes all traces. */
  async forget(reason: string): Promise<void> {
    this.stop(new Stop({ reason: 'lost', code: 'dropped', message: reason, longestGraceMs: FORGET_GRACE_MS }));
    await this.ended;
    await this.#journal?.close();
    try {
      await this.#entry?.remove();
    } catch (error) {
      this.#workshop.logger.error(`cannot remove a journal: ${systemWords(error)}`, this.names());
    }
  }

  /** Closes its files; what is on disk stays for the next agent. */
  async close(): Promise<void> {
    await this.#journal?.close();
  }

  /** For log lines of the agent. */
  names(): { command: string; label: string } {
    return { command: entryName(this.commandId, this.epoch), label: this.label };
  }

  async #run({ command, secrets = {} }: Order): Promise<void> {
    const { clock, secrets: store } = this.#workshop;
    const acceptedAt = clock.now();
    const begun = clock.monotonic();
    store.learn(this.buildDirectory, secrets);
    const scrubber = store.scrubber(this.buildDirectory);
    const journal = journalOutput(() => this.#journal);
    const scrubbed = scrubber === null ? null : new ScrubbedOutput(journal, scrubber, clock);
    const output = scrubbed ?? journal;
    const shown = await this.#execute(command, secrets, acceptedAt, output);
    const end =
      scrubber === null ? shown : { ...shown, ...scrubber.deep({ error: shown.error, values: shown.values }) };
    scrubbed?.end();
    reportEnd({ output }, end, clock.monotonic() - begun);
    await this.#finish({ ...end, startedAt: this.#started?.at ?? acceptedAt, finishedAt: clock.now() });
  }

  async #execute(
    command: Command,
    secrets: Readonly<Record<string, string>>,
    acceptedAt: number,
    output: Output,
  ): Promise<CommandEnd> {
    try {
      const scratchDirectory = await this.#createJournal(acceptedAt);
      const buildDirectory = buildDirectoryOf(this.#workshop.baseDirectory, this.buildDirectory);
      const context = this.#context({ scratchDirectory, buildDirectory }, output);
      return Object.keys(secrets).length === 0
        ? await execute(command, context)
        : await this.#executeWith(secrets, command, context);
    } catch (error) {
      const { code, message } = error instanceof Failure ? error : journalFailure(error, this.#workshop.store);
      return refused({ code, message });
    }
  }

  async #executeWith(
    secrets: Readonly<Record<string, string>>,
    command: Command,
    context: CommandContext,
  ): Promise<CommandEnd> {
    const given = await this.#workshop.secrets.handOver(command, secrets);
    try {
      const workerEnvironment = { ...context.workerEnvironment, ...given.environment };
      return await execute(given.command, { ...context, workerEnvironment, scratchDirectory: given.directory });
    } finally {
      await given.remove();
    }
  }

  async #createJournal(acceptedAt: number): Promise<string> {
    const { commandId, epoch, buildDirectory, label, kind } = this;
    const meta = { commandId, epoch, kind, label, buildDirectory, acceptedAt };
    const { entry, segments } = await this.#workshop.store.create(meta);
    this.#entry = entry;
    this.#journal = this.#openJournal(segments, false);
    return entry.directory;
  }

  #openJournal(segments: SegmentFiles, recovered: boolean): Journal {
    const { clock, journalLimitBytes: limitBytes, logger } = this.#workshop;
    return new Journal({
      segments,
      recovered,
      clock,
      limitBytes,
      onWritten: () => this.#events.onOutput(this),
      onFault: (error) =>
        logger.error(`cannot write a journal, the command waits: ${systemWords(error)}`, this.names()),
    });
  }

  #context(
    places: { readonly scratchDirectory: string; readonly buildDirectory: string },
    output: Output,
  ): CommandContext {
    const { clock, random, pipes, baseDirectory, workerEnvironment, transfers, store } = this.#workshop;
    return {
      ...places,
      ...{ clock, random, pipes, baseDirectory, workerEnvironment, transfers },
      commandId: this.commandId,
      epoch: this.epoch,
      markers: markersOf(store.id, this.commandId, this.epoch),
      output,
      stop: this.#stop.signal,
      started: (pid) => this.#noteStarted(pid),
      onSpawn: (pid, leader) => {
        this.#noteStarted(pid);
        if (leader !== null) this.#noteLeader(leader);
      },
    };
  }

  #noteStarted(pid: number | null): void {
    if (this.#started !== null) return;
    this.#started = { at: this.#workshop.clock.now(), pid };
    this.#events.onStarted(this);
  }

  #noteLeader(leader: ProcessLeader): void {
    const entry = this.#entry;
    this.#leaderWritten = this.#leaderWritten
      .then(() => entry?.writeLeader(leader))
      .catch((error: unknown) => {
        this.#workshop.logger.warn(`cannot note a process: ${systemWords(error)}`, this.names());
      });
  }

  async #finishLost(acceptedAt: number): Promise<void> {
    const message = "the worker's agent died while the command ran; what it left running was ended";
    writeHeader(
      journalOutput(() => this.#journal),
      message,
    );
    await this.#finish({
      reason: 'lost',
      exitCode: null,
      signal: null,
      error: { code: 'agent_died', message },
      values: {},
      startedAt: acceptedAt,
      finishedAt: this.#workshop.clock.now(),
    });
  }

  async #finish(outcome: CommandOutcome): Promise<void> {
    await this.#leaderWritten;
    await this.#journal?.flush();
    try {
      await this.#entry?.writeOutcome(outcome);
    } catch (error) {
      // The master is told all the same: it is the better place for it now.
      this.#workshop.logger.error(`cannot write an outcome: ${systemWords(error)}`, this.names());
    }
    this.#outcome = outcome;
    this.#events.onFinished(this);
    this.#workshop.clock.after(SYNC_AFTER_MS, () => void this.#sync());
  }

  async #sync(): Promise<void> {
    try {
      await this.#journal?.sync();
    } catch (error) {
      this.#workshop.logger.warn(`cannot sync a journal: ${systemWords(error)}`, this.names());
    }
  }
}

function journalFailure(error: unknown, store: JournalStore): Failure {
  return new Failure('journal_unwritable', `cannot keep a journal in ${join(store.directory)}: ${systemWords(error)}`);
}
