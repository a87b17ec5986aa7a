import { describe, expect, test } from 'vitest';
import { decide, type PoolState, type Seat } from './decisions.ts';

const NOW = 1_000_000;
const MINUTE = 60_000;

function seat(worker: string, more: Partial<Seat> = {}): Seat {
  const nobody = { container: 'none', since: null, isConnected: false, isLeaving: false, buildImage: null } as const;
  const image = (more.container ?? 'none') === 'none' ? null : 'usual';
  return { worker, ...nobody, image, freeSince: null, hasBuilt: false, ...more };
}
const starting = (worker: string, since = NOW - 1000) => seat(worker, { container: 'starting', since });
const ready = (worker: string, freeSince = NOW - 1000, more: Partial<Seat> = {}) =>
  seat(worker, { container: 'running', since: NOW - 30 * MINUTE, isConnected: true, freeSince, ...more });
const busy = (worker: string) => ready(worker, NOW - 1000, { buildImage: 'usual' });

/** As many requests of the usual image, or one of each that is named. */
type Decided = Partial<Omit<PoolState, 'demand'>> & { demand?: number | readonly string[] };

function decided(seats: readonly Seat[], { demand = 0, ...more }: Decided = {}) {
  const usual = { usual: 'usual', warm: 0, idleMs: 5 * MINUTE, perBuild: false, startWithinMs: 10 * MINUTE };
  const images = typeof demand === 'number' ? Array.from({ length: demand }, () => 'usual') : demand;
  return decide({ seats, demand: images, ...usual, notBefore: 0, now: NOW, ...more });
}
const usually = (...workers: readonly string[]) => workers.map((worker) => ({ worker, image: 'usual' }));
const NOTHING = { start: [], dismiss: [], remove: [] };

describe('a pool', () => {
  test('without work does nothing', () => {
    expect(decided([seat('a'), seat('b')])).toEqual(NOTHING);
  });

  test('starts as many workers as requests wait, and no more than it has places', () => {
    expect(decided([seat('a'), seat('b'), seat('c')], { demand: 2 }).start).toEqual(usually('a', 'b'));
    expect(decided([seat('a'), seat('b')], { demand: 9 }).start).toEqual(usually('a', 'b'));
  });

  test('counts those that are free or on their way, not those that build', () => {
    expect(decided([busy('a'), starting('b'), ready('c'), seat('d')], { demand: 2 }).start).toEqual([]);
    expect(decided([busy('a'), starting('b'), ready('c'), seat('d')], { demand: 3 }).start).toEqual(usually('d'));
  });

  test('keeps warm workers beside those that are wanted', () => {
    expect(decided([seat('a'), seat('b'), seat('c')], { demand: 1, warm: 1 }).start).toEqual(usually('a', 'b'));
    expect(decided([ready('a', 0), ready('b', 0)], { warm: 1 }).dismiss).toEqual(['a']);
  });

  test('dismisses who had nothing to do for long, the one that waited longest first', () => {
    expect(decided([ready('a'), ready('b', NOW - 6 * MINUTE)]).dismiss).toEqual(['b']);
    expect(decided([ready('a', NOW - 9 * MINUTE), ready('b', NOW - 7 * MINUTE)], { demand: 1 }).dismiss).toEqual(['a']);
  });

  test('dismisses nobody who builds, leaves, or is not there', () => {
    const old = { freeSince: 0 };
    expect(decided([{ ...busy('a'), ...old }, { ...ready('b', 0), isLeaving: true }, starting('c')])).toEqual(NOTHING);
  });

  test('of one build each dismisses who has built, and does not count it as free', () => {
    const spent = ready('a', NOW, { hasBuilt: true });
    expect(decided([spent, seat('b')], { demand: 1, perBuild: true })).toEqual({
      ...NOTHING,
      start: usually('b'),
      dismiss: ['a'],
    });
  });

  test('removes containers that have ended, or did not become workers in time', () => {
    const ended = seat('a', { container: 'ended', since: NOW });
    expect(decided([ended, starting('b', NOW - 11 * MINUTE)]).remove).toEqual(['a', 'b']);
  });

  test('has a worker again at once for a build whose container is gone', () => {
    expect(decided([seat('a', { buildImage: 'usual' })]).start).toEqual(usually('a'));
  });

  test('leaves a worker with a build alone, however long it is away', () => {
    const away = seat('a', { container: 'running', since: 0, buildImage: 'usual' });
    expect(decided([away])).toEqual(NOTHING);
  });

  test('starts what is wanted of each image, and counts only who is of it', () => {
    const seats = [ready('a'), seat('b'), seat('c'), seat('d')];
    expect(decided(seats, { demand: ['usual', 'other', 'other'] }).start).toEqual([
      { worker: 'b', image: 'other' },
      { worker: 'c', image: 'other' },
    ]);
  });

  test('has a worker of the same image again for a build whose container is gone', () => {
    expect(decided([seat('a', { buildImage: 'other' })]).start).toEqual([{ worker: 'a', image: 'other' }]);
  });

  test('that is full has those of other images leave, who waited longest first, and only as many as are needed', () => {
    const full = [ready('a', NOW - 1000), ready('b', NOW - 2000), busy('c')];
    expect(decided(full, { demand: ['other'] })).toEqual({ ...NOTHING, dismiss: ['b'] });
    const leaving = [ready('a'), ready('b', NOW - 2000, { isLeaving: true }), busy('c')];
    expect(decided(leaving, { demand: ['other'] })).toEqual(NOTHING);
    expect(decided([...full, seat('d')], { demand: ['other'] }).dismiss).toEqual([]);
  });

  test('has a warm worker make room for a request, but nobody for a warm worker', () => {
    const warm = [ready('a'), ready('b')];
    expect(decided(warm, { demand: ['other'], warm: 2 }).dismiss).toHaveLength(1);
    expect(decided([ready('a'), ready('b', NOW - 1000, { image: 'other' })], { warm: 2 }).dismiss).toEqual([]);
  });

  test('starts nothing for a while after a refusal', () => {
    expect(decided([seat('a')], { demand: 1, notBefore: NOW + 1 }).start).toEqual([]);
    expect(decided([seat('a')], { demand: 1, notBefore: NOW }).start).toEqual(usually('a'));
  });
});
