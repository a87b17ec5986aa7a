import type { Clock, Timer } from './ports.ts';

interface Waiting {
  timeMs: number;
  /** Set with `after`: a jump of the clock moves it along. */
  readonly isDuration: boolean;
  /** Order of setting: timers of the same time call back in it. */
  readonly order: number;
  /** Null: cancelled; dropped when its time comes. */
  callback: (() => void) | null;
}

/** More timers than any test sets in one step: a timer that sets itself anew for the same time would never end. */
const MOST_CALLS_IN_ONE_STEP = 10_000_000;

/**
 * A clock that stands still until it is told to go: time for tests and for the simulation.
 * Timers call back in order of their times; while one does, `now()` is its time.
 */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  /** By how much all jumps have moved the clock. */
  #jumpedMs = 0;
  /** A binary heap, earliest first. */
  #heap: Waiting[] = [];

  constructor(startMs = 0) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#jumpedMs;
  }

  at(timeMs: number, callback: () => void): Timer {
    return this.#set(timeMs, false, callback);
  }

  after(ms: number, callback: () => void): Timer {
    return this.#set(this.#now + ms, true, callback);
  }

  #set(timeMs: number, isDuration: boolean, callback: () => void): Timer {
    this.#order += 1;
    const waiting: Waiting = { timeMs, isDuration, order: this.#order, callback };
    this.#push(waiting);
    return {
      cancel: () => {
        waiting.callback = null;
      },
    };
  }

  /** Time of the next timer, or null. A time that has passed is called back at the next step. */
  nextAt(): number | null {
    return this.#peek()?.timeMs ?? null;
  }

  /** Lets so many milliseconds pass. */
  advance(ms: number): void {
    this.runUntil(this.#now + ms);
  }

  /** Lets time pass until then, with all timers due by then, also those set on the way. */
  runUntil(timeMs: number): void {
    let calls = 0;
    for (let next = this.#peek(); next !== null && next.timeMs <= timeMs; next = this.#peek()) {
      calls += 1;
      if (calls > MOST_CALLS_IN_ONE_STEP) throw new Error(`timers keep setting themselves anew for ${this.#now}`);
      this.#pop();
      this.#now = Math.max(this.#now, next.timeMs);
      next.callback?.();
    }
    this.#now = Math.max(this.#now, timeMs);
  }

  /** Lets time pass and calls no timer meanwhile: the process was stopped. What is due calls back at the next step. */
  stall(ms: number): void {
    this.#now += ms;
  }

  /** Sets the time without calling any timer, backwards too: what an operator or a time server does. */
  jumpTo(timeMs: number): void {
    const byMs = timeMs - this.#now;
    this.#now = timeMs;
    this.#jumpedMs += byMs;
    const waiting = this.#heap;
    this.#heap = [];
    for (const one of waiting) {
      if (one.isDuration) one.timeMs += byMs;
      this.#push(one);
    }
  }

  #peek(): Waiting | null {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.callback !== null) return first;
      this.#pop();
    }
    return null;
  }

  #push(waiting: Waiting): void {
    const heap = this.#heap;
    let i = heap.push(waiting) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#swapIfEarlier(i, parent)) return;
      i = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      const child = left + 1 < heap.length && this.#isEarlier(left + 1, left) ? left + 1 : left;
      if (child >= heap.length || !this.#swapIfEarlier(child, i)) return;
      i = child;
    }
  }

  #isEarlier(i: number, j: number): boolean {
    const a = this.#heap[i];
    const b = this.#heap[j];
    if (a === undefined || b === undefined) return false;
    return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order);
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const [a, b] = [this.#heap[child], this.#heap[parent]];
    if (a === undefined || b === undefined || !this.#isEarlier(child, parent)) return false;
    this.#heap[child] = b;
    this.#heap[parent] = a;
    return true;
  }
}
