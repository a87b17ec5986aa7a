import type { Change, EventData, EventKind, Scheduler, Snapshot, Status } from '@icefall/shared';
import { BuildViews } from './build-views.ts';
import { BuilderViews } from './builder-views.ts';
import { HistoryViews } from './history-views.ts';
import { LockViews } from './lock-views.ts';
import { type Page, type PageWanted, pageOf } from './paging.ts';
import { RequestViews } from './request-views.ts';
import { StepViews } from './step-views.ts';
import type { ViewedMaster } from './viewed-master.ts';
import { WorkerViews } from './worker-views.ts';

/** Finished builds in one snapshot. A busier site gets fewer hours than it asked for, and `since` says so. */
export const MOST_SNAPSHOT_BUILDS = 5000;
/** Open requests in one snapshot, oldest first: ten times what anybody reads. */
const MOST_SNAPSHOT_REQUESTS = 10_000;
/** Changes in one snapshot, newest first. */
const MOST_SNAPSHOT_CHANGES = 1000;

const HOUR_MS = 3_600_000;

/** Every resource of the API as it is now: the database's rows, the site's declarations, and who is connected. */
export class Views {
  readonly builders: BuilderViews;
  readonly builds: BuildViews;
  readonly history: HistoryViews;
  readonly locks: LockViews;
  readonly requests: RequestViews;
  readonly steps: StepViews;
  readonly workers: WorkerViews;
  readonly #master: ViewedMaster;
  readonly #address: () => string;
  readonly #byKind: { readonly [K in EventKind]: (key: string) => EventData[K] | null };

  /** `address` is where the page is, for a site that does not say. */
  constructor(master: ViewedMaster, address: () => string) {
    const { db } = master.core;
    this.#master = master;
    this.#address = address;
    this.steps = new StepViews(db, master.logs);
    this.builds = new BuildViews(db, this.steps);
    this.builders = new BuilderViews(db, master.config);
    this.history = new HistoryViews(db);
    this.locks = new LockViews(db, master.config, () => master.core.now());
    this.requests = new RequestViews(db);
    this.workers = new WorkerViews(master);
    this.#byKind = {
      change: (key) => this.change(Number(key)),
      buildset: (key) => this.requests.buildset(Number(key)),
      request: (key) => this.requests.request(Number(key)),
      build: (key) => this.builds.head(Number(key)),
      step: (key) => this.steps.step(key),
      builder: (key) => this.builders.builder(key),
      worker: (key) => this.workers.worker(key),
      lock: (key) => this.locks.lock(key),
      scheduler: (key) => master.schedulers.view(key),
      config: () => this.status(),
    };
  }

  /** What an event of this kind and key carries; null for what does not exist (any more). */
  resource(kind: EventKind, key: string): EventData[EventKind] | null {
    return this.#byKind[kind](key);
  }

  change(id: number): Change | null {
    return this.#master.changes.view(id);
  }

  /** A page of changes, newest first. */
  changes({ before, limit }: PageWanted): Page<Change> {
    const found = this.#master.core.db.all<{ id: number }>(
      'SELECT id FROM changes WHERE id < ? ORDER BY id DESC LIMIT ?',
      before ?? Number.MAX_SAFE_INTEGER,
      limit + 1,
    );
    const page = pageOf(
      found.map((row) => row.id),
      limit,
      0,
    );
    return { items: this.#changes(page.items), next: page.next };
  }

  #changes(ids: readonly number[]): Change[] {
    return ids.map((id) => this.change(id)).filter((change) => change !== null);
  }

  /** In the site's order. */
  schedulers(): Scheduler[] {
    return this.#master.config.site.schedulers
      .map(({ name }) => this.#master.schedulers.view(name))
      .filter((scheduler) => scheduler !== null);
  }

  status(): Status {
    const { config, core } = this.#master;
    return {
      title: config.site.title,
      url: config.site.url ?? this.#address(),
      version: this.#master.version,
      startedAt: this.#master.startedAt,
      now: core.now(),
      timeZone: config.site.timeZone,
      configVersion: config.version,
      configLoadedAt: config.loadedAt,
      configErrors: [...this.#master.configErrors],
      alarms: core.alarms.all,
      drainingSince: this.#master.drainingSince,
      seq: core.seq,
      pendingRequests: this.builders.pendingRequests(),
      runningBuilds: this.builders.runningBuilds(),
      workersConnected: this.workers.connected(),
      workers: config.site.workers.length,
    };
  }

  /**
   * All of it, and builds of the last hours: of the finished ones the newest, at most `most`. Nothing else runs meanwhile,
   * so it is what it was at `seq`.
   */
  snapshot(hours: number, most = MOST_SNAPSHOT_BUILDS): Snapshot {
    const { core } = this.#master;
    const recent = this.builds.recentIds(core.now() - hours * HOUR_MS, most);
    const builds = this.builds.builds(recent.ids);
    return {
      seq: core.seq,
      status: this.status(),
      builders: this.builders.all(),
      builds,
      since: recent.since,
      more: recent.more,
      requests: this.requests.open(MOST_SNAPSHOT_REQUESTS),
      changes: this.#changes(this.#recentChangeIds(recent.since, builds)),
      workers: this.workers.all(),
      locks: this.locks.all(),
      schedulers: this.schedulers(),
    };
  }

  /** Changes that came since then, and those that the builds shown were made from; newest first. */
  #recentChangeIds(since: number, builds: readonly { readonly changeIds: readonly number[] }[]): number[] {
    // Ids rise with time, so the newest ones are all there is to look at.
    const newest = this.#master.core.db.all<{ id: number; received_at: number }>(
      'SELECT id, received_at FROM changes ORDER BY id DESC LIMIT ?',
      MOST_SNAPSHOT_CHANGES,
    );
    const ids = new Set(newest.filter((row) => row.received_at >= since).map((row) => row.id));
    for (const build of builds) for (const id of build.changeIds) ids.add(id);
    return [...ids].sort((a, b) => b - a).slice(0, MOST_SNAPSHOT_CHANGES);
  }
}
