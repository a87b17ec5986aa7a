import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Command,
  type CommandOutcome,
  decodeMasterMessage,
  encodeOutputFrame,
  encodeRecord,
  type Hello,
  type MasterMessage,
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR,
  type ShellCommand,
  STREAM,
  type WorkerInfo,
  type WorkerMessage,
} from '@icefall/shared';
import { onTestFinished } from 'vitest';
import type { NewCommand } from '../builds/command-port.ts';
import { builder, factory } from '../config/builders.ts';
import { takeProblems } from '../config/problems.ts';
import type { SiteDeclaration } from '../config/site.ts';
import { site } from '../config/site-program.ts';
import { type WorkerOptions, worker } from '../config/workers.ts';
import { type Database, openDatabase } from '../db/database.ts';
import { Core } from '../engine/core.ts';
import type { Clock } from '../engine/ports.ts';
import { SiteConfig } from '../engine/site-config.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { LogStore } from '../logs/log-store.ts';
import type { SecretSource } from '../secrets/secrets.ts';
import { Commands } from './commands.ts';
import type { Session } from './session.ts';
import type { Wire } from './wire.ts';
import { Workers } from './workers.ts';

export const MINUTE = 60_000;
const START = Date.UTC(2025, 5, 2, 12);

/** A site whose only matter are its workers. */
export function siteWith(...workers: readonly WorkerOptions[]): SiteDeclaration {
  const declared = workers.map((options) => worker(options));
  const keeper = worker({ name: 'keeper' });
  const b = builder({ name: 'b', workers: [...declared, keeper], factory: factory([]) });
  const made = site({ title: 'test', workers: [...declared, keeper], builders: [b] });
  const problems = takeProblems();
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return made;
}

export function shell(rest: Partial<ShellCommand> = {}): ShellCommand {
  return {
    ...{ kind: 'shell', command: 'true', workdir: 'build', env: {}, idleTimeoutMs: null, maxTimeMs: null },
    ...{ maxLines: null, killGraceMs: 5000, stdin: null, logFiles: [], capture: false },
    ...rest,
  };
}

export function outcome(rest: Partial<CommandOutcome> = {}): CommandOutcome {
  return {
    ...{ reason: 'exited', exitCode: 0, signal: null, error: null, values: {}, startedAt: 1, finishedAt: 2 },
    ...rest,
  };
}

interface Place {
  readonly database: Database;
  readonly clock: Clock;
  readonly directory: string;
  /** Default: there are none. */
  readonly secrets?: SecretSource;
}

/** One life of a master as far as workers see it: its rooms on a database and a directory that outlive it. */
export class TestRoom {
  readonly core: Core;
  readonly config: SiteConfig;
  readonly logs: LogStore;
  readonly commands: Commands;
  readonly workers: Workers;
  /** What was told about steps, in order. */
  readonly told: string[] = [];
  readonly logged: string[] = [];
  /** What outlives the process: the next one is given it. */
  readonly place: Place;

  constructor(declared: SiteDeclaration, place: Partial<Place> = {}) {
    this.place = {
      database: place.database ?? openDatabase(':memory:'),
      clock: place.clock ?? new VirtualClock(START),
      directory: place.directory ?? temporaryDirectory(),
    };
    const note = (_fields: object, message: string) => void this.logged.push(message);
    this.core = new Core({
      database: this.place.database,
      clock: this.place.clock,
      random: { next: () => 0.5 },
      log: { info: () => {}, warn: note, error: note },
    });
    this.config = new SiteConfig(declared, 1);
    this.logs = new LogStore(this.core, join(this.place.directory, 'logs'));
    this.commands = new Commands(
      this.core,
      this.logs,
      place.secrets ?? { fetch: (_build, _names, answer) => answer({ values: {} }) },
    );
    this.workers = new Workers(this.core, this.config, this.commands);
    this.commands.started.on(({ buildId, pid }) => this.told.push(`${buildId} started ${pid}`));
    this.commands.finished.on(({ buildId, outcome: { reason, exitCode } }) =>
      this.told.push(`${buildId} ${reason} ${exitCode}`),
    );
    this.commands.lost.on(({ buildId, why }) => this.told.push(`${buildId} lost: ${why}`));
    this.workers.start();
  }

  get directory(): string {
    return this.place.directory;
  }

  /** The time of a room that was made without a clock of its own. */
  get clock(): VirtualClock {
    if (this.place.clock instanceof VirtualClock) return this.place.clock;
    throw new Error('this room runs on another clock');
  }

  /** The process dies without a word; another one starts on what is on disk. */
  restarted(): TestRoom {
    this.logs.close();
    return new TestRoom(this.config.site, { ...this.place, clock: new VirtualClock(this.core.now()) });
  }

  /** A running build on a worker, with one step. */
  build(workerName = 'w1'): number {
    const { db } = this.core;
    const now = this.core.now();
    return this.core.turn(() => {
      const buildset = db.insert('buildsets', {
        ...{ scheduler: 's', reason: 'test', source_stamps: '[]', change_ids: '[]', properties: '{}' },
        created_at: now,
      });
      const request = db.insert('requests', {
        ...{ buildset_id: buildset, builder: 'b', priority: 0, state: 'building', submitted_at: now },
      });
      const build = db.insert('builds', {
        ...{
          builder: 'b',
          number: request,
          request_id: request,
          buildset_id: buildset,
          attempt: 1,
          epoch: 1000 + request,
        },
        ...{ worker: workerName, directory: `b${request}`, holds_slot: 1, state: 'running', result_so_far: 'SUCCESS' },
        ...{ submitted_at: now, started_at: now, properties: '{}', config_version: 1, shape: '' },
      });
      db.insert('steps', { build_id: build, number: 0, name: 'compile', kind: 'shell', state: 'running' });
      return build;
    });
  }

  /** Runs a command for a build's only step. */
  order(buildId: number, command: Command = shell(), rest: Partial<NewCommand> = {}): void {
    const { worker: on, epoch } = this.row<{ worker: string; epoch: number }>(
      'SELECT * FROM builds WHERE id = ?',
      buildId,
    );
    const whole = { buildId, stepNumber: 0, epoch, worker: on, label: `b #${buildId}`, transfer: null, patient: false };
    this.core.turn(() => this.commands.start({ ...whole, command, ...rest }));
  }

  interrupt(buildId: number, reason = 'no more'): void {
    this.core.turn(() => this.commands.interrupt({ buildId, stepNumber: 0 }, reason));
  }

  endBuild(buildId: number): void {
    this.core.turn(() => {
      this.core.db.update('builds', { id: buildId }, { state: 'finished' });
      this.core.touch('build', buildId);
    });
  }

  row<Row>(sql: string, ...values: readonly (string | number)[]): Row {
    const row = this.core.db.one<Row>(sql, ...values);
    if (row === null) throw new Error(`no row: ${sql}`);
    return row;
  }

  graceOf(buildId: number): number | null {
    const { grace_until: until } = this.row<{ grace_until: number | null }>(
      'SELECT * FROM builds WHERE id = ?',
      buildId,
    );
    return until === null ? null : until - this.core.now();
  }

  /** Names of commands on record. */
  get onRecord(): string[] {
    return this.core.db
      .all<{ id: number; state: string }>('SELECT * FROM commands ORDER BY id')
      .map(({ id, state }) => `${id} ${state}`);
  }

  text(buildId: number): string {
    return this.logs
      .ofStep(buildId, 0)
      .map(({ id }) => [...this.logs.raw(id)].map(String).join(''))
      .join('');
  }

  /** An agent connects and says hello. */
  connect(name = 'w1', hello: Partial<Hello> = {}): TestAgent {
    const agent = new TestAgent(this.workers, name);
    agent.says({ ...HELLO, ...hello });
    return agent;
  }
}

const INFO: WorkerInfo = {
  ...{ platform: 'linux', arch: 'x64', os: { name: 'Linux', id: 'linux', version: '1' }, cpus: 4, memoryBytes: 8e9 },
  ...{ hostname: 'h', versions: { agent: '0.1.0' }, baseDirectory: '/w' },
};
export const HELLO: Hello = {
  kind: 'hello',
  protocol: { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR },
  storeId: 'store-one',
  instanceId: 'instance-one',
  info: INFO,
  commands: [],
};

/** An agent by hand: what it is told is kept, what it says is up to the test. */
export class TestAgent implements Wire {
  readonly peer = '192.0.2.1';
  readonly messages: MasterMessage[] = [];
  readonly session: Session;
  /** Set when the connection is ended: a code, or "terminated". */
  end: string | null = null;
  pings = 0;
  /** False: its machine has lost its power. */
  answers = true;
  #bytes = 0;
  readonly #ends = new Map<number, number>();

  constructor(workers: Workers, name: string) {
    this.session = workers.accept(name, this);
  }

  send(text: string): void {
    this.messages.push(decodeMasterMessage(text));
  }

  ping(): void {
    this.pings += 1;
    if (this.answers) this.#bytes += 6;
  }

  receivedBytes(): number {
    return this.#bytes;
  }

  close(code: number, reason: string): void {
    this.end = `${code} ${reason}`;
  }

  terminate(): void {
    this.end = 'terminated';
  }

  /** The connection breaks. */
  cut(): void {
    this.session.closed();
  }

  says(message: WorkerMessage): void {
    this.saysText(JSON.stringify(message));
  }

  saysText(text: string): void {
    this.#bytes += text.length;
    this.session.received(text);
  }

  frame(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    this.session.receivedFrame(bytes);
  }

  /** Sends output of a command from where it stopped, or from an offset; gives the offset behind it. */
  output(commandId: number, epoch: number, text: string, from = this.#ends.get(commandId) ?? 0): number {
    const payload = recordOf(text);
    this.frame(encodeOutputFrame({ commandId, epoch, offset: from, payload }));
    this.#ends.set(commandId, from + payload.length);
    return from + payload.length;
  }

  finishes(
    commandId: number,
    epoch: number,
    endOffset = this.#ends.get(commandId) ?? 0,
    rest?: Partial<CommandOutcome>,
  ) {
    this.says({ kind: 'finished', commandId, epoch, endOffset, outcome: outcome(rest) });
  }

  /** Kinds of what it was told, with the command where there is one. */
  get heard(): string[] {
    return this.messages.map((message) => {
      if (message.kind === 'welcome')
        return `welcome [${message.commands.map((entry) => `${entry.action} ${entry.commandId}`).join(', ')}]`;
      if ('offset' in message) return `${message.kind} ${message.commandId} ${message.offset}`;
      if ('commandId' in message) return `${message.kind} ${message.commandId}`;
      return 'code' in message ? `${message.kind} ${message.code}` : message.kind;
    });
  }

  get welcome(): Extract<MasterMessage, { kind: 'welcome' }> | undefined {
    return this.messages.find((message) => message.kind === 'welcome');
  }
}

export function recordOf(text: string, stream: number = STREAM.stdout): Uint8Array {
  return encodeRecord({ stream, at: 1, data: Buffer.from(text) });
}

/** A directory that goes when the test has finished. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'icefall-workers-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
