import { setTimeout as delay } from 'node:timers/promises';

/** Waits for something that no event tells of, such as a file or the end of a process. */
export async function eventually<T>(what: string, look: () => T | null, limitMs = 30_000): Promise<T> {
  const until = Date.now() + limitMs;
  for (;;) {
    const found = look();
    if (found !== null) return found;
    if (Date.now() > until) throw new Error(`waited ${limitMs / 1000} s for ${what}`);
    await delay(20);
  }
}
