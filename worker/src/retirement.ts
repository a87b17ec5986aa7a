import type { Clock, Timer } from './clock.ts';
import type { CommandTable } from './command-table.ts';
import type { Link } from './link/link.ts';
import type { Logger } from './logger.ts';
import { Stop } from './processes/stop.ts';

/** On shutdown a command has at most this long from TERM to KILL: whoever stops the agent waits no longer than 30 s. */
const SHUTDOWN_GRACE_MS = 5000;
/** What does not end in this time after that is left to the next agent. */
const SHUTDOWN_MS = 15_000;
/** Outcomes are offered to a master that is there for this long. */
const FLUSH_MS = 3000;
/** An agent that is done and cannot reach its master leaves after this time: the journal keeps what there is to tell. */
const RELEASE_MS = 10 * 60_000;
/** An agent that says that it leaves takes a command that was under way to it. */
const CROSSING_MS = 1000;

interface RetirementOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly commands: CommandTable;
  readonly link: Link;
  readonly once: boolean;
  readonly lingerMs: number;
}

/**
 * How an agent comes to its end: `working` → `draining` (finish, then leave when idle) → `stopping` (end what runs) →
 * gone. An agent that works once begins to drain when it was idle for a while after its first command.
 */
export class Retirement {
  /** Resolves when the agent may go. */
  readonly done: Promise<void>;
  readonly #options: RetirementOptions;
  readonly #gone = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();
  #state: 'working' | 'draining' | 'stopping' = 'working';
  #reason = '';
  #workedOnce = false;
  #idleTimer: Timer | null = null;
  #releaseTimer: Timer | null = null;

  constructor(options: RetirementOptions) {
    this.#options = options;
    this.done = this.#gone.promise;
  }

  /** What runs is being ended, and nothing may be begun. */
  get stopping(): boolean {
    return this.#state === 'stopping';
  }

  /** A command was begun. */
  busy(): void {
    this.#workedOnce = true;
    this.#idleTimer?.cancel();
    this.#idleTimer = null;
  }

  /** A command has ended, or was forgotten. */
  changed(): void {
    const { commands } = this.#options;
    if (commands.empty) {
      if (this.#state === 'stopping') this.#released.resolve();
      else this.#armIdle();
    } else if (this.#state === 'draining') this.#armRelease();
  }

  /** The link is up: the master has to know. */
  connected(): void {
    if (this.#state !== 'working') this.#options.link.send({ kind: 'leaving', reason: this.#reason });
  }

  drain(reason: string): void {
    if (this.#state !== 'working') return;
    this.#leave('draining', reason);
    this.changed();
  }

  shutDown(reason: string): void {
    if (this.#state === 'stopping') return;
    this.#leave('stopping', reason);
    this.#idleTimer?.cancel();
    this.#releaseTimer?.cancel();
    for (const command of this.#options.commands.all()) command.stop(shutdownStop(reason));
    void this.#end();
  }

  #leave(state: 'draining' | 'stopping', reason: string): void {
    this.#options.logger.info(state === 'draining' ? `finishing, then leaving: ${reason}` : `leaving: ${reason}`);
    this.#state = state;
    this.#reason = reason.slice(0, 500);
    this.#options.link.send({ kind: 'leaving', reason: this.#reason });
  }

  /** Waits until nothing runs, and then, where there is a master, until it has taken what there is. */
  async #end(): Promise<void> {
    const { commands, link } = this.#options;
    await this.#atMost(SHUTDOWN_MS, commands.quiet());
    if (link.up && !commands.empty) await this.#atMost(FLUSH_MS, this.#released.promise);
    this.#gone.resolve();
  }

  async #atMost(limitMs: number, work: Promise<void>): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(limitMs, late.resolve);
    await Promise.race([work, late.promise]);
    timer.cancel();
  }

  #armIdle(): void {
    const { clock, once, lingerMs } = this.#options;
    const leaves = this.#state === 'draining' || (once && this.#workedOnce);
    if (!leaves || this.#idleTimer !== null) return;
    this.#idleTimer = clock.after(lingerMs, () => {
      this.#idleTimer = null;
      this.#idle();
    });
  }

  #idle(): void {
    if (!this.#options.commands.empty) return;
    if (this.#state === 'draining') {
      this.#gone.resolve();
      return;
    }
    this.#leave('draining', 'has done what it was started for');
    this.#idleTimer = this.#options.clock.after(CROSSING_MS, () => {
      this.#idleTimer = null;
      this.#idle();
    });
  }

  /** Nothing runs, but the master has not released it all: it may be away for good. */
  #armRelease(): void {
    const { clock, commands } = this.#options;
    if (this.#releaseTimer !== null || commands.all().some(({ state }) => state === 'running')) return;
    this.#releaseTimer = clock.after(RELEASE_MS, () => {
      this.#releaseTimer = null;
      if (commands.all().some(({ state }) => state === 'running')) return;
      this.#gone.resolve();
    });
  }
}

function shutdownStop(reason: string): Stop {
  const message = `the worker shuts down (${reason})`;
  return new Stop({ reason: 'lost', code: 'worker_shutdown', message, longestGraceMs: SHUTDOWN_GRACE_MS });
}
