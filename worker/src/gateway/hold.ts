import { setTimeout as wait } from 'node:timers/promises';
import type { Gateway } from './client.ts';
import { GatewayError } from './errors.ts';

/** Between two questions whether a path is free. */
const ASK_AGAIN_MS = 5000;
/** Short against the shortest lease that a gateway gives (its default is two hours). */
const RENEW_EVERY_MS = 60_000;

export interface HoldOptions {
  /** How long to wait for a path that is leased to somebody else. */
  readonly waitMs: number;
  readonly say: (line: string) => void;
  readonly askAgainMs?: number;
  readonly renewEveryMs?: number;
}

/** Asks for a lease until it is granted, or the time is over: then throws the last `path_busy`. */
export async function acquireWithin(gateway: Gateway, target: string, options: HoldOptions): Promise<string> {
  const pause = options.askAgainMs ?? ASK_AGAIN_MS;
  for (let left = options.waitMs; ; left -= pause) {
    try {
      return await gateway.acquire(target);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'path_busy' || left < pause) throw error;
      options.say(`waiting: ${error.message}`);
    }
    await wait(pause);
  }
}

/**
 * Holds a lease while something is done: renews it, and gives it back in every case. A gateway that cannot renew is told of
 * once; the lease then lasts as long as the gateway lets it. How the work ended counts, also where the lease cannot be given
 * back: it may have ended, by a commit or by its time, which is told.
 */
export async function holdLease<T>(
  gateway: Gateway,
  target: string,
  options: HoldOptions,
  work: (token: string) => Promise<T>,
): Promise<T> {
  const token = await acquireWithin(gateway, target, options);
  options.say(`holding a lease of ${target}`);
  try {
    return await keepLease(gateway, token, options, () => work(token));
  } finally {
    await giveBack(gateway, target, token, options);
  }
}

async function giveBack(gateway: Gateway, target: string, token: string, { say }: HoldOptions): Promise<void> {
  try {
    await gateway.release(token);
    say(`gave the lease of ${target} back`);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    say(`the lease of ${target} was not given back: ${error.message}`);
  }
}

/**
 * Keeps a lease that somebody else has asked for, and will give back, from ending while something is done: renews it at once,
 * and again and again. A gateway that cannot, or a lease that is gone, is told of once: whoever publishes under it will see.
 */
export async function keepLease<T>(
  gateway: Gateway,
  token: string,
  options: HoldOptions,
  work: () => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const renewing = keepRenewing(gateway, token, options, end.signal);
  try {
    return await work();
  } finally {
    end.abort();
    await renewing;
  }
}

async function keepRenewing(gateway: Gateway, token: string, options: HoldOptions, end: AbortSignal): Promise<void> {
  const pause = options.renewEveryMs ?? RENEW_EVERY_MS;
  while (!end.aborted) {
    try {
      await gateway.renew(token);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      options.say(error.message);
      // One that does not answer may do so the next time; one that cannot renew never will.
      if (error.code === 'not_renewed') return;
    }
    await wait(pause, undefined, { signal: end }).catch(() => {});
  }
}
