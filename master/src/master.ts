import { readFileSync } from 'node:fs';
import type { ForcePreview, ForceRequest, Properties, SourceStamp } from '@icefall/shared';
import { loadSite } from './config/loader.ts';
import { ConfigError, formatProblem } from './config/problems.ts';
import type { SiteDeclaration } from './config/site.ts';
import { trySite } from './config/trial.ts';
import { fromColumn } from './db/rows.ts';
import { noteConfigVersion } from './engine/config-versions.ts';
import { ActionError, type LockHolderRef, type MasterPort } from './http/master-port.ts';
import { previewOf } from './preview.ts';
import { checkedOut } from './requests/checked-out.ts';
import { closeRooms, openRooms, type RoomPorts, type Rooms, startRooms } from './rooms.ts';
import type { WorkerPresence } from './workers/presence.ts';

export interface MasterOptions extends RoomPorts {
  /** The site's program, for reloads; null where there is none to load again. */
  readonly siteFile: string | null;
}

const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** A whole master without its doors: the rooms, and what people and programs can ask of them. */
export class Master implements MasterPort {
  readonly version = VERSION;
  readonly startedAt: number;
  readonly rooms: Rooms;
  readonly #siteFile: string | null;
  #configErrors: readonly string[] = [];

  private constructor(options: MasterOptions) {
    this.rooms = openRooms(options);
    this.#siteFile = options.siteFile;
    this.startedAt = this.core.now();
  }

  /** Opens the store and goes on with what it holds. Throws DatabaseError. */
  static open(options: MasterOptions): Master {
    const master = new Master(options);
    startRooms(master.rooms);
    return master;
  }

  /** Stops; what runs on workers goes on, and is found again at the next start. */
  async close(): Promise<void> {
    await closeRooms(this.rooms);
  }

  get core() {
    return this.rooms.core;
  }
  get config() {
    return this.rooms.config;
  }
  get schedulers() {
    return this.rooms.schedulers;
  }
  get changes() {
    return this.rooms.changes;
  }
  get webhooks() {
    return this.rooms.webhooks;
  }
  get audit() {
    return this.rooms.audit;
  }
  get reporters() {
    return this.rooms.reporters;
  }
  get projects() {
    return this.rooms.seed;
  }
  get logs() {
    return this.rooms.logs;
  }
  get workers() {
    return this.rooms.workers;
  }
  get configErrors(): readonly string[] {
    return this.#configErrors;
  }

  get drainingSince(): number | null {
    return this.rooms.distributor.drainingSince;
  }

  worker(name: string): WorkerPresence {
    return this.rooms.workers.presence(name);
  }

  stopBuild(buildId: number, reason: string): void {
    const build = this.rooms.builds.rows.build(buildId);
    if (build === null) throw new ActionError('not_found', `there is no build ${buildId}`);
    if (build.state === 'finished')
      throw new ActionError('conflict', `${build.builder} #${build.number} has ended already, as ${build.result}`);
    this.core.turn(() => this.rooms.builds.stop(buildId, reason));
  }

  /** The same sources (with the revisions that were checked out) and properties for the same builder, as a new buildset. */
  rebuild(buildId: number, owner: string | null): { buildsetId: number; requestIds: readonly number[] } {
    const build = this.rooms.builds.rows.build(buildId);
    const buildset = build === null ? null : this.rooms.buildsets.row(build.buildset_id);
    if (build === null || buildset === null) throw new ActionError('not_found', `there is no build ${buildId}`);
    if (this.config.builder(build.builder) === null)
      throw new ActionError('conflict', `builder "${build.builder}" is no longer in the configuration`);
    const got = fromColumn<Properties>(build.properties).got_revision?.value;
    const priority = this.rooms.requests.row(build.request_id)?.priority ?? 0;
    return this.core.turn(() =>
      this.rooms.buildsets.add({
        scheduler: 'rebuild',
        reason: `rebuild of ${build.builder} #${build.number}`,
        owner,
        builders: [build.builder],
        sourceStamps: fromColumn<SourceStamp[]>(buildset.source_stamps).map((stamp) => checkedOut(stamp, got)),
        changeIds: fromColumn<number[]>(buildset.change_ids),
        properties: fromColumn<Properties>(buildset.properties),
        priority,
      }),
    );
  }

  previewForce(scheduler: string, request: ForceRequest, who: string | null): ForcePreview {
    return previewOf(this.rooms, scheduler, request, who);
  }

  releaseLock(lock: string, { buildId, stepNumber }: LockHolderRef, reason: string): number {
    const fence = this.core.turn(() => this.rooms.builds.takeLock(buildId, stepNumber, lock, reason));
    const who = stepNumber === null ? `build ${buildId}` : `step ${stepNumber} of build ${buildId}`;
    if (fence === null) throw new ActionError('conflict', `lock "${lock}" is not held by ${who}`);
    this.core.log.warn({ lock, buildId, stepNumber, fence, reason }, `lock "${lock}" was taken from ${who} by force`);
    return fence;
  }

  cancelRequest(requestId: number, reason: string): void {
    const request = this.rooms.requests.row(requestId);
    if (request === null) throw new ActionError('not_found', `there is no request ${requestId}`);
    if (request.state === 'finished')
      throw new ActionError('conflict', `request ${requestId} has ended already, as ${request.result}`);
    this.core.turn(() => this.rooms.builds.cancelRequest(requestId, reason));
  }

  /** Starts no new builds from now on, or does so again. It is not remembered: a master that is started starts builds. */
  setDraining(isDraining: boolean): void {
    this.core.turn(() => {
      this.rooms.distributor.setDraining(isDraining);
      this.core.touch('config', '');
    });
  }

  /** Resolves when no build runs, or with false when `signal` is aborted before that. */
  async idle(signal: AbortSignal): Promise<boolean> {
    const isIdle = () => this.rooms.builds.rows.active().length === 0;
    if (isIdle()) return true;
    return new Promise((resolve) => {
      const done = (idle: boolean) => {
        stopListening();
        signal.removeEventListener('abort', cancel);
        resolve(idle);
      };
      const cancel = () => done(false);
      const stopListening = this.core.committed.on((touched) => {
        if (touched.some(({ kind }) => kind === 'build') && isIdle()) done(true);
      });
      signal.addEventListener('abort', cancel);
    });
  }

  setPaused(worker: string, paused: boolean): void {
    this.#declaredWorker(worker);
    this.rooms.workers.setPaused(worker, paused);
  }

  shutdownWorker(worker: string, reason: string): void {
    this.#declaredWorker(worker);
    if (!this.rooms.workers.shutdown(worker, reason))
      throw new ActionError('conflict', `worker "${worker}" is not connected`);
  }

  issueToken(worker: string): string {
    this.#declaredWorker(worker);
    return this.rooms.workers.issueToken(worker);
  }

  revokeToken(worker: string): void {
    this.#declaredWorker(worker);
    if (this.config.worker(worker)?.token != null)
      throw new ActionError(
        'conflict',
        `the token of worker "${worker}" is the site's own: change it where it is read from`,
      );
    if (!this.rooms.workers.revokeToken(worker)) throw new ActionError('conflict', `worker "${worker}" has no token`);
  }

  #declaredWorker(name: string): void {
    if (this.config.worker(name) === null) throw new ActionError('not_found', `the site declares no worker "${name}"`);
  }

  /** Loads the site's program again and applies it, whole or not at all. Throws ConfigError with every mistake. */
  async reload(): Promise<{ configVersion: number }> {
    if (this.#siteFile === null) throw new ActionError('conflict', 'this master was not started with a file to reload');
    try {
      // What would harm this process is found in another one.
      await trySite(this.#siteFile, { prints: false });
      const site = await loadSite(this.#siteFile);
      this.apply(site);
      return { configVersion: this.config.version };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#configErrors = error.problems.map(formatProblem);
      this.core.turn(() => this.core.touch('config', ''));
      throw error;
    }
  }

  /** Puts a configuration in force, in one turn: whole or not at all. */
  apply(site: SiteDeclaration): void {
    const before = this.config.state;
    const { configured } = this.rooms.seed;
    try {
      this.core.turn(() => {
        this.rooms.seed.configure(site);
        this.config.replace(this.rooms.seed.compose(site), this.core.now());
        noteConfigVersion(this.core, this.config.version, site);
        this.core.touch('config', '');
      });
    } catch (error) {
      this.config.restore(before);
      this.rooms.seed.restore(configured);
      throw error;
    }
    this.#configErrors = [];
  }
}
