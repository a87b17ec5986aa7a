import { type CommandOutcome, encodeRecord, type MasterMessage, STREAM } from '@icefall/shared';
import type { Clock, Timer } from '../engine/ports.ts';

export type Start = Extract<MasterMessage, { kind: 'start' }>;

/** What a command does when a simulated worker runs it. */
export interface Work {
  /** Null: it runs until it is interrupted. */
  readonly durationMs: number | null;
  readonly exitCode?: number;
  readonly values?: CommandOutcome['values'];
  /** Lines of output, written evenly over its time. */
  readonly lines?: readonly string[];
  /** Time that it goes on after an interrupt. */
  readonly dyingMs?: number;
}

interface Events {
  readonly onLine: (line: string) => void;
  readonly onEnd: () => void;
}

/** A command as a simulated worker holds it: what it writes, how it ends, and how far the master has both. */
export class SimulatedCommand {
  readonly start: Start;
  readonly startedAt: number;
  journal = new Uint8Array();
  /** Bytes that the master has durably; what comes before is forgotten here. */
  acknowledged = 0;
  sent = 0;
  outcome: CommandOutcome | null = null;
  /** On this connection. */
  isEndTold = false;
  readonly #clock: Clock;
  readonly #events: Events;
  #timers: Timer[] = [];

  constructor(start: Start, clock: Clock, events: Events) {
    this.start = start;
    this.startedAt = clock.now();
    this.#clock = clock;
    this.#events = events;
  }

  run({ durationMs, lines = [], exitCode = 0, values = {} }: Work): void {
    lines.forEach((line, i) => {
      // Whole milliseconds: sums of fractions would put what happens at one moment out of order.
      const afterMs = Math.round(((durationMs ?? lines.length) * (i + 1)) / (lines.length + 1));
      this.#after(afterMs, () => this.#write(line));
    });
    if (durationMs !== null) this.#after(durationMs, () => this.end({ reason: 'exited', exitCode, values }));
  }

  interrupt({ dyingMs = 0 }: Work): void {
    this.abandon();
    this.#after(dyingMs, () => this.end({ reason: 'interrupted', exitCode: null, signal: 'SIGTERM' }));
  }

  end(end: Partial<CommandOutcome>): void {
    if (this.outcome !== null) return;
    this.abandon();
    this.outcome = {
      ...{ reason: 'exited', exitCode: null, signal: null, error: null, values: {} },
      ...{ startedAt: this.startedAt, finishedAt: this.#clock.now() },
      ...end,
    };
    this.#events.onEnd();
  }

  /** Nothing comes of it any more. */
  abandon(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
  }

  #after(ms: number, work: () => void): void {
    this.#timers.push(this.#clock.after(ms, work));
  }

  #write(line: string): void {
    const data = Buffer.from(`${line}\n`);
    const record = encodeRecord({ stream: STREAM.stdout, at: this.#clock.now(), data });
    this.journal = Buffer.concat([this.journal, record]);
    this.#events.onLine(line);
  }
}
