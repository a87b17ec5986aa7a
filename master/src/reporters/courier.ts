import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import { oneLine } from './report.ts';
import type { ReportRows, WaitingReport } from './report-rows.ts';
import { decide, MOST_PAUSE_MS } from './retries.ts';
import { DeliveryError } from './transport.ts';

/** One try, whatever it waits for: longer than an honest server takes, and than a place of secrets is asked. */
export const TRY_LIMIT_MS = 90_000;
/** Failures in a row after which a person is told: one or two are a server that is started anew. */
const ALARM_AFTER = 3;
const LONGEST_NOTE = 1000;

/** Delivers one report. Gives what is worth knowing, or null. Throws {@link DeliveryError}, or whatever a mistake is. */
export type Deliver = (report: WaitingReport, signal: AbortSignal) => Promise<string | null>;

/**
 * Delivers the reports of one reporter: one at a time and in order, each until it has arrived or is given up. Nothing of
 * it is inside a turn but its notes. What is on its way when the process ends is sent again by the next one.
 */
export class Courier {
  readonly #core: Core;
  readonly #rows: ReportRows;
  readonly #name: string;
  readonly #deliver: Deliver;
  #timer: Timer | null = null;
  #working: Promise<void> | null = null;
  #isWoken = false;
  #isStopped = false;
  #isHasty = false;
  #failuresInRow = 0;
  /** Up to here all is done, though the storage may not have taken it yet: nothing is sent twice for a full disk. */
  #done = 0;
  readonly #end = new AbortController();

  constructor(core: Core, rows: ReportRows, name: string, deliver: Deliver) {
    this.#core = core;
    this.#rows = rows;
    this.#name = name;
    this.#deliver = deliver;
  }

  /** There may be something to deliver. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isStopped || this.#timer !== null || this.#working !== null) return;
    this.#working = this.#work()
      .catch((error: unknown) => {
        this.#core.log.error(
          { reporter: this.#name, err: error },
          'reports cannot be read or noted; tried again later',
        );
        this.#sleep(MOST_PAUSE_MS);
      })
      .finally(() => {
        this.#working = null;
        if (this.#isWoken) this.wake();
      });
  }

  /** What kept it from delivering may be mended: it tries again at once. */
  hasten(): void {
    this.#isHasty = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.wake();
  }

  /** Breaks off what is on its way: it waits still. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#end.abort(new DeliveryError('down', 'the master stops'));
    await this.#working;
  }

  /** As {@link stop}, for good: nobody has to look at it any more. */
  async dismiss(): Promise<void> {
    await this.stop();
    this.#core.alarms.clear(this.#alarm);
  }

  get #alarm(): string {
    return `reporter ${this.#name}`;
  }

  async #work(): Promise<void> {
    while (!this.#isStopped) {
      this.#isWoken = false;
      const report = this.#rows.first(this.#name, this.#done);
      if (report === null) return;
      const restMs = this.#isHasty ? 0 : (report.next_try_at ?? 0) - this.#core.now();
      this.#isHasty = false;
      const pauseMs = restMs > 0 ? restMs : await this.#try(report);
      if (pauseMs === null) continue;
      // No longer than that: the clock may have been set back meanwhile.
      this.#sleep(Math.min(pauseMs, MOST_PAUSE_MS));
      return;
    }
  }

  #sleep(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = this.#core.clock.after(ms, () => {
      this.#timer = null;
      this.wake();
    });
  }

  /** Gives the pause before it is tried again; null: it is done with. */
  async #try(report: WaitingReport): Promise<number | null> {
    let note: string | null;
    try {
      note = await this.#inTime(report);
    } catch (error) {
      return this.#isStopped ? null : this.#failed(report, error);
    }
    this.#failuresInRow = 0;
    this.#done = report.id;
    this.#core.alarms.clear(this.#alarm);
    this.#core.insist(() => this.#rows.delivered(this.#name, report, note === null ? null : cut(note)));
    return null;
  }

  async #inTime(report: WaitingReport): Promise<string | null> {
    const limit = new AbortController();
    const late = Promise.withResolvers<never>();
    const timer = this.#core.clock.after(TRY_LIMIT_MS, () =>
      limit.abort(new DeliveryError('down', `no end within ${TRY_LIMIT_MS / 1000} s`)),
    );
    const signal = AbortSignal.any([limit.signal, this.#end.signal]);
    signal.addEventListener('abort', () => late.reject(signal.reason));
    try {
      return await Promise.race([this.#deliver(report, signal), late.promise]);
    } finally {
      timer.cancel();
    }
  }

  #failed(report: WaitingReport, error: unknown): number | null {
    this.#failuresInRow += 1;
    // What is nobody's answer is a mistake of the site's code or ours: other reports may not meet it.
    const code = error instanceof DeliveryError ? error.code : 'failed';
    const message = cut(error instanceof Error ? error.message : String(error));
    const now = this.#core.now();
    const decision = decide({
      ...{ code, message, tries: report.tries + 1, waitedMs: Math.max(0, now - report.at) },
      ...{ failuresInRow: this.#failuresInRow, chance: this.#core.random.next() },
    });
    if ('givenUp' in decision) return this.#giveUp(report, code, decision.givenUp);
    if (this.#failuresInRow >= ALARM_AFTER) this.#raiseAlarm(message);
    this.#core.insist(() => this.#rows.failed(this.#name, report, message, now + decision.pauseMs));
    return decision.pauseMs;
  }

  #giveUp(report: WaitingReport, code: DeliveryError['code'], note: string): null {
    this.#done = report.id;
    // It was this one's fault: those behind it are not held up for it.
    if (code === 'refused') this.#failuresInRow = 0;
    const about = { reporter: this.#name, build: report.build_id, note };
    this.#core.log.warn(about, `reporter "${this.#name}": a report is given up`);
    this.#core.insist(() => this.#rows.failed(this.#name, report, note, null));
    return null;
  }

  #raiseAlarm(message: string): void {
    const told = `reporter "${this.#name}" gets nothing through, and tries again: ${message}; see: icefall reporters`;
    this.#core.alarms.raise(this.#alarm, told);
  }
}

function cut(note: string): string {
  return oneLine(note, LONGEST_NOTE);
}
