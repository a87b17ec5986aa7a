import type { MasterEvent, Snapshot } from '@icefall/shared';
import { type ReadonlySignal, signal } from '@preact/signals';
import type { EventHandlers } from '../api/stream.ts';
import { applyEvents, applySnapshot, type Store } from './store.ts';

/** Least time between two paints made by events: four a second are enough for eyes, and cheap for old machines. */
const PAINT_INTERVAL_MS = 250;
/** Events that wait for the next paint; more than these (a page in the background) are dropped for a new snapshot. */
export const MOST_QUEUED_EVENTS = 5000;
/** A stream that has not opened by then will not: a proxy keeps it, or the network lost it. */
export const OPEN_TIMEOUT_MS = 15_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

/** How the page is connected. Times are of the browser's clock, milliseconds. */
export type Connection =
  | { readonly state: 'loading' }
  | { readonly state: 'live' }
  /** What is shown is of `since`; the page tries again by itself. */
  | { readonly state: 'reconnecting'; readonly since: number; readonly why: string }
  /** The page is in the background, and lets the connection to others. */
  | { readonly state: 'paused'; readonly since: number };

/** What the live store needs of the world. */
export interface LivePorts {
  fetchSnapshot(): Promise<Snapshot>;
  openEvents(after: number, handlers: EventHandlers): () => void;
  /** Runs `work` once after a time (milliseconds); returns what calls it off. */
  after(ms: number, work: () => void): () => void;
  /** Runs `work` before the next paint. */
  beforePaint(work: () => void): void;
  /** The browser's clock. */
  now(): number;
  /** From 0 to 1. */
  random(): number;
}

export interface Live {
  readonly connection: ReadonlySignal<Connection>;
  start(): void;
  /** Closes the stream until {@link resume}, which goes on where it was. */
  pause(): void;
  resume(): void;
  /** The stream is silent although it should not be: begin it anew. */
  distrust(why: string): void;
  /** What is known is of another past (the master's database was put back): everything anew. */
  renew(): void;
  /** Sequence number of the last event that came. */
  seq(): number;
}

/** Keeps `store` as the master is: a snapshot first, then its events; after a cut it goes on with the last one it saw. */
export function createLive(store: Store, ports: LivePorts): Live {
  const connection = signal<Connection>({ state: 'loading' });
  let seq = -1;
  let failures = 0;
  let queue: MasterEvent[] = [];
  let flushing = false;
  let lastPaint = Number.NEGATIVE_INFINITY;
  let close = () => {};
  let callOff = () => {};
  /** Rises whenever a connection is given up, so that a late answer to an older one is not taken. */
  let epoch = 0;

  function drop(): void {
    epoch += 1;
    close();
    callOff();
    close = () => {};
    callOff = () => {};
  }

  function lost(why: string): void {
    drop();
    const was = connection.peek();
    const since = was.state === 'reconnecting' || was.state === 'paused' ? was.since : ports.now();
    connection.value = { state: 'reconnecting', since, why };
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
    failures += 1;
    // Between half and all of the wait: a hundred pages do not come back in the same instant.
    callOff = ports.after(wait * (0.5 + ports.random() / 2), connect);
  }

  function connect(): void {
    if (seq < 0) void takeSnapshot();
    else follow();
  }

  /**
   * Takes everything anew, or (`declared`) what a new configuration changes. Of the latter the past is not part: what
   * became of it meanwhile is in the events, so they go on where they were.
   */
  async function takeSnapshot(part: 'all' | 'declared' = 'all'): Promise<void> {
    drop();
    const mine = epoch;
    try {
      const snapshot = await ports.fetchSnapshot();
      if (mine !== epoch) return;
      const waiting = queue;
      queue = [];
      if (part === 'all') seq = snapshot.seq;
      else applyEvents(store, waiting);
      applySnapshot(store, snapshot, { keepPast: part === 'declared' });
      follow();
    } catch (cause) {
      if (mine !== epoch) return;
      seq = -1;
      lost(cause instanceof Error ? cause.message : String(cause));
    }
  }

  function follow(): void {
    drop();
    callOff = ports.after(OPEN_TIMEOUT_MS, () => lost('The stream of events does not open.'));
    close = ports.openEvents(seq, {
      opened() {
        callOff();
        failures = 0;
        connection.value = { state: 'live' };
      },
      event: take,
      reset: () => void takeSnapshot(),
      broken: () => lost('The connection broke.'),
    });
  }

  function take(event: MasterEvent): void {
    // After a cut an event may come twice.
    // What the master cannot store (that its storage refuses) bears the number of the event before.
    if (event.seq < seq || (event.seq === seq && event.kind !== 'config')) return;
    seq = event.seq;
    queue.push(event);
    if (queue.length > MOST_QUEUED_EVENTS) void takeSnapshot();
    else if (!flushing) plan();
  }

  function plan(): void {
    flushing = true;
    const wait = Math.max(0, lastPaint + PAINT_INTERVAL_MS - ports.now());
    ports.after(wait, () => ports.beforePaint(flush));
  }

  function flush(): void {
    flushing = false;
    lastPaint = ports.now();
    const events = queue;
    queue = [];
    if (!applyEvents(store, events)) void takeSnapshot('declared');
  }

  return {
    connection,
    start: connect,
    pause() {
      drop();
      const was = connection.peek();
      connection.value = { state: 'paused', since: was.state === 'reconnecting' ? was.since : ports.now() };
    },
    resume() {
      if (connection.peek().state === 'paused') connect();
    },
    distrust(why) {
      if (connection.peek().state === 'live') lost(why);
    },
    renew: () => void takeSnapshot(),
    seq: () => seq,
  };
}
