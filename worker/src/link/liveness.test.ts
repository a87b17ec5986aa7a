import { expect, it } from 'vitest';
import { FakeWire, NO_EVENTS } from '../test-support/fake-wire.ts';
import { ManualClock } from '../test-support/manual-clock.ts';
import { Liveness } from './liveness.ts';

function watch() {
  const clock = new ManualClock();
  const wire = new FakeWire(NO_EVENTS);
  const deaths: number[] = [];
  const liveness = new Liveness(wire, clock, { intervalMs: 10_000, deadMs: 25_000 }, (silentMs) =>
    deaths.push(silentMs),
  );
  liveness.begin();
  return { clock, wire, deaths, liveness };
}

it('pings at its interval', () => {
  const { clock, wire } = watch();
  for (let i = 0; i < 12; i += 1) {
    wire.received += 1;
    clock.advance(5000);
  }
  expect(wire.pings).toBe(6);
});

it('tells of a silence that is too long, once', () => {
  const { clock, deaths } = watch();
  clock.advance(25_000);
  expect(deaths).toEqual([]);
  clock.advance(60_000);
  expect(deaths).toEqual([30_000]);
});

it('takes whatever comes in for a sign of life', () => {
  const { clock, wire, deaths } = watch();
  for (let i = 0; i < 100; i += 1) {
    clock.advance(20_000);
    wire.received += 1;
  }
  expect(deaths).toEqual([]);
});

it('does not take its own sleep for the death of the other side', () => {
  const { clock, wire, deaths } = watch();
  const { monotonic } = clock;
  let slept = 0;
  clock.monotonic = () => monotonic.call(clock) + slept;
  clock.advance(10_000);
  slept = 3_600_000;
  clock.advance(5000);
  expect(deaths).toEqual([]);
  wire.received += 1;
  clock.advance(20_000);
  expect(deaths).toEqual([]);
});
