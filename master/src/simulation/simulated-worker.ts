import {
  type Command,
  decodeMasterMessage,
  encodeOutputFrame,
  type MasterMessage,
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR,
  type WorkerMessage,
} from '@icefall/shared';
import type { Clock } from '../engine/ports.ts';
import type { Session } from '../workers/session.ts';
import type { Wire } from '../workers/wire.ts';
import { SimulatedCommand, type Start, type Work } from './simulated-command.ts';

export interface SimulatedWorkerOptions {
  readonly name: string;
  readonly clock: Clock;
  /** What becomes of a command. */
  readonly work: (command: Command, start: Start) => Work;
  /** Opens a session at the master, or null while no master is there. */
  readonly accept: (name: string, wire: Wire) => Session | null;
  /** One way through the network, milliseconds; asked for each message. */
  readonly latencyMs?: () => number;
  /** Output of one command that may be on its way unacknowledged; default: any. */
  readonly windowBytes?: number;
}

/**
 * A worker agent in memory, by the rules of the protocol: it owns its commands, keeps their output and their end until
 * the master has them, and can be cut off, killed or robbed of its disk. For tests of the engine and for simulations.
 */
export class SimulatedWorker {
  readonly name: string;
  /** Every start that began a process here, in order: none may begin twice. */
  readonly begun: Start[] = [];
  /** Every line that a command wrote, by command. */
  readonly written = new Map<number, string[]>();
  readonly #options: SimulatedWorkerOptions;
  readonly #held = new Map<number, SimulatedCommand>();
  /** Commands that were begun and released: a late repetition of their start must not begin them again. */
  readonly #released = new Set<number>();
  #storeId: string;
  #instance = 0;
  #stores = 0;
  #session: Session | null = null;
  #goneAt = 0;
  /** Rises with every connection: what is on its way on an older one never arrives. */
  #connection = 0;
  #isWelcome = false;
  #lastArrival = 0;

  constructor(options: SimulatedWorkerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#storeId = this.#newStore();
  }

  get isConnected(): boolean {
    return this.#session !== null;
  }

  /** Since when it has had no connection, by the clock that nobody sets; null while it has one. */
  get absentSince(): number | null {
    return this.isConnected ? null : this.#goneAt;
  }

  /** Labels of commands that run now. */
  get running(): string[] {
    return [...this.#held.values()].filter((held) => held.outcome === null).map((held) => held.start.label);
  }

  #newStore(): string {
    this.#stores += 1;
    return `store-${this.name}-${this.#stores}`;
  }

  /** Connects and greets. Nothing where it is connected already, or no master is there. */
  connect(): void {
    if (this.#session !== null) return;
    this.#connection += 1;
    this.#isWelcome = false;
    const connection = this.#connection;
    let bytes = 0;
    const wire: Wire = {
      peer: `simulated:${this.name}`,
      send: (text) =>
        this.#later(connection, () => {
          bytes += text.length;
          this.#receive(decodeMasterMessage(text));
        }),
      ping: () => {
        bytes += 1;
      },
      receivedBytes: () => bytes,
      close: () => this.#gone(connection),
      terminate: () => this.#gone(connection),
    };
    this.#session = this.#options.accept(this.name, wire);
    if (this.#session !== null) this.#send(this.#hello());
  }

  #hello(): WorkerMessage {
    return {
      kind: 'hello',
      protocol: { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR },
      storeId: this.#storeId,
      instanceId: `instance-${this.name}-${this.#instance}`,
      info: {
        ...{ platform: 'linux', arch: 'x64', os: { name: 'Simulated', id: 'simulated', version: '1' } },
        ...{ cpus: 4, memoryBytes: 8e9, hostname: this.name, versions: {}, baseDirectory: `/srv/${this.name}` },
      },
      commands: [...this.#held.values()].map((held) => ({
        commandId: held.start.commandId,
        epoch: held.start.epoch,
        state: held.outcome === null ? 'running' : 'finished',
        firstOffset: held.acknowledged,
        endOffset: held.journal.length,
      })),
    };
  }

  /** The network drops: what is on its way is lost, and what runs goes on. */
  cut(): void {
    const session = this.#session;
    this.#gone(this.#connection);
    session?.closed();
  }

  /**
   * Says of every command that runs what the worker of another epoch might: what a master that was restored from a
   * backup hears of numbers that it gives a second time. Nothing may come of it.
   */
  speakOfAnotherEpoch(): void {
    for (const { start, outcome } of this.#held.values()) {
      if (outcome !== null) continue;
      const now = this.#options.clock.now();
      const end = { reason: 'exited', exitCode: 3, signal: null, error: null, values: {} } as const;
      const times = { startedAt: now, finishedAt: now };
      this.#send({
        ...{ kind: 'finished', commandId: start.commandId, epoch: start.epoch + 1_000_000_000, endOffset: 0 },
        outcome: { ...end, ...times },
      });
    }
  }

  /** The master is killed: nobody is told anything. */
  masterDied(): void {
    this.#gone(this.#connection);
  }

  #gone(connection: number): void {
    if (connection !== this.#connection) return;
    if (this.isConnected) this.#goneAt = this.#options.clock.monotonic();
    this.#connection += 1;
    this.#session = null;
    this.#isWelcome = false;
  }

  /** The agent and all it ran are killed and started again: what ran is lost, and it says so. */
  kill(): void {
    this.cut();
    this.#instance += 1;
    for (const held of this.#held.values()) held.end({ reason: 'lost', exitCode: null });
  }

  /** Killed, and started again on an empty disk: it knows nothing of what it ran. */
  loseDisk(): void {
    this.cut();
    this.#instance += 1;
    for (const held of this.#held.values()) held.abandon();
    this.#held.clear();
    this.#released.clear();
    this.#storeId = this.#newStore();
  }

  /** A connection keeps the order of what it carries, however long each takes. */
  #later(connection: number, work: () => void): void {
    const { clock, latencyMs } = this.#options;
    const now = clock.monotonic();
    this.#lastArrival = Math.max(this.#lastArrival, now + (latencyMs?.() ?? 1));
    clock.after(this.#lastArrival - now, () => {
      if (connection === this.#connection) work();
    });
  }

  #send(message: WorkerMessage): void {
    const session = this.#session;
    this.#later(this.#connection, () => session?.received(JSON.stringify(message)));
  }

  #receive(message: MasterMessage): void {
    switch (message.kind) {
      case 'welcome':
        this.#welcomed(message);
        break;
      case 'start':
        this.#start(message);
        break;
      case 'ack':
        this.#with(message, (held) => {
          held.acknowledged = Math.max(held.acknowledged, message.offset);
          this.#tellOutput(held);
          this.#tellEnd(held);
        });
        break;
      case 'interrupt':
        this.#with(message, (held) => {
          if (held.outcome === null) held.interrupt(this.#options.work(held.start.command, held.start));
        });
        break;
      case 'release':
        this.#with(message, () => {
          this.#held.delete(message.commandId);
          this.#released.add(message.commandId);
        });
        break;
      case 'shutdown':
        this.#send({ kind: 'leaving', reason: message.reason });
        break;
      case 'error':
        throw new Error(`the master complains to ${this.name}: ${message.message}`);
    }
  }

  #with(ref: { readonly commandId: number; readonly epoch: number }, work: (held: SimulatedCommand) => void): void {
    const held = this.#held.get(ref.commandId);
    if (held !== undefined && held.start.epoch === ref.epoch) work(held);
  }

  #welcomed(welcome: Extract<MasterMessage, { kind: 'welcome' }>): void {
    this.#isWelcome = true;
    for (const command of welcome.commands) {
      const held = this.#held.get(command.commandId);
      if (held === undefined) continue;
      if (command.action === 'drop') {
        held.abandon();
        this.#held.delete(command.commandId);
        this.#released.add(command.commandId);
      } else {
        held.sent = command.offset;
        held.acknowledged = Math.max(held.acknowledged, command.offset);
        held.isEndTold = false;
        this.#tellStarted(held);
        this.#tellOutput(held);
        this.#tellEnd(held);
      }
    }
  }

  #start(start: Start): void {
    const known = this.#held.get(start.commandId);
    if (known !== undefined) {
      this.#tellStarted(known);
      return;
    }
    if (this.#released.has(start.commandId)) throw new Error(`${start.label} was ordered again after its release`);
    const { clock, work } = this.#options;
    this.begun.push(start);
    const held: SimulatedCommand = new SimulatedCommand(start, clock, {
      onLine: (line) => this.#wrote(held, line),
      onEnd: () => this.#tellEnd(held),
    });
    this.#held.set(start.commandId, held);
    this.#tellStarted(held);
    held.run(work(start.command, start));
  }

  #wrote(held: SimulatedCommand, line: string): void {
    const { commandId } = held.start;
    const lines = this.written.get(commandId);
    if (lines === undefined) this.written.set(commandId, [line]);
    else lines.push(line);
    this.#tellOutput(held);
  }

  #tellStarted({ start: { commandId, epoch }, startedAt }: SimulatedCommand): void {
    if (this.#isWelcome) this.#send({ kind: 'started', commandId, epoch, at: startedAt, pid: commandId });
  }

  #tellOutput(held: SimulatedCommand): void {
    const { windowBytes = Number.POSITIVE_INFINITY } = this.#options;
    if (!this.#isWelcome || held.sent >= held.journal.length) return;
    // No more than the window may be on its way: the rest goes when the master has acknowledged.
    if (held.sent - held.acknowledged >= windowBytes) return;
    const { commandId, epoch } = held.start;
    const frame = encodeOutputFrame({ commandId, epoch, offset: held.sent, payload: held.journal.slice(held.sent) });
    held.sent = held.journal.length;
    const session = this.#session;
    this.#later(this.#connection, () => session?.receivedFrame(frame));
  }

  #tellEnd(held: SimulatedCommand): void {
    const { commandId, epoch } = held.start;
    // The end is told after all output, once.
    if (this.#isWelcome && held.outcome !== null && held.sent >= held.journal.length && !held.isEndTold) {
      held.isEndTold = true;
      this.#send({ kind: 'finished', commandId, epoch, endOffset: held.journal.length, outcome: held.outcome });
    }
  }
}
