import { createHash } from 'node:crypto';
import { HookError } from './hook-error.ts';
import { REPLAY_WINDOW_MS } from './webhook-hub.ts';

/** Deliveries that are remembered: as many as are signed within the window, and more. Some 2 MB. */
const MOST_REMEMBERED = 10_000;
/** A clock may be ahead by the window, and the delivery is good until the window has passed. */
const REMEMBERED_MS = 2 * REPLAY_WINDOW_MS;

/** What was signed, in a few characters. */
export function digestOf(...signed: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of signed) hash.update(part);
  return hash.digest('hex');
}

/** Deliveries of the time in which they can be sent again: who has overheard one can give it another id, which is not signed. */
export class HookReplays {
  readonly #seen = new Map<string, { readonly at: number; readonly deliveryId: string | null }>();

  /** Throws {@link HookError} `stale` for what came before under another id, or without one. */
  assertNew(digest: string, deliveryId: string | null, now: number): void {
    for (const [old, { at }] of this.#seen) {
      if (now - at <= REMEMBERED_MS && this.#seen.size < MOST_REMEMBERED) break;
      this.#seen.delete(old);
    }
    const seen = this.#seen.get(digest);
    if (seen === undefined) this.#seen.set(digest, { at: now, deliveryId });
    else if (deliveryId === null || seen.deliveryId !== deliveryId)
      throw new HookError(
        'stale',
        'the same was sent before, under another id; sign each delivery anew, with its time',
      );
  }
}
