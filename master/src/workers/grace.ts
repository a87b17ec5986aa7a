import { formatDuration } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { Commands } from './commands.ts';

/** Of a worker that the site does not declare any more, but that has builds. */
const UNDECLARED = { graceMs: 10 * 60_000, cleanUpGraceMs: 24 * 60 * 60_000 };

interface ActiveBuild {
  readonly id: number;
  readonly worker: string;
  readonly grace_until: number | null;
  /** What it waits with is clean-up. */
  readonly is_patient: number;
}

/**
 * How long builds wait for an absent worker: for its grace, and with clean-up, which only that worker can do, for its
 * clean-up grace. The end of the wait stands in the build's row (the page counts down to it); one timer for each worker
 * brings what is due.
 */
export class Grace {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #commands: Commands;
  readonly #timers = new Map<string, Timer>();

  constructor(core: Core, config: SiteConfig, commands: Commands) {
    this.#core = core;
    this.#config = config;
    this.#commands = commands;
    commands.awaited.on(({ buildId, worker }) => this.#awaited(buildId, worker));
    core.clockWatch.jumped.on((ms) => this.#clockJumped(ms));
  }

  /** All active builds of all workers wait from now on: at a master's start nobody is connected. */
  start(): void {
    this.#core.turn(() => {
      const workers = this.#core.db.all<{ worker: string }>(
        "SELECT DISTINCT worker FROM builds WHERE state <> 'finished'",
      );
      for (const { worker } of workers) this.begin(worker);
    });
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** The worker is away. Inside a turn. */
  begin(worker: string): void {
    const now = this.#core.now();
    for (const build of this.#active(worker)) this.#set(build.id, now + this.#waitMs(build));
    this.#arm(worker);
  }

  /** The worker is here. Inside a turn. */
  end(worker: string): void {
    for (const build of this.#active(worker)) if (build.grace_until !== null) this.#set(build.id, null);
    this.#arm(worker);
  }

  /** The wall clock was set: what stands in the rows moves along; the timers do not follow that clock. Inside a turn. */
  #clockJumped(ms: number): void {
    const builds = this.#core.db.all<{ id: number; until: number }>(
      "SELECT id, grace_until AS until FROM builds WHERE state <> 'finished' AND grace_until IS NOT NULL",
    );
    for (const { id, until } of builds) this.#set(id, until + ms);
    for (const worker of this.#timers.keys()) this.#arm(worker);
  }

  #awaited(buildId: number, worker: string): void {
    const build = this.#active(worker).find(({ id }) => id === buildId);
    // One absence is one wait, but clean-up has one of its own.
    if (build === undefined || (build.grace_until !== null && build.is_patient === 0)) return;
    this.#set(buildId, this.#core.now() + this.#waitMs(build));
    this.#arm(worker);
  }

  #waitMs({ worker, is_patient }: ActiveBuild): number {
    const { graceMs, cleanUpGraceMs } = this.#config.worker(worker) ?? UNDECLARED;
    return is_patient === 1 ? cleanUpGraceMs : graceMs;
  }

  #why(build: ActiveBuild): string {
    const name = build.is_patient === 1 ? 'cleanUpGrace' : 'grace';
    return `the worker ${build.worker} was away for longer than its ${name} of ${formatDuration(this.#waitMs(build))}`;
  }

  #active(worker: string): ActiveBuild[] {
    return this.#core.db.all<ActiveBuild>(
      `SELECT id, worker, grace_until,
              EXISTS (SELECT 1 FROM commands WHERE build_id = builds.id AND patient = 1) AS is_patient
         FROM builds WHERE state <> 'finished' AND worker = ? ORDER BY id`,
      worker,
    );
  }

  #set(buildId: number, until: number | null): void {
    this.#core.db.update('builds', { id: buildId }, { grace_until: until });
    this.#core.touch('build', buildId);
  }

  /** Sets the worker's timer to the first end there is, once the turn is on disk. */
  #arm(worker: string): void {
    this.#core.afterCommit(() => {
      this.#timers.get(worker)?.cancel();
      this.#timers.delete(worker);
      const first = Math.min(...this.#active(worker).map((build) => build.grace_until ?? Number.POSITIVE_INFINITY));
      if (Number.isFinite(first))
        this.#timers.set(
          worker,
          this.#core.clock.after(first - this.#core.now(), () => this.#due(worker)),
        );
    });
  }

  #due(worker: string): void {
    this.#timers.delete(worker);
    this.#core.turn(() => {
      const now = this.#core.now();
      for (const build of this.#active(worker)) {
        if (build.grace_until === null || build.grace_until > now) continue;
        // First, so that what the loss makes the build ask for can begin a wait of its own.
        this.#set(build.id, null);
        this.#commands.giveUp(build.id, worker, this.#why(build));
      }
      this.#arm(worker);
    });
  }
}
