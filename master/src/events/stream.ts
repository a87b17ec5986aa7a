import type { EventData, EventKind } from '@icefall/shared';
import type { Core, Touched } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import { sseFrame } from './frame.ts';

/** Events kept for clients that were away: at a hundred a second, a quarter of an hour. Older ones cost a snapshot. */
export const MOST_KEPT_EVENTS = 100_000;
/** The table is cut back once for so many events: one more sync of the disk in a thousand. */
const PRUNE_EVERY = 1000;
/** Resources that a client that was away is sent one by one; for more, a snapshot is cheaper for both sides. */
export const MOST_REPLAYED = 2000;
/**
 * Time between two rounds of events. Within it a resource that changed several times is looked up and sent once: a step
 * that changes a thousand times a second costs forty events. Far below what an eye sees, and than the page's own pace.
 */
export const ROUND_MS = 25;
/** Resources looked up in one round, so that a turn that touches ten thousand does not hold up the next turn for long. */
const MOST_IN_ROUND = 500;
/** Resources that wait for their round. Beyond it everybody is told to take a snapshot. */
const MOST_WAITING = 20_000;
/** Bytes that wait for one client. A slower one is told to take a snapshot, and let go. */
export const MOST_BUFFERED_BYTES = 8 * 1024 * 1024;

/** Where a client's events go. */
export interface EventSink {
  write(frames: Buffer): void;
  /** Bytes written and not yet taken by the client's side. */
  readonly bufferedBytes: number;
  /** Writes the last frame and ends. Whoever does not take it in time is cut off. */
  end(last: Buffer): void;
}

/** What a client may see of a resource: itself, something in its place, or null. */
export interface EventSight {
  readonly isWhole: boolean;
  see<K extends EventKind>(kind: K, data: EventData[K]): EventData[K] | null;
}
const EVERYTHING: EventSight = { isWhole: true, see: (_kind, data) => data };

interface Client {
  readonly sink: EventSink;
  readonly sight: EventSight;
  /** It has everything up to this event. */
  seq: number;
}

interface Frame extends Touched {
  readonly data: EventData[EventKind];
  readonly bytes: Buffer;
}

/**
 * What changed, for everybody who watches. Events carry the resource as it is when they are sent, so several changes of
 * one resource become one event, and a client that was away gets only the newest of each.
 */
export class EventStream {
  readonly #core: Core;
  readonly #resource: (kind: EventKind, key: string) => EventData[EventKind] | null;
  readonly #clients = new Set<Client>();
  /** By kind and key, in order of seq. */
  readonly #waiting = new Map<string, Touched>();
  #round: Timer | null = null;
  #lastRoundAt = Number.NEGATIVE_INFINITY;
  #unpruned = PRUNE_EVERY;
  #isClosed = false;

  /** `resource` gives what an event of a kind and key carries, or null for what is gone. */
  constructor(core: Core, resource: (kind: EventKind, key: string) => EventData[EventKind] | null) {
    this.#core = core;
    this.#resource = resource;
    core.committed.on((touched) => this.#take(touched));
  }

  /**
   * Sends a client what happened after event `after` (null: after now), and then what happens. A client whose past is
   * not at hand is sent `reset` and ended. Only what `sight` lets through is sent. Gives what ends it from the other side.
   */
  subscribe(after: number | null, sink: EventSink, sight = EVERYTHING): () => void {
    const seq = this.#core.seq;
    const missed = after === null ? [] : this.#missed(after);
    if (missed === null || this.#isClosed) {
      sink.end(missed === null ? this.#resetFrame() : Buffer.alloc(0));
      return () => {};
    }
    const frames = missed.map((touched) => this.#frame(touched)).filter((frame) => frame !== null);
    const seen = seenBy(sight, frames);
    if (seen.length > 0) sink.write(Buffer.concat(seen));
    const client: Client = { sink, sight, seq };
    this.#clients.add(client);
    return () => this.#clients.delete(client);
  }

  /** Sends everybody a resource as it is now though no turn has changed it: what cannot be stored can still be told. */
  announce(kind: EventKind, key: string): void {
    const data = this.#look(kind, key);
    if (data === null) return;
    for (const client of this.#clients) {
      // The client's own number: it has got nothing newer by this.
      const frame = frameOf({ seq: client.seq, at: this.#core.now(), kind, key }, data);
      for (const bytes of seenBy(client.sight, [frame])) this.#write(client, bytes);
    }
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Ends all clients. They come back when the master does, and go on where they were. */
  close(): void {
    this.#isClosed = true;
    this.#round?.cancel();
    this.#round = null;
    this.#clients.clear();
    this.#waiting.clear();
  }

  /** The newest event of each resource after `after`, or null if that is not at hand. */
  #missed(after: number): Touched[] | null {
    const { db, seq } = this.#core;
    const oldest = db.one<{ seq: number | null }>('SELECT MIN(seq) AS seq FROM events')?.seq ?? seq + 1;
    if (after > seq || after < oldest - 1) return null;
    // A number that no event has belongs to a past that a restored backup does not know.
    if (after >= oldest && after < seq && db.one('SELECT seq FROM events WHERE seq = ?', after) === null) return null;
    const missed = db.all<Touched>(
      'SELECT MAX(seq) AS seq, at, kind, key FROM events WHERE seq > ? GROUP BY kind, key ORDER BY 1 LIMIT ?',
      after,
      MOST_REPLAYED + 1,
    );
    return missed.length > MOST_REPLAYED ? null : missed;
  }

  #take(touched: readonly Touched[]): void {
    if (this.#isClosed) return;
    this.#unpruned += touched.length;
    if (this.#clients.size > 0)
      for (const one of touched) {
        const name = `${one.kind} ${one.key}`;
        // Deleted first: it goes to the end of the map, which is in order of seq.
        this.#waiting.delete(name);
        this.#waiting.set(name, one);
      }
    if (this.#waiting.size > MOST_WAITING) this.#resetAll();
    // Never at once: a turn's own effects go out first.
    if (this.#waiting.size > 0 || this.#unpruned >= PRUNE_EVERY) this.#plan();
  }

  #plan(): void {
    if (this.#round !== null) return;
    const { clock } = this.#core;
    this.#round = clock.after(Math.max(0, this.#lastRoundAt + ROUND_MS - clock.monotonic()), () => this.#doRound());
  }

  #doRound(): void {
    this.#round = null;
    this.#lastRoundAt = this.#core.clock.monotonic();
    this.#send();
    if (this.#unpruned >= PRUNE_EVERY) this.#prune();
    if (this.#waiting.size > 0) this.#plan();
  }

  #send(): void {
    const frames: Frame[] = [];
    let looked = 0;
    for (const [name, touched] of this.#waiting) {
      if (looked >= MOST_IN_ROUND) break;
      this.#waiting.delete(name);
      looked += 1;
      const frame = this.#clients.size === 0 ? null : this.#frame(touched);
      if (frame !== null) frames.push(frame);
    }
    const first = frames[0];
    const last = frames.at(-1);
    if (first === undefined || last === undefined) return;
    const all = Buffer.concat(frames.map((frame) => frame.bytes));
    for (const client of this.#clients) {
      if (client.seq < first.seq && client.sight.isWhole) this.#write(client, all);
      else {
        const newer = frames.filter((frame) => frame.seq > client.seq);
        const seen = seenBy(client.sight, newer);
        if (seen.length > 0) this.#write(client, Buffer.concat(seen));
      }
      client.seq = Math.max(client.seq, last.seq);
    }
  }

  #write(client: Client, frames: Buffer): void {
    client.sink.write(frames);
    if (client.sink.bufferedBytes > MOST_BUFFERED_BYTES) this.#reset(client);
  }

  #resetAll(): void {
    this.#waiting.clear();
    for (const client of this.#clients) this.#reset(client);
  }

  #reset(client: Client): void {
    this.#clients.delete(client);
    client.sink.end(this.#resetFrame());
  }

  /** It has a number, so that a browser that comes back by itself goes on from there. */
  #resetFrame(): Buffer {
    const { seq } = this.#core;
    return sseFrame({ id: seq, name: 'reset', data: JSON.stringify({ seq }) });
  }

  #frame(touched: Touched): Frame | null {
    const data = this.#look(touched.kind, touched.key);
    return data === null ? null : frameOf(touched, data);
  }

  /** One resource that cannot be read (a damaged log, say) keeps nobody from the others. */
  #look(kind: EventKind, key: string): EventData[EventKind] | null {
    try {
      return this.#resource(kind, key);
    } catch (error) {
      this.#core.log.error({ kind, key, error }, 'an event is left out: its resource cannot be read');
      return null;
    }
  }

  #prune(): void {
    this.#unpruned = 0;
    this.#core.turn(() => this.#core.db.run('DELETE FROM events WHERE seq <= ?', this.#core.seq - MOST_KEPT_EVENTS));
  }
}

function frameOf({ seq, at, kind, key }: Touched, data: EventData[EventKind]): Frame {
  const bytes = sseFrame({ id: seq, name: kind, data: JSON.stringify({ seq, at, kind, key, data }) });
  return { seq, at, kind, key, data, bytes };
}

/** What goes to a client, of some frames. Those that it sees as they are were written once for all clients. */
function seenBy(sight: EventSight, frames: readonly Frame[]): Buffer[] {
  return frames.flatMap((frame) => {
    const data = sight.isWhole ? frame.data : sight.see(frame.kind, frame.data);
    if (data === null) return [];
    return [data === frame.data ? frame.bytes : frameOf(frame, data).bytes];
  });
}
