import { describe, expect, test } from 'vitest';
import { type NightlyOptions, nightlyScheduler } from '../config/schedulers.ts';
import { prop } from '../properties/references.ts';
import { HOUR, linux, MINUTE, REPOSITORY, siteOf, TestRoom } from './test-room.ts';

/** 12:00 UTC is when every test begins. */
const nightly = (more: Partial<NightlyOptions> = {}) =>
  nightlyScheduler({ name: 'n', builders: [linux], cron: '0 2 * * *', ...more });
const hourly = (more: Partial<NightlyOptions> = {}) => nightly({ cron: '0 * * * *', ...more });
const isCode = (change: { files: readonly string[] }) => !change.files.includes('a.md');
const text = { files: ['a.md'] };

describe('nightly', () => {
  test('starts at its times, not when it is declared', () => {
    const room = TestRoom.started([nightly({ codebases: { '': { repository: REPOSITORY, branch: 'main' } } })]);
    expect(room.schedulers.nextAt('n')).toBe(Date.UTC(2025, 5, 3, 2));
    room.advance(48 * HOUR);
    expect(room.times()).toEqual(['2025-06-03T02:00', '2025-06-04T02:00']);
    expect(room.built()[0]).toMatchObject({
      reason: 'nightly',
      changeIds: [],
      sourceStamps: [{ repository: REPOSITORY, branch: 'main', revision: null }],
    });
  });

  test("goes by the site's time zone, or its own", () => {
    const room = TestRoom.started([nightly(), nightly({ name: 'own', timeZone: 'Asia/Tokyo' })], {
      timeZone: 'Europe/Zurich',
    });
    room.advance(24 * HOUR);
    expect(room.times('n')).toEqual(['2025-06-03T00:00']);
    expect(room.times('own')).toEqual(['2025-06-02T17:00']);
  });

  test('does not go on from a restart but from its last time', () => {
    const room = TestRoom.started([hourly()]);
    room.advance(90 * MINUTE);
    const next = room.restarted(room.clock.now() + MINUTE);
    next.advance(30 * MINUTE);
    expect(next.times()).toEqual(['2025-06-02T13:00', '2025-06-02T14:00']);
  });

  test('with a new pattern begins with its next time, not with one that has passed', () => {
    const room = TestRoom.started([nightly({ cron: '0 23 * * *' })]);
    room.core.turn(() => room.config.replace(siteOf([nightly({ cron: '0 11,13 * * *' })])));
    room.advance(HOUR);
    expect(room.times()).toEqual(['2025-06-02T13:00']);
    const next = room.restarted(room.clock.now() + 2 * HOUR, [nightly({ cron: '0 14 * * *' })]);
    next.advance(HOUR);
    expect(next.built()).toHaveLength(1);
  });
});

describe('times that passed while the master was down', () => {
  test('make one start at once, however many they are', () => {
    const room = TestRoom.started([hourly()]);
    const next = room.restarted(room.clock.now() + 5.5 * HOUR);
    next.advance(0);
    expect(next.times()).toEqual(['2025-06-02T17:30']);
    next.advance(HOUR);
    expect(next.times()).toEqual(['2025-06-02T17:30', '2025-06-02T18:00']);
  });

  test('are skipped if the scheduler says so; later ones are not', () => {
    const room = TestRoom.started([hourly({ missed: 'skip' })]);
    const next = room.restarted(room.clock.now() + 5.5 * HOUR);
    next.advance(HOUR);
    expect(next.times()).toEqual(['2025-06-02T18:00']);
  });

  test('are not those at the moment of the start', () => {
    const room = TestRoom.started([hourly({ missed: 'skip' })]);
    const next = room.restarted(room.clock.now() + 5 * HOUR);
    next.advance(MINUTE);
    expect(next.times()).toEqual(['2025-06-02T17:00']);
  });

  test('are not made up for by a scheduler that is new in the configuration', () => {
    const room = TestRoom.started([]);
    const next = room.restarted(room.clock.now() + 5 * HOUR + 1, [hourly()]);
    next.advance(0);
    expect(next.built()).toEqual([]);
  });
});

describe('a clock that is set back', () => {
  test('makes no occurrence come twice', () => {
    const room = TestRoom.started([hourly()]);
    room.advance(HOUR);
    room.clock.jumpTo(room.clock.now() - 10 * MINUTE);
    room.advance(20 * MINUTE);
    expect(room.times()).toEqual(['2025-06-02T13:00']);
    const next = room.restarted(room.clock.now() - 40 * MINUTE);
    next.advance(60 * MINUTE);
    expect(next.built()).toHaveLength(1);
    next.advance(40 * MINUTE);
    expect(next.built()).toHaveLength(2);
  });

  test('by years, after it was wrong, does not stop the scheduler for years', () => {
    const room = TestRoom.started([hourly()]);
    const wrong = room.restarted(room.clock.now() + 1000 * 24 * HOUR);
    wrong.advance(0);
    expect(wrong.built()).toHaveLength(1);
    const right = wrong.restarted(room.clock.now());
    right.advance(HOUR);
    expect(right.built()).toHaveLength(2);
  });
});

describe('onlyIfChanged', () => {
  const changed = nightly({ onlyIfChanged: true, isImportant: isCode, changes: { branch: 'main' } });

  test('builds the first time, then only after an important change', () => {
    const room = TestRoom.started([changed]);
    room.advance(24 * HOUR);
    expect(room.listed()).toEqual([[]]);
    room.advance(24 * HOUR);
    expect(room.built()).toHaveLength(1);
    const a = room.push({ revision: 'r1' });
    room.push({ branch: 'next', revision: 'other' });
    room.advance(24 * HOUR);
    expect(room.listed()).toEqual([[], [a]]);
    expect(room.built()[1]?.sourceStamps[0]?.revision).toBe('r1');
    room.advance(24 * HOUR);
    expect(room.built()).toHaveLength(2);
  });

  test('does not build for unimportant changes alone, but lists them later', () => {
    const room = TestRoom.started([changed]);
    room.advance(24 * HOUR);
    const a = room.push(text);
    room.advance(24 * HOUR);
    expect(room.built()).toHaveLength(1);
    const b = room.push();
    room.advance(24 * HOUR);
    expect(room.listed()[1]).toEqual([a, b]);
  });

  test('remembers across a restart whether there was a change', () => {
    const room = TestRoom.started([changed]);
    room.advance(24 * HOUR);
    const a = room.push();
    const next = room.restarted(room.clock.now() + HOUR);
    next.advance(24 * HOUR);
    expect(next.listed()).toEqual([[], [a]]);
  });

  test('builds once when it is newly asked for: what came before is not known', () => {
    const room = TestRoom.started([nightly()]);
    room.advance(24 * HOUR);
    const next = room.restarted(room.clock.now(), [changed]);
    next.advance(48 * HOUR);
    expect(next.times()).toEqual(['2025-06-03T02:00', '2025-06-04T02:00']);
  });
});

describe('the changes of a nightly buildset', () => {
  test('are those since the last one, where the scheduler says which it wants', () => {
    const room = TestRoom.started([nightly({ changes: { branch: 'main' } })]);
    const a = room.push();
    const b = room.push({ revision: 'r2' });
    room.advance(24 * HOUR);
    const c = room.push();
    room.advance(48 * HOUR);
    expect(room.listed()).toEqual([[a, b], [c], []]);
  });

  test('are none where it does not: other repositories are none of its business', () => {
    const room = TestRoom.started([nightly()]);
    room.push();
    room.advance(24 * HOUR);
    expect(room.built()[0]).toMatchObject({ changeIds: [], sourceStamps: [] });
  });

  test('are kept if it could not start', () => {
    const changes = { branch: 'main' };
    const room = TestRoom.started([nightly({ changes, properties: { a: prop('nowhere') } })]);
    const a = room.push();
    room.advance(24 * HOUR);
    expect(room.built()).toEqual([]);
    expect(room.schedulers.view('n')?.lastError).toContain('nowhere');
    const next = room.restarted(room.clock.now(), [nightly({ changes })]);
    next.advance(24 * HOUR);
    expect(next.listed()).toEqual([[a]]);
  });
});

describe('a nightly scheduler that is switched off', () => {
  test('does not start, and does not make up for it', () => {
    const room = TestRoom.started([hourly({ changes: { branch: 'main' } })]);
    room.schedulers.setEnabled('n', false);
    room.push();
    room.advance(3.5 * HOUR);
    room.schedulers.setEnabled('n', true);
    room.advance(20 * MINUTE);
    expect(room.built()).toEqual([]);
    room.advance(10 * MINUTE);
    expect(room.listed()).toEqual([[]]);
  });
});

describe('started by hand', () => {
  test('a nightly scheduler builds what has come, and still comes at its time', () => {
    const room = TestRoom.started([nightly({ onlyIfChanged: true, changes: { branch: 'main' } })]);
    const a = room.push();
    room.schedulers.runNow('n');
    expect(room.listed()).toEqual([[a]]);
    room.advance(24 * HOUR);
    expect(room.built()).toHaveLength(1);
    room.push();
    room.advance(24 * HOUR);
    expect(room.times()).toEqual(['2025-06-02T12:00', '2025-06-04T02:00']);
  });
});

describe('across a change of clocks', () => {
  test('02:30 comes once a day, in the gap and in the fold', () => {
    const zone = { timeZone: 'Europe/Zurich', cron: '30 2 * * *' };
    const room = TestRoom.started([nightly(zone)]);
    room.clock.runUntil(Date.UTC(2025, 9, 25, 12));
    const before = room.built().length;
    room.advance(48 * HOUR);
    expect(room.times().slice(before)).toEqual(['2025-10-26T00:30', '2025-10-27T01:30']);
    room.clock.runUntil(Date.UTC(2026, 2, 28, 12));
    const winter = room.built().length;
    room.advance(48 * HOUR);
    expect(room.times().slice(winter)).toEqual(['2026-03-29T01:00', '2026-03-30T00:30']);
  });

  test('a restart between the two half past twos does not start again', () => {
    const room = TestRoom.started([nightly({ timeZone: 'Europe/Zurich', cron: '30 2 * * *' })]);
    room.clock.runUntil(Date.UTC(2025, 9, 26, 0, 45));
    const count = room.built().length;
    const next = room.restarted(room.clock.now());
    next.advance(2 * HOUR);
    expect(next.built()).toHaveLength(count);
  });
});
