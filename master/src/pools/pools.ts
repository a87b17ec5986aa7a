import { randomUUID } from 'node:crypto';
import type { Blocker } from '@icefall/shared';
import type { PoolDeclaration } from '../config/pools.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { Timer } from '../engine/ports.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { RequestRow } from '../requests/rows.ts';
import type { Slots } from '../workers/slots.ts';
import type { Workers } from '../workers/workers.ts';
import { decide, type Seat } from './decisions.ts';
import { Demand } from './demand.ts';
import { Homes } from './homes.ts';
import type { Container, PoolProvider } from './provider.ts';

/** A look at each pool at least so often: containers come and go without a word. */
const LOOK_EVERY_MS = 5000;
/** Sooner where a request or worker changed: together with what else changes at the time. */
const LOOK_SOON_MS = 200;
/** After a start that was refused (a quota, say): soon enough for people, without filling the cluster's log. */
const START_AGAIN_MS = 30_000;

export type MakeProvider = (pool: PoolDeclaration, owner: string) => PoolProvider | Promise<PoolProvider>;

interface Entry {
  readonly pool: PoolDeclaration;
  readonly owner: string;
  /** Null: none could be made yet. */
  provider: PoolProvider | null;
  containers: readonly Container[];
  /** Of the containers, by worker; of one that was just made before it is listed. */
  readonly images: Map<string, string>;
  /** The provider's own words, of the last that went wrong. */
  refusal: string | null;
  notBefore: number;
}

/**
 * The pools of the site: starts containers for requests that wait, and lets them go. What is there is asked of the cluster
 * every time and nothing of it is stored, so a master that crashed finds its containers again, their agents connect again
 * as any worker does, and what belongs to no place of a pool any more is removed; so is what a pool has left behind that is no more.
 */
export class Pools {
  /** In a turn: what is known of a worker's pool has changed. */
  readonly changed = new Hook<string>();
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #rooms: { readonly slots: Slots; readonly workers: Workers };
  readonly #make: MakeProvider;
  readonly #demand: Demand;
  readonly #homes: Homes;
  #entries: Entry[] = [];
  #poolOf = new Map<string, Entry>();
  #timer: Timer | null = null;
  #isSoon = false;
  #looking: Promise<void> | null = null;
  #isStarted = false;

  constructor(
    core: Core,
    config: SiteConfig,
    rooms: { readonly slots: Slots; readonly workers: Workers },
    make?: MakeProvider,
  ) {
    this.#core = core;
    this.#config = config;
    this.#rooms = rooms;
    this.#demand = new Demand(core, config);
    this.#homes = new Homes(core);
    this.#make = make ?? ((pool, owner) => providerOf(pool, owner, () => core.random.next()));
    config.applied.on(() => core.afterCommit(() => this.#adapt()));
    core.committed.on((touched) => {
      if (touched.some(({ kind }) => kind === 'request' || kind === 'worker')) this.#soon();
    });
  }

  start(): void {
    this.#isStarted = true;
    this.#adapt();
  }

  /** Stops looking. The containers stay: their agents find the next process of the master. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    this.#timer?.cancel();
    await this.#looking;
  }

  /** Whether a worker is of the image that a request needs; one that is of no pool is as it is. */
  fits(worker: string, request: RequestRow): boolean {
    const entry = this.#poolOf.get(worker);
    if (entry === undefined) return true;
    const wanted = this.#demand.ofRequest(entry.pool, request);
    return 'image' in wanted && wanted.image === entry.images.get(worker);
  }

  /** Whether requests of a builder with these workers may wait for workers of different images. */
  isChoosy(workers: readonly string[]): boolean {
    return (
      this.#entries.length > 0 && workers.some((name) => (this.#poolOf.get(name)?.pool.image.property ?? null) !== null)
    );
  }

  /** Why a request waits for workers of which some are of a pool; null: none are, or they are there. */
  blockerOf(workers: readonly string[], request: RequestRow | null): Blocker | null {
    for (const worker of workers) {
      const entry = this.#poolOf.get(worker);
      if (entry === undefined) continue;
      const alive = entry.containers.filter(({ state }) => state !== 'ended');
      const absent = alive.filter((container) => !this.#rooms.workers.presence(container.worker).connected);
      const misfit = request === null ? null : this.#misfit(entry, alive, request);
      if (misfit === null && absent.length === 0 && alive.length >= entry.pool.maximum) continue;
      const trouble = absent.find((container) => container.trouble !== null)?.trouble ?? entry.refusal ?? misfit;
      return {
        ...{ kind: 'pool', pool: entry.pool.name, starting: absent.length, running: alive.length - absent.length },
        ...{ maximum: entry.pool.maximum, trouble },
      };
    }
    return null;
  }

  /** Why the workers that a pool has, or could have, are none for a request; null: one is. */
  #misfit({ pool }: Entry, alive: readonly Container[], request: RequestRow): string | null {
    const wanted = this.#demand.ofRequest(pool, request);
    if ('refusal' in wanted) return wanted.refusal;
    if (alive.length < pool.maximum || alive.some(({ image }) => image === wanted.image)) return null;
    return `it needs image ${wanted.image}, and all workers there are have others: one leaves when it has no build`;
  }

  /** Resolves when a look at all pools has been taken that began after this call. */
  async look(): Promise<void> {
    await this.#looking;
    this.#looking = this.#lookAtAll();
    await this.#looking;
  }

  #adapt(): void {
    if (!this.#isStarted) return;
    const known = new Map(this.#entries.map((entry) => [entry.pool, entry]));
    const owner = this.#owner();
    const { pools } = this.#config.site;
    this.#entries = [...pools, ...this.#homes.settle(pools)].map(
      (pool) =>
        known.get(pool) ?? {
          pool,
          owner,
          provider: null,
          containers: [],
          images: new Map(),
          refusal: null,
          notBefore: 0,
        },
    );
    this.#poolOf = new Map(this.#entries.flatMap((entry) => entry.pool.workers.map(({ name }) => [name, entry])));
    this.#soon();
  }

  /** Tells this installation's containers from others': made once, and kept with its state. */
  #owner(): string {
    return this.#core.turn(() => {
      this.#core.db.run("INSERT OR IGNORE INTO meta (key, value) VALUES ('installation', ?)", randomUUID());
      return this.#core.db.one<{ value: string }>("SELECT value FROM meta WHERE key = 'installation'")?.value ?? '';
    });
  }

  #soon(): void {
    if (!this.#isStarted || this.#isSoon || this.#entries.length === 0) return;
    this.#isSoon = true;
    this.#arm(LOOK_SOON_MS);
  }

  #arm(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#core.clock.after(ms, () => {
      this.#isSoon = false;
      this.#looking ??= this.#lookAtAll();
    });
  }

  async #lookAtAll(): Promise<void> {
    await Promise.all(this.#entries.map((entry) => this.#lookAt(entry)));
    this.#looking = null;
    if (this.#isStarted && !this.#isSoon) this.#arm(LOOK_EVERY_MS);
  }

  async #lookAt(entry: Entry): Promise<void> {
    const before = this.#told(entry);
    try {
      entry.provider ??= await this.#make(entry.pool, entry.owner);
      entry.containers = await entry.provider.list();
      this.#noteImages(entry);
      await this.#act(entry, entry.provider);
      if (entry.pool.maximum === 0 && entry.containers.length === 0) this.#forget(entry);
    } catch (error) {
      entry.refusal = error instanceof Error ? error.message : String(error);
    }
    if (this.#told(entry) === before || !this.#isStarted) return;
    if (entry.refusal !== null)
      this.#core.log.warn({ pool: entry.pool.name }, `pool "${entry.pool.name}": ${entry.refusal}`);
    this.#core.turn(() => {
      for (const { name } of entry.pool.workers) this.changed.fire(name);
    });
  }

  /** Of a pool that is no more, when its last container is gone. */
  #forget(entry: Entry): void {
    this.#homes.forget(entry.pool);
    this.#entries = this.#entries.filter((one) => one !== entry);
  }

  #noteImages({ containers, images }: Entry): void {
    images.clear();
    for (const { worker, image, state } of containers)
      if (image !== null && state !== 'ended') images.set(worker, image);
  }

  #told({ containers, refusal }: Entry): string {
    const so = containers.map(({ worker, image, state, trouble }) => [worker, image, state, trouble]);
    return JSON.stringify([refusal, so]);
  }

  async #act(entry: Entry, provider: PoolProvider): Promise<void> {
    const { pool, containers } = entry;
    const names = new Set(pool.workers.map(({ name }) => name));
    const seated = new Map<string, Container>();
    for (const container of containers) {
      // A crash between two looks may have left a second one, and a reload one whose place is gone.
      if (names.has(container.worker) && !seated.has(container.worker)) seated.set(container.worker, container);
      else if (seated.has(container.worker) || this.#demand.ofBuild(pool, container.worker) === null)
        await provider.remove(container.id);
    }
    const seats = pool.workers.map(({ name }) => this.#seat(pool, name, seated.get(name)));
    const { idleMs, perBuild, startWithinMs, warm } = pool;
    const wanted = { demand: this.#demand.ofWaiting(pool), warm, usual: pool.image.usual };
    const time = { now: this.#core.now(), notBefore: entry.notBefore };
    const decision = decide({ seats, ...wanted, idleMs, perBuild, startWithinMs, ...time });
    for (const worker of decision.dismiss) this.#rooms.workers.shutdown(worker, `pool "${pool.name}": no work for it`);
    for (const worker of decision.remove) await this.#remove(entry, provider, seated.get(worker));
    for (const { worker, image } of decision.start) await this.#start(entry, provider, worker, image);
  }

  async #remove(entry: Entry, provider: PoolProvider, container: Container | undefined): Promise<void> {
    if (container === undefined) return;
    const { state, trouble, worker } = container;
    if (trouble !== null) {
      const how = state === 'ended' ? 'ended' : 'was given up';
      this.#core.log.warn({ pool: entry.pool.name, worker }, `the container of worker "${worker}" ${how}: ${trouble}`);
    }
    await provider.remove(container.id);
  }

  async #start(entry: Entry, provider: PoolProvider, worker: string, image: string): Promise<void> {
    if (this.#core.now() < entry.notBefore) return;
    try {
      await provider.start({ worker, token: this.#rooms.workers.issueToken(worker), image });
      entry.images.set(worker, image);
      entry.refusal = null;
    } catch (error) {
      entry.refusal = error instanceof Error ? error.message : String(error);
      entry.notBefore = this.#core.now() + START_AGAIN_MS;
    }
  }

  #seat(pool: PoolDeclaration, worker: string, container: Container | undefined): Seat {
    const { connected, connectedSince, leaving } = this.#rooms.workers.presence(worker);
    const last = this.#core.db.one<{ at: number | null; begun: number | null }>(
      "SELECT MAX(finished_at) AS at, MAX(started_at) AS begun FROM builds WHERE worker = ? AND state = 'finished'",
      worker,
    );
    return {
      worker,
      container: container?.state ?? 'none',
      image: container?.image ?? null,
      since: container?.since ?? null,
      isConnected: connected,
      isLeaving: leaving,
      buildImage: this.#demand.ofBuild(pool, worker),
      freeSince: connectedSince === null ? null : Math.max(connectedSince, last?.at ?? 0),
      hasBuilt: container !== undefined && (last?.begun ?? 0) >= container.since,
    };
  }
}

/** The clients of the two are large: they are loaded where a site has such a pool. */
async function providerOf(pool: PoolDeclaration, owner: string, random: () => number): Promise<PoolProvider> {
  if (pool.kind === 'docker') {
    const { DockerContainers } = await import('./docker-containers.ts');
    return new DockerContainers(pool, owner);
  }
  const { KubernetesPods } = await import('./kubernetes-pods.ts');
  return new KubernetesPods(pool, owner, random);
}
