import type { Clock, Timer } from '../engine/ports.ts';
import type { JournalFile } from '../logs/journal-file.ts';

/**
 * Output is made durable, then acknowledged, in batches: one sync for all that came in this time. A live log does not
 * wait for it, only the worker's disk keeps the output so long; and most commands have ended by then, with one sync.
 */
export const ACK_AFTER_MS = 100;
/** Or after so much: a quarter of what a worker may have in flight, so that it need not stop. */
export const ACK_AFTER_BYTES = 1024 * 1024;

/** A command, as messages name it. */
interface CommandRef {
  readonly commandId: number;
  readonly epoch: number;
}

interface AcknowledgerOptions {
  readonly clock: Clock;
  readonly send: (ref: CommandRef, offset: number) => void;
  /** A sync on the timer has failed: nothing was acknowledged. */
  readonly onFault: (error: unknown) => void;
}

/** Acknowledges the output that comes over one connection. */
export class Acknowledger {
  readonly #options: AcknowledgerOptions;
  readonly #waiting = new Map<number, { readonly ref: CommandRef; readonly journal: JournalFile }>();
  #bytes = 0;
  #timer: Timer | null = null;

  constructor(options: AcknowledgerOptions) {
    this.#options = options;
  }

  /** A frame has come. Throws what the disk says. */
  took(ref: CommandRef, journal: JournalFile, bytes: number): void {
    this.#waiting.set(ref.commandId, { ref, journal });
    this.#bytes += bytes;
    if (this.#bytes >= ACK_AFTER_BYTES) {
      this.#flush();
      return;
    }
    const { clock, onFault } = this.#options;
    this.#timer ??= clock.after(ACK_AFTER_MS, () => {
      try {
        this.#flush();
      } catch (error) {
        onFault(error);
      }
    });
  }

  /** The command is over: its journal is closed. */
  forget(commandId: number): void {
    this.#waiting.delete(commandId);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#waiting.clear();
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#bytes = 0;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { ref, journal } of waiting) {
      journal.sync();
      this.#options.send(ref, journal.durable);
    }
  }
}
