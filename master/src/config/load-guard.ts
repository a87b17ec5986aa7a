import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { formatDuration } from '@icefall/shared';
import { type LoadReport, tellProblem } from './load-report.ts';
import type { Watch } from './load-watch.ts';
import { callerPlace } from './problems.ts';

const STRAYS = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * Sees to it that a load in this process comes to an end, or tells why not: a program that ends the process, or that
 * never gives the thread back (an endless loop). For a process that has nothing else to do yet, since in the second case
 * nothing is left but to kill it.
 */
export class LoadGuard {
  readonly #report: LoadReport;
  readonly #thread: Worker;
  readonly #strays: unknown[] = [];

  constructor(report: LoadReport, file: string, limitMs: number) {
    this.#report = report;
    const message = `it was not loaded within ${formatDuration(limitMs)}: here it was still at work; does it end?`;
    const watch: Watch = { file, limitMs, message, report };
    this.#thread = new Worker(new URL('./load-watch.ts', import.meta.url), { workerData: watch });
    this.#thread.unref();
    process.on('exit', this.#ended);
    for (const event of STRAYS) process.on(event, this.#noteStray);
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#ended);
    for (const event of STRAYS) process.off(event, this.#noteStray);
    this.#thread.postMessage('loaded');
  }

  readonly #noteStray = (error: unknown): void => {
    this.#strays.push(error);
  };

  /** What has failed beside the load: rejected promises nobody waits for, errors in timers. */
  async strays(): Promise<readonly unknown[]> {
    // Node tells of a rejected promise when the turn of its event loop ends.
    await setImmediate();
    return this.#strays;
  }

  /** Called below `process.exit`, so the place in the site's program that called it is on the stack. */
  readonly #ended = (code: number): void => {
    const place = callerPlace();
    // Somebody else ends it: a second Ctrl-C, a reader of its output that has gone.
    if (place === null) return;
    tellProblem(this.#report, {
      place,
      message: `the site's program ended the process that loads it (exit code ${code}); throw an Error to refuse to be loaded`,
    });
    if (code === 0) process.exitCode = 1;
  };
}
