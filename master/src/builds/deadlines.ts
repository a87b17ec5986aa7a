import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { Deadline } from '../steps/step.ts';

/** A deadline as it is kept: it is forgotten when the builder that set it has left the configuration. */
interface Kept extends Deadline {
  readonly builder: string;
}

const DAY_MS = 86_400_000;
/** Of keys in the table, and of kinds of alarms. */
const PREFIX = 'deadline ';

/**
 * Deadlines that steps have told, watched by the clock: an alarm is raised from `warnMs` before one until a step tells a
 * later one. So it also comes when what should renew it does not run at all any more. Kept over restarts.
 */
export class Deadlines {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #raised = new Set<string>();
  #timer: Timer | null = null;

  constructor(core: Core, config: SiteConfig) {
    this.#core = core;
    this.#config = config;
    config.applied.on(() => this.#lookLater());
  }

  /** Notes what a step of a builder has told; inside turns. */
  set(deadline: Deadline, builder: string): void {
    const { name, what, at, warnMs } = deadline;
    const value = JSON.stringify({ name, what, at, warnMs, builder } satisfies Kept);
    this.#core.db.run(
      'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      kindOf(name),
      value,
    );
    this.#lookLater();
  }

  /** Forgets its timer; for the end of the master. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #lookLater(): void {
    this.#core.enqueueLast('deadlines', () => this.#core.afterCommit(() => this.look()));
  }

  /** Looks at all of them; outside turns. Call once at start. */
  look(): void {
    this.stop();
    const now = this.#core.now();
    const kept = this.#read().filter(({ builder }) => this.#config.builder(builder) !== null);
    const near = kept.filter(({ at, warnMs }) => now >= at - warnMs);
    for (const deadline of near) this.#core.alarms.raise(kindOf(deadline.name), describeDeadline(deadline, now));
    for (const name of this.#raised) if (!near.some((one) => one.name === name)) this.#core.alarms.clear(kindOf(name));
    this.#raised.clear();
    for (const { name } of near) this.#raised.add(name);
    const times = kept.flatMap(({ at, warnMs }) => [at - warnMs, at]).filter((at) => at > now);
    // What is alarmed says each day anew how long is left.
    const next = Math.min(...times, near.length === 0 ? Number.POSITIVE_INFINITY : now + DAY_MS);
    if (Number.isFinite(next)) this.#timer = this.#core.clock.at(next, () => this.look());
  }

  #read(): Kept[] {
    return this.#core.db
      .all<{ value: string }>(`SELECT value FROM meta WHERE key LIKE '${PREFIX}%' ORDER BY key`)
      .map(({ value }) => JSON.parse(value) as Kept);
  }
}

function kindOf(name: string): string {
  return `${PREFIX}${name}`;
}

/** `the whitelist of a.org ends on 2025-06-30 12:00 UTC, in 3 days`. */
function describeDeadline({ what, at }: Deadline, now: number): string {
  const when = `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  if (at <= now) return `${what} has ended on ${when}`;
  const days = Math.floor((at - now) / DAY_MS);
  return `${what} ends on ${when}, in ${days === 1 ? '1 day' : `${days} days`}`;
}
