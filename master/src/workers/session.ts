import {
  CLOSE,
  decodeOutputFrame,
  decodeWorkerMessage,
  type Hello,
  type MasterMessage,
  PROTOCOL_MAJOR,
  ProtocolError,
  SECRETS_MINOR,
  type WorkerMessage,
} from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import { Acknowledger } from './acknowledger.ts';
import type { Commands, WorkerLink } from './commands.ts';
import { Liveness } from './liveness.ts';
import { closeReason, type Wire } from './wire.ts';

/** An agent greets as soon as it is connected; one that does not is none. */
export const HELLO_TIMEOUT_MS = 20_000;
/** So many bad messages in a minute, and the other side is no agent of ours. */
export const MAX_FAULTS_A_MINUTE = 20;
const MINUTE_MS = 60_000;
/** WebSocket's own code for an end because of a fault on this side (RFC 6455, 7.4.1); the agent soon comes back. */
const INTERNAL_FAULT = 1011;

/** Who decides about sessions: see `Sessions`. */
export interface SessionDesk {
  /** A valid hello. The desk calls the session's `welcome` or `refuse`. */
  greeted(session: Session, hello: Hello): void;
  leaving(session: Session, reason: string): void;
  /** It was refused by a rule of the protocol. */
  refused(session: Session, why: string): void;
  /** Its connection is no more; nothing comes after it. */
  ended(session: Session): void;
}

interface SessionOptions {
  readonly name: string;
  readonly wire: Wire;
  readonly core: Core;
  readonly commands: Commands;
  readonly desk: SessionDesk;
}

/**
 * One connection of an authenticated agent, from its first message to its end:
 * `greeting` (only a hello is taken), `up` (welcomed), `over` (nothing is taken or sent any more).
 */
export class Session implements WorkerLink {
  readonly name: string;
  readonly peer: string;
  readonly since: number;
  readonly #wire: Wire;
  readonly #core: Core;
  readonly #commands: Commands;
  readonly #desk: SessionDesk;
  readonly #liveness: Liveness;
  readonly #acks: Acknowledger;
  readonly #helloTimer: Timer;
  #state: 'greeting' | 'up' | 'over' = 'greeting';
  #storeId = '';
  #protocolMinor = 0;
  #faults = { count: 0, since: 0 };
  /** Unknown commands whose frames were complained about: once is enough. */
  readonly #complained = new Set<string>();

  constructor({ name, wire, core, commands, desk }: SessionOptions) {
    const { clock } = core;
    this.name = name;
    this.peer = wire.peer;
    this.since = core.now();
    this.#wire = wire;
    this.#core = core;
    this.#commands = commands;
    this.#desk = desk;
    this.#liveness = new Liveness(wire, clock, () => this.#silent());
    this.#acks = new Acknowledger({
      clock,
      send: (ref, offset) => this.send({ kind: 'ack', ...ref, offset }),
      onFault: (error) => this.#fault(error),
    });
    this.#helloTimer = clock.after(HELLO_TIMEOUT_MS, () =>
      this.end(CLOSE.protocolError, `no hello came within ${HELLO_TIMEOUT_MS / 1000} s`),
    );
  }

  /** Of the worker's journal. Empty before its hello. */
  get storeId(): string {
    return this.#storeId;
  }

  get takesSecrets(): boolean {
    return this.#protocolMinor >= SECRETS_MINOR;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Something came from the agent not long ago. */
  get alive(): boolean {
    return this.#state !== 'over' && this.#liveness.alive;
  }

  /** A text frame has come. */
  received(text: string): void {
    if (this.#state === 'over') return;
    this.#guarded(() => this.#take(decodeWorkerMessage(text)));
  }

  /** A binary frame has come. */
  receivedFrame(bytes: Uint8Array): void {
    if (this.#state === 'over') return;
    this.#guarded(() => {
      if (this.#state === 'greeting') throw new ProtocolError('not_greeted', 'a binary frame came before the hello');
      this.#output(decodeOutputFrame(bytes), bytes.length);
    });
  }

  /** The connection is no more. */
  closed(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#helloTimer.cancel();
    this.#liveness.end();
    this.#acks.close();
    this.#desk.ended(this);
  }

  send(message: MasterMessage): void {
    if (this.#state !== 'over') this.#wire.send(JSON.stringify(message));
  }

  /** Takes the session up, inside the turn of its hello. It is said to the agent by a welcome after the commit. */
  welcome(hello: Hello): void {
    this.#state = 'up';
    this.#storeId = hello.storeId;
    this.#protocolMinor = hello.protocol.minor;
    this.#helloTimer.cancel();
  }

  /** Says why, and closes. */
  refuse(code: number, errorCode: string, why: string): void {
    this.send({ kind: 'error', code: errorCode, message: why });
    this.#desk.refused(this, why);
    this.end(code, why);
  }

  /** Ends the connection from this side; the desk hears of it as of any other end. */
  end(code: number, reason: string): void {
    if (this.#state === 'over') return;
    this.#wire.close(code, closeReason(reason));
    this.closed();
  }

  #silent(): void {
    this.#core.log.warn({ worker: this.name, peer: this.peer }, 'the worker is silent, the connection is given up');
    this.#wire.terminate();
    this.closed();
  }

  #take(message: WorkerMessage): void {
    if (message.kind === 'hello') this.#greet(message);
    else if (this.#state === 'greeting')
      throw new ProtocolError('not_greeted', `a message of kind "${message.kind}" came before the hello`);
    else this.#takeGreeted(message);
  }

  #takeGreeted(message: Exclude<WorkerMessage, Hello>): void {
    switch (message.kind) {
      case 'started':
        this.#commands.noteStarted(this.name, message);
        return;
      case 'finished':
        this.#finished(message);
        return;
      case 'leaving':
        this.#desk.leaving(this, message.reason);
        return;
      case 'error':
        this.#count();
        this.#core.log.warn({ worker: this.name, code: message.code }, `the worker complains: ${message.message}`);
        return;
      default:
        message satisfies never;
    }
  }

  #greet(hello: Hello): void {
    const { major } = hello.protocol;
    if (this.#state === 'up') throw new ProtocolError('greeted_twice', 'a second hello came on one connection');
    if (major === PROTOCOL_MAJOR) {
      this.#desk.greeted(this, hello);
      return;
    }
    const newer = major > PROTOCOL_MAJOR ? 'master' : 'worker';
    const why = `the worker speaks version ${major} of the protocol, this master ${PROTOCOL_MAJOR}; update the ${newer}`;
    this.refuse(CLOSE.versionMismatch, 'version_mismatch', why);
  }

  #finished(message: Extract<WorkerMessage, { kind: 'finished' }>): void {
    const key = `${message.commandId}-${message.epoch}`;
    this.#orEnd(() => this.#commands.finish(this.name, message), key);
    this.#acks.forget(message.commandId);
  }

  #output(frame: ReturnType<typeof decodeOutputFrame>, bytes: number): void {
    const { commandId, epoch } = frame;
    const key = `${commandId}-${epoch}`;
    if (this.#complained.has(key)) return;
    this.#orEnd(() => {
      const { journal } = this.#commands.output(this.name, frame);
      this.#acks.took({ commandId, epoch }, journal, bytes);
    }, key);
  }

  /** Output that does not follow on what is here cannot be mended on this connection: the next hello settles it. */
  #orEnd(work: () => void, key: string): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#complain(error);
      if (error.code === 'unknown_command') this.#complained.add(key);
      else this.end(CLOSE.protocolError, error.code);
    }
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof ProtocolError) this.#badMessage(error);
      else this.#fault(error);
    }
  }

  #badMessage(error: ProtocolError): void {
    const greeting = this.#state === 'greeting';
    this.#complain(error);
    // One that cannot even say hello would not be understood later either.
    if (greeting) this.end(CLOSE.protocolError, error.code);
  }

  #complain({ code, message }: ProtocolError): void {
    this.#core.log.warn({ worker: this.name, peer: this.peer, code }, `bad message: ${message}`);
    this.send({ kind: 'error', code, message });
    this.#count();
  }

  /** Counts a fault of the other side, and closes when there are too many. */
  #count(): void {
    const now = this.#core.now();
    if (now - this.#faults.since >= MINUTE_MS) this.#faults = { count: 0, since: now };
    this.#faults.count += 1;
    if (this.#faults.count > MAX_FAULTS_A_MINUTE) this.end(CLOSE.protocolError, 'too many bad messages');
  }

  /** A fault of this side: what was not put on record is told again by the agent after the next hello. */
  #fault(error: unknown): void {
    this.#core.log.error({ worker: this.name, err: error }, 'a message of a worker could not be handled');
    this.end(INTERNAL_FAULT, 'the master could not handle a message; its log says why');
  }
}
