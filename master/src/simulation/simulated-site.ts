import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Build, Command } from '@icefall/shared';
import type { SiteDeclaration } from '../config/site.ts';
import { type Database, openDatabase } from '../db/database.ts';
import type { Clock, Logger, Random } from '../engine/ports.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { Master } from '../master.ts';
import type { MakeProvider } from '../pools/pools.ts';
import type { PoolProvider } from '../pools/provider.ts';
import type { RepositoryReader } from '../projects/repository-reader.ts';
import type { Transport } from '../reporters/transport.ts';
import type { NewBuildset } from '../requests/buildsets.ts';
import type { SecretSource } from '../secrets/secrets.ts';
import type { Work } from './simulated-command.ts';
import { SimulatedMasterCommands } from './simulated-master-commands.ts';
import { SimulatedWorker } from './simulated-worker.ts';

export interface SimulatedSiteOptions {
  readonly site: SiteDeclaration;
  readonly work?: (command: Command, label: string) => Work;
  readonly startMs?: number;
  readonly random?: Random;
  readonly log?: Logger;
  readonly latencyMs?: () => number;
  /** Of every worker: see SimulatedWorkerOptions. */
  readonly windowBytes?: number;
  /** Whether the database is a file beside the logs, as a real master's is; default: in memory. */
  readonly isOnDisk?: boolean;
  /** A state to go on from, which is removed in the end; default: a new one. */
  readonly directory?: string;
  /** An open, empty database in place of one of its own; whoever gives it closes it. */
  readonly database?: Database;
  /** Where logs are written; default: a directory for temporary files. It is removed in the end. */
  readonly below?: string;
  /** Makes the containers of pools; default: there are none, and none are made. */
  readonly makeProvider?: MakeProvider;
  /** Reads the pipelines of projects; default: finds nothing new in any. */
  readonly repositories?: RepositoryReader;
  /** How reports of builds go out; default: nobody is told. */
  readonly transport?: Transport;
  /** Called for every process of the master, before workers come. */
  readonly opened?: (master: Master) => void;
}

const NO_CONTAINERS: PoolProvider = { list: async () => [], start: async () => {}, remove: async () => {} };
const NOTHING_NEW: RepositoryReader = { look: () => Promise.resolve(null), keepOnly() {}, stop() {} };
const SILENT: Logger = { info() {}, warn() {}, error() {} };
/** Simulated commands look at nothing they are given. */
const NO_SECRETS: SecretSource = { fetch: (_build, _names, answer) => answer({ values: {} }) };
/** 2025-06-02 12:00 UTC, a Monday. */
const START = Date.UTC(2025, 5, 2, 12);

/** A process's view of the clock: what it meant to do later is not done once it is dead. */
function mortal(clock: Clock, life: { readonly isOver: boolean }): Clock {
  const alive = (callback: () => void) => () => {
    if (!life.isOver) callback();
  };
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    at: (timeMs, callback) => clock.at(timeMs, alive(callback)),
    after: (ms, callback) => clock.after(ms, alive(callback)),
  };
}

/** A whole site in memory and in virtual time: the real engine, simulated workers, a database that survives restarts. */
export class SimulatedSite implements Disposable {
  readonly clock: VirtualClock;
  /** The master's state. */
  readonly directory: string;
  readonly workers: ReadonlyMap<string, SimulatedWorker>;
  #master: Master | null;
  readonly #database: Database;
  readonly #options: SimulatedSiteOptions;
  readonly #work: (command: Command, label: string) => Work;
  #site: SiteDeclaration;
  #life = { isOver: false };

  constructor(options: SimulatedSiteOptions) {
    this.#options = options;
    this.#work = options.work ?? (() => ({ durationMs: 1000 }));
    this.#site = options.site;
    this.clock = new VirtualClock(options.startMs ?? START);
    this.directory = options.directory ?? mkdtempSync(join(options.below ?? tmpdir(), 'icefall-simulation-'));
    this.#database =
      options.database ?? openDatabase(options.isOnDisk === true ? join(this.directory, 'icefall.db') : ':memory:');
    this.#master = this.#open();
    this.workers = new Map(
      options.site.workers.map(({ name }) => [
        name,
        new SimulatedWorker({
          name,
          clock: this.clock,
          work: (command, { label }) => this.#work(command, label),
          accept: (worker, wire) => this.#master?.workers.accept(worker, wire) ?? null,
          ...(options.latencyMs === undefined ? {} : { latencyMs: options.latencyMs }),
          ...(options.windowBytes === undefined ? {} : { windowBytes: options.windowBytes }),
        }),
      ]),
    );
  }

  #open(): Master {
    this.#life = { isOver: false };
    const master = Master.open({
      directory: this.directory,
      database: this.#database,
      site: this.#site,
      siteFile: null,
      clock: mortal(this.clock, this.#life),
      random: this.#options.random ?? { next: () => 0.5 },
      log: this.#options.log ?? SILENT,
      secrets: NO_SECRETS,
      makeProvider: this.#options.makeProvider ?? (() => NO_CONTAINERS),
      repositories: this.#options.repositories ?? NOTHING_NEW,
      ...(this.#options.transport === undefined ? {} : { transport: this.#options.transport }),
      masterCommands: (core) => new SimulatedMasterCommands(core, this.#work),
    });
    this.#options.opened?.(master);
    return master;
  }

  get isMasterUp(): boolean {
    return this.#master !== null;
  }

  get master(): Master {
    if (this.#master === null) throw new Error('the master is not running');
    return this.#master;
  }

  worker(name: string): SimulatedWorker {
    const worker = this.workers.get(name);
    if (worker === undefined) throw new Error(`the site has no worker ${name}`);
    return worker;
  }

  connectAll(): this {
    for (const worker of this.workers.values()) worker.connect();
    this.clock.advance(10);
    return this;
  }

  /** Lets time pass. */
  run(ms: number): this {
    this.clock.advance(ms);
    return this;
  }

  /** The master's process is killed: its memory is gone, its disk is there. Every worker loses its connection. */
  killMaster(): void {
    this.#life.isOver = true;
    for (const worker of this.workers.values()) worker.masterDied();
    this.master.logs.close();
    this.#master = null;
  }

  /** Puts another configuration in force: at once, or at the next start of the master. */
  configure(site: SiteDeclaration): void {
    this.#site = site;
    this.#master?.apply(site);
  }

  startMaster(site?: SiteDeclaration): this {
    this.#site = site ?? this.#site;
    this.#master = this.#open();
    return this;
  }

  /** Asks for builds: one buildset for the named builders. */
  request(builders: readonly string[], more: Partial<NewBuildset> = {}): { buildsetId: number; requestIds: number[] } {
    const { buildsets } = this.master.rooms;
    return this.master.core.turn(() =>
      buildsets.add({
        ...{ scheduler: 'test', reason: 'asked for', builders, sourceStamps: [], properties: {}, priority: 0 },
        ...more,
      }),
    );
  }

  result(requestId: number): Build['result'] {
    return this.master.rooms.requests.row(requestId)?.result ?? null;
  }

  [Symbol.dispose](): void {
    if (this.#master !== null) this.killMaster();
    if (this.#options.database === undefined) this.#database.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
