import type { Place } from '../config/problems.ts';

/** A place where secrets are kept. Made by the functions of `secretsFrom`. */
export interface SecretProvider {
  readonly type: 'secretProvider';
  /** For people: `directory /run/secrets`. Never holds a secret. */
  readonly title: string;
  readonly place: Place | null;
  /**
   * The value, or null where this provider has none of that name. Throws {@link SecretError} `secret_unavailable` where
   * it cannot tell. What it throws must not hold any part of a value.
   */
  read(name: string, signal: AbortSignal): Promise<Buffer | null>;
  /** Whether a variable of the master holds what it reads, or what lets it read. Default: none does. */
  owns?(variable: string): boolean;
}

/** Why a step does not get a secret. */
export class SecretError extends Error {
  /**
   * `secret_refused`: the site's rules do not give it to this build; `secret_unknown`: no provider has it; `bad_secret`:
   * its value cannot be one; `secret_unavailable`: a provider did not answer.
   */
  readonly code: 'secret_refused' | 'secret_unknown' | 'bad_secret' | 'secret_unavailable';
  constructor(code: SecretError['code'], message: string) {
    super(message);
    this.name = 'SecretError';
    this.code = code;
  }
}

/** Keys and certificates of any kind fit; a file that was named by mistake does not fill memory and messages. */
export const MOST_SECRET_BYTES = 64 * 1024;
