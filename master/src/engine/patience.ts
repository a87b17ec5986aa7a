import { storageFault } from '../storage/faults.ts';
import type { Clock, Logger, Timer } from './ports.ts';

/** A timer whose work the storage refused is tried again after this: a person frees space, it does not come back at once. */
export const RETRY_MS = 5000;

/**
 * A clock whose timers survive a storage that refuses: what they were set for is due still, and their turn has left
 * nothing behind. Any other error goes its way.
 */
export function patientClock(clock: Clock, log: Logger): Clock {
  const patient = (set: (call: () => void) => Timer, callback: () => void): Timer => {
    let timer: Timer;
    const call = () => {
      try {
        callback();
      } catch (error) {
        if (storageFault(error) === null) throw error;
        log.error({ err: error, retryInMs: RETRY_MS }, 'what is due now cannot be stored; it is tried again');
        timer = clock.after(RETRY_MS, call);
      }
    };
    timer = set(call);
    return { cancel: () => timer.cancel() };
  };
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    at: (timeMs, callback) => patient((call) => clock.at(timeMs, call), callback),
    after: (ms, callback) => patient((call) => clock.after(ms, call), callback),
  };
}
