import { Attempts } from '../engine/attempts.ts';
import { AccessError } from './errors.ts';
import { networkOf } from './network.ts';

const MINUTE_MS = 60_000;
/** Wrong passwords for a name from one address: a person who tries all they remember. */
export const MOST_FOR_NAME = 5;
/** Wrong passwords from one address, whatever the names: an office behind one address. */
const MOST_FOR_ADDRESS = 30;
/** Wrong passwords for a name from everywhere: more is a distributed guess, and worth keeping its owner out for a while. */
const MOST_EVERYWHERE = 100;
const WITHIN_MS = 15 * MINUTE_MS;

/** Keeps guesses of passwords slow (nobody guesses a token). Within the window, whoever has failed that often is not even checked. */
export class SignInLimits {
  readonly #ofName = new Attempts({ most: MOST_FOR_NAME, withinMs: WITHIN_MS });
  readonly #ofAddress = new Attempts({ most: MOST_FOR_ADDRESS, withinMs: WITHIN_MS });
  readonly #everywhere = new Attempts({ most: MOST_EVERYWHERE, withinMs: WITHIN_MS });

  /** Throws {@link AccessError} `too_many_attempts`. */
  check(name: string, address: string, nowMs: number): void {
    const isTooMuch =
      this.#ofName.exceeded(keyOf(name, address), nowMs) ||
      this.#ofAddress.exceeded(networkOf(address), nowMs) ||
      this.#everywhere.exceeded(plain(name), nowMs);
    if (isTooMuch) throw new AccessError('too_many_attempts', 'too many wrong passwords; wait a quarter of an hour');
  }

  failed(name: string, address: string, nowMs: number): void {
    this.#ofName.note(keyOf(name, address), nowMs);
    this.#ofAddress.note(networkOf(address), nowMs);
    this.#everywhere.note(plain(name), nowMs);
  }
}

function keyOf(name: string, address: string): string {
  return `${networkOf(address)} ${plain(name)}`;
}

/** A directory takes these for one name. */
function plain(name: string): string {
  return name.trim().replace(/\s+/g, ' ').toLowerCase();
}
