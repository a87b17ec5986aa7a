import { readFileSync } from 'node:fs';

/**
 * Loaded into a real process before its program (`NODE_OPTIONS=--import=…`): its wall clock is wrong by what stands in the
 * file $SHIFTED_CLOCK, milliseconds, from the moment that it stands there. As on a machine whose clock is set, durations
 * (`performance.now`, timers) know nothing of it. To set the machine's own clock takes rights that no test should have.
 */
const file = process.env.SHIFTED_CLOCK ?? '';
/** The file is read again after so long; a jump need not come at an exact moment. */
const READ_EVERY_MS = 20;

const realNow = Date.now;
let shiftMs = 0;
let readAt = Number.NEGATIVE_INFINITY;

function shift(): number {
  if (performance.now() - readAt < READ_EVERY_MS) return shiftMs;
  readAt = performance.now();
  try {
    shiftMs = Number(readFileSync(file, 'utf8'));
  } catch {
    // There is no file: the clock is right.
    shiftMs = 0;
  }
  return shiftMs;
}

const now = () => realNow() + shift();

globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
});
