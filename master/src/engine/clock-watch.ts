import { formatDuration } from '@icefall/shared';
import type { AlarmBoard } from './alarms.ts';
import { Hook } from './hooks.ts';
import type { Clock, Logger, Timer } from './ports.ts';

/** Between two looks: so long a deadline may be shown wrongly after a jump. */
export const LOOK_EVERY_MS = 10_000;
/** Less is a correction that a time server makes all the time, and no reason to move anything. */
const LEAST_JUMP_MS = 1000;
/** How long the alarm stays: a person who looks at the page once an hour sees it. */
const ALARM_FOR_MS = 60 * 60_000;

/** What it needs of the core whose turns it precedes. */
interface Watched {
  readonly clock: Clock;
  readonly alarms: AlarmBoard;
  readonly log: Logger;
  turn(work: () => void): void;
}

/**
 * Notices when the wall clock was set: before every turn, and every few seconds where nothing happens. Deadlines of
 * waits that stand in the database (the grace of an absent worker, the back-off of a retry, a tree-stable timer) are moved
 * along then: a wait of ten minutes stays one of ten minutes.
 */
export class ClockWatch {
  /** By how many milliseconds the clock has jumped. Fired inside a turn. */
  readonly jumped = new Hook<number>();
  readonly #core: Watched;
  #offset: number;
  #timer: Timer | null = null;
  #alarm: Timer | null = null;

  constructor(core: Watched) {
    this.#core = core;
    this.#offset = this.#offsetNow();
  }

  start(): void {
    this.#timer = this.#core.clock.after(LOOK_EVERY_MS, () => {
      this.look();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#alarm?.cancel();
  }

  /** Looks now. */
  look(): void {
    const offset = this.#offsetNow();
    const jumpMs = Math.round(offset - this.#offset);
    if (Math.abs(jumpMs) < LEAST_JUMP_MS) {
      this.#offset = offset;
      return;
    }
    const before = this.#offset;
    // First, since the turn looks, too.
    this.#offset = offset;
    try {
      this.#core.turn(() => this.jumped.fire(jumpMs));
    } catch (error) {
      this.#offset = before;
      throw error;
    }
    this.#tell(jumpMs);
  }

  #tell(jumpMs: number): void {
    const { alarms, clock, log } = this.#core;
    const how = `${jumpMs > 0 ? 'forward' : 'back'} by ${formatDuration(Math.abs(jumpMs))}`;
    log.warn({ jumpMs }, `the machine's clock was set ${how}; what waits for a while waits as long as before`);
    alarms.raise(
      'clockJumped',
      `the clock of the master's machine was set ${how}: times on the page before and after do not fit together, and ` +
        'what starts by the time of day may have started twice or not at all; waits take as long as before',
    );
    this.#alarm?.cancel();
    this.#alarm = clock.after(ALARM_FOR_MS, () => alarms.clear('clockJumped'));
  }

  #offsetNow(): number {
    const { clock } = this.#core;
    return clock.now() - clock.monotonic();
  }
}
