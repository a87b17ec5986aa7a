import { describe, expect, test } from 'vitest';
import { periodicScheduler } from '../config/schedulers.ts';
import { prop } from '../properties/references.ts';
import { HOUR, linux, MINUTE, TestRoom } from './test-room.ts';

const hourly = periodicScheduler({ name: 'p', builders: [linux], every: '1h' });

describe('periodic', () => {
  test('starts at once the first time, then from start to start', () => {
    const room = TestRoom.started([hourly]);
    room.advance(2 * HOUR);
    expect(room.times()).toEqual(['2025-06-02T12:00', '2025-06-02T13:00', '2025-06-02T14:00']);
    expect(room.built()[0]?.reason).toBe('periodic');
  });

  test('keeps its phase over a restart', () => {
    const room = TestRoom.started([hourly]);
    room.advance(20 * MINUTE);
    const next = room.restarted(room.clock.now() + 10 * MINUTE);
    expect(next.schedulers.nextAt('p')).toBe(next.clock.now() + 30 * MINUTE);
    next.advance(30 * MINUTE);
    expect(next.times()).toEqual(['2025-06-02T12:00', '2025-06-02T13:00']);
  });

  test('overdue, starts exactly once, and counts from then', () => {
    const room = TestRoom.started([hourly]);
    room.advance(0);
    const next = room.restarted(room.clock.now() + 5.5 * HOUR);
    next.advance(HOUR);
    expect(next.times()).toEqual(['2025-06-02T12:00', '2025-06-02T17:30', '2025-06-02T18:30']);
  });

  test('does not wait for years after a clock that was wrong', () => {
    const room = TestRoom.started([hourly]);
    const wrong = room.restarted(room.clock.now() + 1000 * 24 * HOUR);
    wrong.advance(0);
    const right = wrong.restarted(room.clock.now());
    right.advance(HOUR - 1);
    expect(right.built()).toHaveLength(1);
    right.advance(1);
    expect(right.built()).toHaveLength(2);
  });

  test('tries again after its period if a property cannot be evaluated', () => {
    const bad = periodicScheduler({ name: 'p', builders: [linux], every: '1h', properties: { a: prop('nowhere') } });
    const room = TestRoom.started([bad]);
    room.advance(2 * HOUR);
    expect(room.built()).toEqual([]);
    expect(room.errors).toHaveLength(3);
  });

  test('switched off does not start; switched on when overdue starts once', () => {
    const room = TestRoom.started([hourly]);
    room.advance(0);
    room.schedulers.setEnabled('p', false);
    room.advance(3.5 * HOUR);
    expect(room.built()).toHaveLength(1);
    room.schedulers.setEnabled('p', true);
    room.advance(HOUR);
    expect(room.times()).toEqual(['2025-06-02T12:00', '2025-06-02T15:30', '2025-06-02T16:30']);
  });

  test('started by hand counts its period from there', () => {
    const room = TestRoom.started([hourly]);
    room.advance(30 * MINUTE);
    room.schedulers.runNow('p');
    room.advance(HOUR - 1);
    expect(room.built()).toHaveLength(2);
    room.advance(1);
    expect(room.built()).toHaveLength(3);
  });
});
