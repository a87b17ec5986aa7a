import { describe, expect, test } from 'vitest';
import { LockTable, type Want } from './lock-table.ts';
import { type BuildWait, cyclesOf, PlayOut, type RequestWait, type Waits } from './play-out.ts';

const exclusive = (lock: string): Want => ({ lock, mode: 'exclusive', count: 1 });

/** A moment of a site: who holds what (in order), who waits for what (in order), and what builds wait for. */
function moment(options: {
  held?: Record<string, Want[]>;
  wanted?: Record<string, Want[]>;
  builds?: Partial<BuildWait>[];
  requests?: Partial<RequestWait>[];
  more?: Partial<Waits>;
}): PlayOut {
  const table = new LockTable(() => 1);
  let seq = 0;
  for (const [holder, wants] of Object.entries(options.held ?? {})) {
    seq += 1;
    table.restore({ holder, seq, wants });
  }
  for (const [holder, wants] of Object.entries(options.wanted ?? {})) {
    seq += 1;
    table.enqueue({ holder, seq, wants });
  }
  const build = { worker: 'w', holdsSlot: true, waitsFor: 'nothing' as const, children: [] };
  return new PlayOut({
    table,
    builds: (options.builds ?? []).map((one, i) => ({ id: i + 1, ...build, ...one })),
    requests: (options.requests ?? []).map((one) => ({
      ...{ id: 1, workers: ['w'], claimant: null, alternatives: [] },
      ...one,
    })),
    isReady: () => true,
    maxBuilds: () => 3,
    isAvailable: () => true,
    ...options.more,
  });
}

const crossed = {
  held: { 'build:1': [exclusive('a')], 'build:2': [exclusive('b')] },
  wanted: { 'step:1.0': [exclusive('b')], 'step:2.0': [exclusive('a')] },
  builds: [{ waitsFor: 'locks' as const }, { waitsFor: 'locks' as const }],
};

describe('playing the waiting out', () => {
  test('leaves nobody where the one who is waited for runs', () => {
    const wanted = { 'step:2.0': [exclusive('a')] };
    const playOut = moment({ ...crossed, builds: [{ waitsFor: 'nothing' }, { waitsFor: 'locks' }], wanted });
    expect(playOut.stuck).toEqual([]);
  });

  test('leaves those who wait for each other, with the locks between them', () => {
    const playOut = moment(crossed);
    expect(playOut.stuck).toEqual(['build:1', 'build:2']);
    expect(cyclesOf(playOut)).toEqual([
      [
        { party: 'build:1', lock: exclusive('b') },
        { party: 'build:2', lock: exclusive('a') },
      ],
    ]);
  });

  test('finds no cycle in a claim that can never be granted', () => {
    const three: Want = { lock: 'c', mode: 'counting', count: 3 };
    const playOut = moment({ wanted: { 'step:1.0': [three] }, builds: [{ waitsFor: 'locks' }] });
    expect(playOut.stuck).toEqual(['build:1']);
    expect(cyclesOf(playOut)).toEqual([]);
  });

  test('finds cycles that have nothing to do with each other', () => {
    const pair = (first: number, one: string, other: string) => ({
      held: { [`build:${first}`]: [exclusive(one)], [`build:${first + 1}`]: [exclusive(other)] },
      wanted: { [`step:${first}.0`]: [exclusive(other)], [`step:${first + 1}.0`]: [exclusive(one)] },
    });
    const [left, right] = [pair(1, 'a', 'b'), pair(3, 'c', 'd')];
    const playOut = moment({
      held: { ...left.held, ...right.held },
      wanted: { ...left.wanted, ...right.wanted },
      builds: [1, 2, 3, 4].map(() => ({ waitsFor: 'locks' as const })),
    });
    expect(cyclesOf(playOut).map((cycle) => cycle.map(({ party }) => party))).toEqual([
      ['build:1', 'build:2'],
      ['build:3', 'build:4'],
    ]);
  });

  test('trusts that a worker comes back, a slot is given back and the site allows what it refuses now', () => {
    const parent = { waitsFor: 'children' as const, holdsSlot: false, children: ['request:7'] };
    const held = { 'build:1': [exclusive('a')] };
    const full = { waitsFor: 'locks' as const };
    const wanted = { 'step:2.0': [exclusive('a')] };
    const stuckWith = (more: Partial<Waits>) =>
      moment({ held, wanted, builds: [parent, full], requests: [{ id: 7 }], more }).stuck;
    expect(stuckWith({ maxBuilds: () => 1 })).toEqual(['build:1', 'build:2', 'request:7']);
    expect(stuckWith({ maxBuilds: () => 2 })).toEqual([]);
    expect(stuckWith({ maxBuilds: () => 1, isAvailable: () => false })).toEqual([]);
  });

  test('knows that a request claims locks of another worker where they are free', () => {
    const parent = { waitsFor: 'children' as const, holdsSlot: false, children: ['request:7'] };
    const alternatives = [{ worker: 'x', wants: [exclusive('disk@x')] }];
    const stuckWith = (request: Partial<RequestWait>) =>
      moment({
        held: { 'build:1': [exclusive('disk@w')] },
        wanted: { 'request:7': [exclusive('disk@w')] },
        builds: [parent],
        requests: [{ id: 7, claimant: 7, workers: ['w', 'x'], ...request }],
      }).stuck;
    expect(stuckWith({})).toEqual(['build:1', 'request:7']);
    expect(stuckWith({ alternatives })).toEqual([]);
  });
});

describe('a lock table', () => {
  test('takes one lock from a holder of several, who keeps the others', () => {
    const table = new LockTable(() => 1);
    table.restore({ holder: 'build:1', seq: 1, wants: [exclusive('a'), exclusive('b')] });
    table.takeAway('build:1', 'a');
    expect(table.wouldGrant({ holder: 'build:2', seq: 2, wants: [exclusive('a')] })).toBe(true);
    expect(table.wouldGrant({ holder: 'build:2', seq: 2, wants: [exclusive('b')] })).toBe(false);
    table.takeAway('build:1', 'b');
    expect(table.isGranted('build:1')).toBe(false);
  });

  test('tells who is in the way: holders, and those who are served before', () => {
    const table = new LockTable(() => 1);
    table.restore({ holder: 'build:1', seq: 1, wants: [exclusive('a')] });
    table.enqueue({ holder: 'build:2', seq: 2, wants: [exclusive('a'), exclusive('b')] });
    table.enqueue({ holder: 'build:3', seq: 3, wants: [exclusive('b')] });
    const ofThird = (isReady: boolean) => table.inTheWay('build:3', () => isReady).map(({ holder }) => holder);
    expect(ofThird(true)).toEqual(['build:2']);
    expect(ofThird(false)).toEqual([]);
  });
});
