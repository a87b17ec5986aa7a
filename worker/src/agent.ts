import { randomUUID } from 'node:crypto';
import { type Hello, type MasterMessage, PROTOCOL_MAJOR, PROTOCOL_MINOR, type WorkerInfo } from '@icefall/shared';
import { CommandTable } from './command-table.ts';
import { messageOf } from './failure.ts';
import type { HeldCommand } from './held-command.ts';
import { type Directive, Link, type Welcome } from './link/link.ts';
import { JournalSender } from './link/sender.ts';
import type { Dial, Wire } from './link/wire.ts';
import { Retirement } from './retirement.ts';
import type { Workshop } from './workshop.ts';

interface AgentOptions {
  readonly workshop: Workshop;
  readonly info: WorkerInfo;
  readonly dial: Dial;
  /** Longest time between two tries to reach the master. */
  readonly longestDelayMs: number;
  /** Leave after the first time there was something to do. */
  readonly once: boolean;
  /** Idle time after which an agent that is to leave leaves. */
  readonly lingerMs: number;
  /** Told when the connection to the master is there, and when it is gone. */
  readonly onConnected?: (connected: boolean) => void;
}

/** The worker: runs what the master orders, over one connection that may come and go. */
export class Agent {
  readonly #workshop: Workshop;
  readonly #info: WorkerInfo;
  readonly #instanceId = randomUUID();
  readonly #startedAt: number;
  #greetings = 0;
  readonly #commands: CommandTable;
  readonly #link: Link;
  readonly #retirement: Retirement;
  readonly #onConnected: (connected: boolean) => void;
  #sender: JournalSender | null = null;

  constructor(options: AgentOptions) {
    const { workshop, info, dial, longestDelayMs, once, lingerMs } = options;
    const { clock, random, logger } = workshop;
    this.#workshop = workshop;
    this.#startedAt = clock.now();
    this.#info = info;
    this.#onConnected = options.onConnected ?? (() => {});
    this.#commands = new CommandTable(workshop, {
      onStarted: (command) => this.#tellStarted(command),
      onOutput: () => this.#sender?.wake(),
      onFinished: (command) => this.#finished(command),
    });
    this.#link = new Link({
      ...{ dial, clock, random, logger, longestDelayMs },
      hello: () => this.#hello(),
      onUp: (welcome, wire) => this.#up(welcome, wire),
      onMessage: (message) => this.#receive(message),
      onDown: () => this.#down(),
    });
    this.#retirement = new Retirement({
      ...{ clock, logger, once, lingerMs },
      commands: this.#commands,
      link: this.#link,
    });
  }

  /**
   * Takes over what an earlier agent left, then works until it is told to leave. Resolves when it has left: nothing
   * runs any more, and what could be told has been told.
   */
  async work(): Promise<void> {
    await this.#commands.recover();
    this.#link.open();
    await this.#retirement.done;
    this.#link.close('the worker leaves');
    await this.#commands.close();
  }

  /** Takes no more work, finishes what runs, leaves. */
  drain(reason: string): void {
    this.#retirement.drain(reason);
  }

  /** Ends what runs and leaves. */
  shutDown(reason: string): void {
    this.#retirement.shutDown(reason);
  }

  #hello(): Hello {
    const protocol = { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR };
    const { id: storeId } = this.#workshop.store;
    const commands = this.#commands.all().map((command) => ({
      commandId: command.commandId,
      epoch: command.epoch,
      state: command.state,
      firstOffset: command.journal?.start ?? 0,
      endOffset: command.journal?.written ?? 0,
    }));
    this.#greetings += 1;
    return {
      ...{ kind: 'hello', protocol, storeId, instanceId: this.#instanceId },
      ...{ startedAt: this.#startedAt, greeting: this.#greetings, info: this.#info, commands },
    };
  }

  #up(welcome: Welcome, wire: Wire): void {
    this.#workshop.logger.info('connected to the master', { master: welcome.masterId, holds: this.#commands.size });
    const sender = new JournalSender(wire, (command, error) =>
      this.#complain('journal_unreadable', `command ${command.commandId}: ${messageOf(error)}`),
    );
    this.#sender = sender;
    for (const entry of welcome.commands) {
      const command = this.#commands.find(entry.commandId, entry.epoch);
      if (command === null) this.#complain('unknown_command', `there is no command ${entry.commandId}-${entry.epoch}`);
      else if (entry.action === 'drop') this.#drop(command, entry.reason);
      else void this.#continue(command, entry.offset, sender);
    }
    this.#retirement.connected();
    this.#onConnected(true);
  }

  #down(): void {
    this.#sender?.close();
    this.#sender = null;
    this.#onConnected(false);
  }

  async #continue(command: HeldCommand, offset: number, sender: JournalSender): Promise<void> {
    try {
      await command.journal?.resumeAt(offset);
    } catch (error) {
      this.#complain('journal_gap', `command ${command.commandId}-${command.epoch}: ${messageOf(error)}`);
      return;
    }
    if (this.#sender !== sender || this.#commands.find(command.commandId, command.epoch) !== command) return;
    this.#tellStarted(command);
    sender.add(command, offset);
  }

  #receive(message: Directive): void {
    switch (message.kind) {
      case 'start':
        this.#start(message);
        return;
      case 'ack':
        void this.#acknowledge(message);
        return;
      case 'interrupt':
        this.#interrupt(message);
        return;
      case 'release':
        this.#release(message);
        return;
      case 'shutdown':
        if (message.drain) this.drain(message.reason);
        else this.shutDown(message.reason);
        return;
      case 'error':
        this.#workshop.logger.warn(`the master complains: ${message.message}`, { code: message.code });
        return;
    }
  }

  #start(order: Extract<MasterMessage, { kind: 'start' }>): void {
    const held = this.#commands.newest(order.commandId);
    if (held !== null && held.epoch > order.epoch) {
      const text = `command ${order.commandId} was started with epoch ${held.epoch}; epoch ${order.epoch} is refused`;
      this.#complain('stale_epoch', text);
      return;
    }
    if (held?.epoch === order.epoch) {
      this.#tellStarted(held);
      this.#sender?.add(held, held.journal?.acknowledged ?? 0);
      return;
    }
    // Not begun, so not lost either: the next agent is given the order again. It may be the clean-up of what was ended here.
    if (this.#retirement.stopping) {
      this.#workshop.logger.info('left to the next agent', { command: `${order.commandId}-${order.epoch}` });
      return;
    }
    if (held !== null) this.#drop(held, `epoch ${order.epoch} of the command follows`);
    const command = this.#commands.begin(order);
    this.#workshop.logger.info(`begins: ${order.command.kind}`, command.names());
    this.#sender?.add(command, 0);
    this.#retirement.busy();
  }

  async #acknowledge({ commandId, epoch, offset }: Extract<MasterMessage, { kind: 'ack' }>): Promise<void> {
    const command = this.#commands.find(commandId, epoch);
    // One that was released or dropped meanwhile: the acknowledgement was under way.
    if (command === null) return;
    try {
      await command.journal?.acknowledge(offset);
    } catch (error) {
      this.#complain('bad_ack', `command ${commandId}-${epoch}: ${messageOf(error)}`);
    }
    this.#sender?.wake();
  }

  #interrupt({ commandId, epoch, reason }: Extract<MasterMessage, { kind: 'interrupt' }>): void {
    const command = this.#commands.find(commandId, epoch);
    if (command === null) {
      this.#complain('unknown_command', `there is no command ${commandId}-${epoch} to interrupt`);
      return;
    }
    this.#workshop.logger.info(`interrupted: ${reason}`, command.names());
    command.interrupt(reason);
  }

  #release({ commandId, epoch }: Extract<MasterMessage, { kind: 'release' }>): void {
    const command = this.#commands.find(commandId, epoch);
    if (command === null) return;
    if (command.state === 'running')
      this.#complain('not_finished', `command ${commandId}-${epoch} was released, but it still runs`);
    else this.#forget(command, 'released');
  }

  #drop(command: HeldCommand, reason: string): void {
    this.#workshop.logger.warn(`dropped: ${reason}`, command.names());
    this.#forget(command, reason);
  }

  #forget(command: HeldCommand, reason: string): void {
    this.#sender?.remove(command);
    void this.#commands.forget(command, reason).then(() => this.#retirement.changed());
  }

  #tellStarted(command: HeldCommand): void {
    const message = command.startedMessage();
    if (message !== null) this.#link.send(message);
  }

  #finished(command: HeldCommand): void {
    this.#workshop.logger.info(`finished: ${command.outcomeWords()}`, command.names());
    this.#sender?.wake();
    this.#retirement.changed();
  }

  #complain(code: string, message: string): void {
    this.#workshop.logger.warn(message, { code });
    this.#link.send({ kind: 'error', code, message });
  }
}
