import type { MasterEvent } from '@icefall/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addBuild, addBuildset, addHistory } from '../http/test-history.ts';
import { TestSite } from '../http/test-site.ts';
import {
  type EventSink,
  EventStream,
  MOST_BUFFERED_BYTES,
  MOST_KEPT_EVENTS,
  MOST_REPLAYED,
  ROUND_MS,
} from './stream.ts';
import { Views } from './views.ts';

/** A client that takes nothing until it is told to. */
class Client implements EventSink {
  readonly written: Buffer[] = [];
  bufferedBytes = 0;
  isEnded = false;

  write(frames: Buffer): void {
    this.written.push(frames);
    this.bufferedBytes += frames.length;
  }
  end(last: Buffer): void {
    this.written.push(last);
    this.isEnded = true;
  }

  get frames(): { id: number; name: string; event: MasterEvent }[] {
    const blocks = Buffer.concat(this.written).toString().split('\n\n').slice(0, -1);
    return blocks.map((block) => {
      const [, id, name, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(block) ?? [];
      return { id: Number(id), name: name ?? '', event: JSON.parse(data ?? 'null') };
    });
  }
  /** `KIND KEY` of each event. */
  get told(): string[] {
    return this.frames.map(({ name, event }) => (name === 'reset' ? name : `${event.kind} ${event.key}`));
  }
}

let site: TestSite;
let stream: EventStream;
let lookedUp: string[];
beforeEach(() => {
  site = new TestSite();
  lookedUp = [];
  const views = new Views(site.port, () => '');
  stream = new EventStream(site.core, (kind, key) => {
    lookedUp.push(`${kind} ${key}`);
    return views.resource(kind, key);
  });
});
afterEach(() => site[Symbol.asyncDispose]());

const touch = (...keys: readonly string[]) =>
  site.core.turn(() => {
    for (const key of keys) site.core.touch('build', key);
  });
function subscribe(after: number | null = null): Client & { leave: () => void } {
  const client = new Client();
  return Object.assign(client, { leave: stream.subscribe(after, client) });
}
const round = () => site.clock.advance(ROUND_MS);

describe('a client that watches', () => {
  test('is sent every resource that a turn touched, as it is after the turn, in order of their numbers', () => {
    addHistory(site);
    const client = subscribe();
    const { seq } = site.core;
    site.core.turn(() => {
      site.core.touch('build', 2);
      site.core.touch('worker', 'w1');
      site.core.db.update('builds', { id: 2 }, { summary: 'halfway' });
    });
    round();
    expect(client.frames).toMatchObject([
      { id: seq + 1, name: 'build', event: { seq: seq + 1, kind: 'build', key: '2', data: { summary: 'halfway' } } },
      { id: seq + 2, name: 'worker', event: { key: 'w1', data: { name: 'w1' } } },
    ]);
    expect(client.frames[0]?.event.data).not.toHaveProperty('steps');
  });

  test('is told nothing of a turn that was rolled back, nor of what is gone', () => {
    const client = subscribe();
    expect(() =>
      site.core.turn(() => {
        site.core.touch('build', 1);
        throw new Error('no');
      }),
    ).toThrow('no');
    touch('99');
    round();
    expect(client.written).toEqual([]);
  });

  test('is sent a resource that changed a thousand times once, with its newest number', () => {
    addHistory(site);
    const client = subscribe();
    for (let i = 0; i < 1000; i += 1) touch('1', '2');
    round();
    expect(client.told).toEqual(['build 1', 'build 2']);
    expect(client.frames.at(-1)?.id).toBe(site.core.seq);
  });

  test('shares the work with all others: one look-up and the same bytes for each event', () => {
    addHistory(site);
    const clients = Array.from({ length: 100 }, () => subscribe());
    touch('1', '2');
    round();
    expect(lookedUp).toEqual(['build 1', 'build 2']);
    expect(clients.every((client) => client.written[0] === clients[0]?.written[0])).toBe(true);
  });

  test('is sent nothing any more once it has left', () => {
    addHistory(site);
    const client = subscribe();
    client.leave();
    touch('1');
    round();
    expect(client.written).toEqual([]);
    expect(lookedUp).toEqual([]);
  });

  test('keeps getting the others when one resource cannot be read', () => {
    addHistory(site);
    const broken = new EventStream(site.core, (_kind, key) => {
      if (key === '1') throw new Error('damaged');
      return new Views(site.port, () => '').resource('build', key);
    });
    const client = new Client();
    broken.subscribe(null, client);
    touch('1', '2');
    round();
    expect(client.told).toEqual(['build 2']);
    expect(site.complaints).toEqual(['an event is left out: its resource cannot be read']);
  });
});

describe('a client that was away', () => {
  test('gets the newest event of each resource it missed, with the resource as it is', () => {
    addHistory(site);
    const { seq } = site.core;
    touch('1', '2');
    touch('1');
    site.core.turn(() => site.core.db.update('builds', { id: 1 }, { summary: 'newest' }));
    const client = subscribe(seq);
    expect(client.frames).toMatchObject([
      { id: seq + 2, event: { key: '2' } },
      { id: seq + 3, event: { key: '1', data: { summary: 'newest' } } },
    ]);
  });

  test('and missed nothing gets nothing', () => {
    addHistory(site);
    expect(subscribe(site.core.seq).written).toEqual([]);
  });

  test('gets what waits for its round once, and what comes then', () => {
    addHistory(site);
    const first = subscribe();
    const { seq } = site.core;
    touch('1');
    const late = subscribe(seq);
    const now = subscribe();
    touch('2');
    round();
    expect(first.told).toEqual(['build 1', 'build 2']);
    expect(late.told).toEqual(['build 1', 'build 2']);
    expect(now.told).toEqual(['build 2']);
  });

  test('sees the same after any cut as one that never left', () => {
    addHistory(site);
    const whole = subscribe();
    for (const keys of [['1'], ['2', '1'], ['2'], ['1', '2']]) {
      const { seq } = site.core;
      touch(...keys);
      const cut = subscribe(seq);
      round();
      expect(cut.frames.at(-1)).toEqual(whole.frames.at(-1));
      cut.leave();
    }
  });

  test('is told to take a snapshot where its past is no longer kept, comes from the future, or is long', () => {
    addHistory(site);
    const { seq } = site.core;
    const future = subscribe(seq + 1);
    expect(future.told).toEqual(['reset']);
    expect(future).toMatchObject({ isEnded: true, frames: [{ id: seq }] });
    expect(subscribe(Number.POSITIVE_INFINITY).told).toEqual(['reset']);
    touch(...Array.from({ length: MOST_REPLAYED + 1 }, (_, i) => String(i)));
    expect(subscribe(seq).told).toEqual(['reset']);
    expect(subscribe(seq + 1).told).not.toEqual(['reset']);
    site.core.turn(() => site.core.db.run('DELETE FROM events WHERE seq <= ?', seq + 1));
    expect(subscribe(seq).told).toEqual(['reset']);
    expect(subscribe(seq + 1).told).not.toEqual(['reset']);
    expect(stream.clients).toBe(2);
  });

  test('from before anything happened in a new database is not reset', () => {
    expect(subscribe(0).isEnded).toBe(false);
  });
});

describe('bounds', () => {
  test('a client that takes nothing is reset and let go, and the others are not', () => {
    addHistory(site);
    const large = { variant: { value: 'x'.repeat(1024 * 1024), source: 'test' } };
    site.core.turn(() => site.core.db.update('builds', { id: 1 }, { properties: JSON.stringify(large) }));
    const [slow, fast] = [subscribe(), subscribe()];
    for (let i = 0; i < 20; i += 1) {
      touch('1');
      round();
      fast.bufferedBytes = 0;
    }
    expect(slow.isEnded).toBe(true);
    expect(slow.told.at(-1)).toBe('reset');
    expect(slow.bufferedBytes).toBeLessThan(MOST_BUFFERED_BYTES + 2 * 1024 * 1024);
    expect(fast.told).toHaveLength(20);
  });

  test('old events are dropped from the table, and only old ones', () => {
    const { db } = site.core;
    touch('first');
    const oldest = site.core.seq;
    site.core.turn(() => db.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", MOST_KEPT_EVENTS));
    for (let i = 0; i < 1000; i += 1) touch('1');
    round();
    round();
    expect(db.one('SELECT 1 FROM events WHERE seq = ?', oldest)).toBeNull();
    expect(db.one<{ n: number }>('SELECT COUNT(*) AS n FROM events')?.n).toBe(1000);
  });

  test('a turn that touches very much is told in rounds, and all of it', () => {
    const { buildsetId, requestIds } = addBuildset(site, ['linux']);
    const ids = Array.from({ length: 1200 }, () =>
      addBuild(site, { builder: 'linux', buildsetId, requestId: requestIds[0] ?? 0, result: null }),
    );
    round();
    const client = subscribe();
    touch(...ids.map(String));
    round();
    expect(client.told.length).toBeLessThan(1200);
    round();
    round();
    expect(client.told).toEqual(ids.map((id) => `build ${id}`));
  });

  test('when the server closes, nobody is taken any more', () => {
    const client = subscribe();
    stream.close();
    touch('1');
    round();
    expect(client.written).toEqual([]);
    expect(subscribe()).toMatchObject({ isEnded: true, told: [] });
  });
});

describe('a past that is not this one', () => {
  test('a client that knows a number which no event has, as after a restored backup, takes a new snapshot', () => {
    addHistory(site);
    const { seq } = site.core;
    site.core.db.run("INSERT INTO events (seq, at, kind, key) VALUES (?, 1, 'config', '')", seq + 1000);
    touch('1');
    const [lost, known] = [new Client(), new Client()];
    stream.subscribe(seq + 3, lost);
    stream.subscribe(seq, known);
    expect(lost.told).toEqual(['reset']);
    expect(known.told).not.toContain('reset');
  });
});

describe('what cannot be stored', () => {
  test('is told nevertheless, and moves nobody on', () => {
    const client = new Client();
    stream.subscribe(null, client);
    const { seq } = site.core;
    stream.announce('config', '');
    expect(client.frames).toMatchObject([{ id: seq, name: 'config', event: { seq, kind: 'config' } }]);
  });
});
