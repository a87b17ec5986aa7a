import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AuditLog } from './access/audit-log.ts';
import { Builds } from './builds/builds.ts';
import { Deadlines } from './builds/deadlines.ts';
import { Deadlocks } from './builds/deadlocks.ts';
import { type MasterCommandPort, MasterProcesses } from './builds/master-processes.ts';
import { Changes } from './changes/changes.ts';
import { GitPollers } from './changes/git-pollers.ts';
import { Webhooks } from './changes/webhooks.ts';
import type { SiteDeclaration } from './config/site.ts';
import { type Database, openDatabase } from './db/database.ts';
import { Distributor } from './distributor/distributor.ts';
import { nextConfigVersion } from './engine/config-versions.ts';
import { Core } from './engine/core.ts';
import type { Clock, Logger, Random } from './engine/ports.ts';
import { SiteConfig } from './engine/site-config.ts';
import { BuildViews } from './events/build-views.ts';
import { StepViews } from './events/step-views.ts';
import { LockAlarms } from './locks/lock-alarms.ts';
import { LockBlockers } from './locks/lock-blockers.ts';
import { LockHistory } from './locks/lock-history.ts';
import { LockKeeper } from './locks/lock-keeper.ts';
import { LogStore } from './logs/log-store.ts';
import { type MakeProvider, Pools } from './pools/pools.ts';
import type { RepositoryReader } from './projects/repository-reader.ts';
import { Seed } from './projects/seed.ts';
import { ThreadedReader } from './projects/threaded-reader.ts';
import { Reporters } from './reporters/reporters.ts';
import type { Transport } from './reporters/transport.ts';
import { Buildsets } from './requests/buildsets.ts';
import { Requests } from './requests/requests.ts';
import { Schedulers } from './schedulers/schedulers.ts';
import { isOwnVariable } from './secrets/own-variables.ts';
import { type SecretSource, Secrets } from './secrets/secrets.ts';
import { type HealthOptions, StorageHealth } from './storage/health.ts';
import { Commands } from './workers/commands.ts';
import { Slots } from './workers/slots.ts';
import { Workers } from './workers/workers.ts';

export interface RoomPorts {
  /** Where database, logs and mirrors are kept. */
  readonly directory: string;
  /** Default: the one in the directory. */
  readonly database?: Database;
  readonly site: SiteDeclaration;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** How the free space of the disk is watched. Default: not at all. */
  readonly health?: HealthOptions;
  /** Where commands get secrets. Default: what the site says. */
  readonly secrets?: SecretSource;
  /** How reports of builds go out. Default: none do, and none are put in line. */
  readonly transport?: Transport;
  /** Runs what steps want to be run on the master's machine. Default: {@link MasterProcesses}. */
  readonly masterCommands?: (core: Core, logs: LogStore) => MasterCommands;
  /** Makes what makes the containers of pools. Default: a cluster or engine, as they are declared. */
  readonly makeProvider?: MakeProvider;
  /** Reads the pipelines of projects. Default: {@link ThreadedReader}. */
  readonly repositories?: RepositoryReader;
}

type MasterCommands = MasterCommandPort & { close(): void };

/** All rooms of a master, wired to each other. */
export interface Rooms {
  readonly database: Database;
  readonly core: Core;
  readonly config: SiteConfig;
  readonly audit: AuditLog;
  readonly logs: LogStore;
  readonly changes: Changes;
  readonly webhooks: Webhooks;
  readonly pollers: GitPollers;
  readonly seed: Seed;
  readonly pools: Pools;
  readonly buildsets: Buildsets;
  readonly requests: Requests;
  readonly schedulers: Schedulers;
  readonly locks: LockKeeper;
  readonly lockBlockers: LockBlockers;
  readonly lockAlarms: LockAlarms;
  readonly deadlines: Deadlines;
  readonly slots: Slots;
  readonly commands: Commands;
  readonly workers: Workers;
  readonly processes: MasterCommands;
  readonly builds: Builds;
  readonly distributor: Distributor;
  readonly reporters: Reporters;
  readonly health: StorageHealth;
}

/** Opens the store in a directory and the rooms on top of it. Nothing moves yet: {@link startRooms} does that. */
export function openRooms({ directory, site, clock, random, log, ...ports }: RoomPorts): Rooms {
  mkdirSync(directory, { recursive: true });
  const database = ports.database ?? openDatabase(join(directory, 'icefall.db'));
  const core = new Core({ database, clock, random, log });
  const seed = new Seed(core, site, ports.repositories ?? new ThreadedReader(join(directory, 'projects')));
  const config = new SiteConfig(
    seed.compose(site),
    core.turn(() => nextConfigVersion(core, site)),
    core.now(),
  );
  const logs = new LogStore(core, join(directory, 'logs'));
  const changes = new Changes(core, config);
  const buildsets = new Buildsets(core);
  const requests = new Requests(core, buildsets);
  const schedulers = new Schedulers(core, config, buildsets, changes);
  seed.attach({ config, changes, schedulers });
  const locks = new LockKeeper(core, config);
  const lockBlockers = new LockBlockers(core, config, locks);
  const slots = new Slots(core, config);
  const ownSecrets = new Secrets(core, config);
  const secrets = ports.secrets ?? ownSecrets;
  const commands = new Commands(core, logs, secrets);
  const workers = new Workers(core, config, commands);
  const processes =
    ports.masterCommands?.(core, logs) ??
    new MasterProcesses(core, logs, secrets, (variable) => isOwnVariable(config.site, variable));
  const isConnected = (worker: string) => workers.presence(worker).connected;
  const shared = { buildsets, requests, schedulers, slots, locks, lockBlockers };
  const builds = new Builds(core, config, { ...shared, commands, masterCommands: processes, logs, isConnected });
  const pools = new Pools(core, config, { slots, workers }, ports.makeProvider);
  const states = {
    isConnected,
    isAvailable: (worker: string) => workers.isAvailable(worker),
    pools,
  };
  const distributor = new Distributor(core, config, { ...shared, builds, workers: states });
  new LockHistory(core, locks);
  const lockAlarms = new LockAlarms(core, config, locks);
  const deadlines = new Deadlines(core, config);
  builds.deadlineTold.on(({ deadline, builder }) => deadlines.set(deadline, builder));
  new Deadlocks(core, config, { builds, requests, locks, isAvailable: states.isAvailable });
  workers.arrived.on((worker) => {
    distributor.wakeWorker(worker);
    // Whoever waited for it may turn out to wait for others, who wait for them: nobody else would notice.
    locks.wake();
  });
  workers.left.on((worker) => distributor.wakeWorker(worker));
  pools.changed.on((worker) => distributor.wakeWorker(worker));
  const health = new StorageHealth(core, ports.health ?? null);
  const webhooks = new Webhooks(core, config, changes);
  const pollers = new GitPollers(core, config, changes, { directory: join(directory, 'mirrors') });
  const told = {
    ...{ config, changes, logs, views: new BuildViews(core.db, new StepViews(core.db, logs)) },
    ...{ secret: (name: string) => ownSecrets.ofSite(name), now: () => core.now() },
  };
  const reporters = new Reporters(core, told, ports.transport ?? null);
  return {
    ...{ audit: new AuditLog(core, config), seed, pools, reporters },
    ...{ database, core, config, logs, changes, webhooks, pollers, buildsets, requests, schedulers },
    ...{ locks, lockBlockers, lockAlarms, deadlines, slots, commands, workers, processes, builds, distributor, health },
  };
}

/** Goes on where the last process left off: first what runs, then what waits, then what begins. */
export function startRooms(rooms: Rooms): void {
  rooms.reporters.start();
  rooms.workers.start();
  rooms.builds.resume();
  rooms.core.turn(() => {
    rooms.distributor.wakeAll();
    rooms.locks.wake();
  });
  rooms.lockAlarms.look();
  rooms.deadlines.look();
  rooms.schedulers.start();
  rooms.pollers.start();
  rooms.seed.start();
  rooms.pools.start();
  rooms.health.start();
  rooms.core.clockWatch.start();
}

/** Stops in the opposite order. What runs on workers goes on. */
export async function closeRooms(rooms: Rooms): Promise<void> {
  await rooms.reporters.stop();
  rooms.core.clockWatch.stop();
  rooms.health.stop();
  await rooms.pools.stop();
  await rooms.seed.stop();
  await rooms.pollers.stop();
  rooms.schedulers.stop();
  rooms.distributor.stop();
  rooms.lockAlarms.stop();
  rooms.deadlines.stop();
  rooms.workers.stop();
  rooms.processes.close();
  rooms.logs.close();
  rooms.database.close();
}
