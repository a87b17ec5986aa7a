import { signal } from '@preact/signals';

/** Master's clock minus the browser's, milliseconds. */
const offset = signal(0);
/** The master's time, once a second: for everything that grows or counts down on the page. */
export const now = signal(Date.now());

/** The master's time now. */
export function masterTime(): number {
  return Date.now() + offset.peek();
}

/** Sets the clock by what the master said; half the round trip is taken for the way back. */
export function setClock(masterNow: number, roundTripMs: number): void {
  offset.value = masterNow + roundTripMs / 2 - Date.now();
  now.value = masterTime();
}

/** Lets {@link now} tick while the page is visible. */
export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = masterTime();
  }, 1000);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) now.value = masterTime();
  });
}
