import { describe, expect, test } from 'vitest';
import { decide, type PoolState, type Seat } from './decisions.ts';

const NOW = 1_000_000;
const MINUTE = 60_000;

function seat(worker: string, more: Partial<Seat> = {}): Seat {
  const nobody = { container: 'none', since: null, isConnected: false, isLeaving: false, hasBuild: false } as const;
  return { worker, ...nobody, freeSince: null, hasBuilt: false, ...more };
}
const starting = (worker: string, since = NOW - 1000) => seat(worker, { container: 'starting', since });
const ready = (worker: string, freeSince = NOW - 1000, more: Partial<Seat> = {}) =>
  seat(worker, { container: 'running', since: NOW - 30 * MINUTE, isConnected: true, freeSince, ...more });
const busy = (worker: string) => ready(worker, NOW - 1000, { hasBuild: true });

function decided(seats: readonly Seat[], more: Partial<PoolState> = {}) {
  const usual = { demand: 0, warm: 0, idleMs: 5 * MINUTE, perBuild: false, startWithinMs: 10 * MINUTE, notBefore: 0 };
  return decide({ seats, ...usual, now: NOW, ...more });
}
const NOTHING = { start: [], dismiss: [], remove: [] };

describe('a pool', () => {
  test('without work does nothing', () => {
    expect(decided([seat('a'), seat('b')])).toEqual(NOTHING);
  });

  test('starts as many workers as requests wait, and no more than it has places', () => {
    expect(decided([seat('a'), seat('b'), seat('c')], { demand: 2 }).start).toEqual(['a', 'b']);
    expect(decided([seat('a'), seat('b')], { demand: 9 }).start).toEqual(['a', 'b']);
  });

  test('counts those that are free or on their way, not those that build', () => {
    expect(decided([busy('a'), starting('b'), ready('c'), seat('d')], { demand: 2 }).start).toEqual([]);
    expect(decided([busy('a'), starting('b'), ready('c'), seat('d')], { demand: 3 }).start).toEqual(['d']);
  });

  test('keeps warm workers beside those that are wanted', () => {
    expect(decided([seat('a'), seat('b'), seat('c')], { demand: 1, warm: 1 }).start).toEqual(['a', 'b']);
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
      start: ['b'],
      dismiss: ['a'],
    });
  });

  test('removes containers that have ended, or did not become workers in time', () => {
    const ended = seat('a', { container: 'ended', since: NOW });
    expect(decided([ended, starting('b', NOW - 11 * MINUTE)]).remove).toEqual(['a', 'b']);
  });

  test('has a worker again at once for a build whose container is gone', () => {
    expect(decided([seat('a', { hasBuild: true })]).start).toEqual(['a']);
  });

  test('leaves a worker with a build alone, however long it is away', () => {
    const away = seat('a', { container: 'running', since: 0, hasBuild: true });
    expect(decided([away])).toEqual(NOTHING);
  });

  test('starts nothing for a while after a refusal', () => {
    expect(decided([seat('a')], { demand: 1, notBefore: NOW + 1 }).start).toEqual([]);
    expect(decided([seat('a')], { demand: 1, notBefore: NOW }).start).toEqual(['a']);
  });
});
