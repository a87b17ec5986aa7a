import { describe, expect, test } from 'vitest';
import { MINUTE, shell, siteWith, TestRoom } from './test-room.ts';

const open = () => new TestRoom(siteWith({ name: 'w1', grace: '10m' }));
function noting(room: TestRoom): string[] {
  const noted: string[] = [];
  room.workers.arrived.on((name) => noted.push(`${name} arrived`));
  room.workers.left.on((name) => noted.push(`${name} left`));
  return noted;
}

describe('a worker', () => {
  test('can be given work while it is connected, not leaving and not paused', () => {
    const room = open();
    const noted = noting(room);
    const available = () => room.workers.isAvailable('w1');
    expect(available()).toBe(false);
    const agent = room.connect();
    expect(available()).toBe(true);
    room.workers.setPaused('w1', true);
    room.workers.setPaused('w1', true);
    expect(available()).toBe(false);
    room.workers.setPaused('w1', false);
    expect(available()).toBe(true);
    agent.says({ kind: 'leaving', reason: 'asked to' });
    expect(available()).toBe(false);
    expect(room.workers.presence('w1').leaving).toBe(true);
    agent.cut();
    expect(room.workers.presence('w1')).toMatchObject({ connected: false, leaving: false });
    expect(noted).toEqual(['w1 arrived', 'w1 left', 'w1 arrived', 'w1 left', 'w1 left']);
  });

  test('has its connections on record; one that a master did not see end, ended when the worker was last seen', () => {
    const room = open();
    const connections = (of: TestRoom) =>
      of.core.db
        .all<{ began_at: number; ended_at: number | null }>('SELECT began_at, ended_at FROM worker_connections')
        .map(({ began_at, ended_at }) => [began_at - start, ended_at === null ? null : ended_at - start]);
    const start = room.core.now();
    const agent = room.connect();
    room.clock.advance(MINUTE);
    agent.cut();
    room.clock.advance(MINUTE);
    room.connect();
    expect(connections(room)).toEqual([
      [0, MINUTE],
      [2 * MINUTE, null],
    ]);
    room.clock.advance(MINUTE);
    const next = room.restarted();
    next.workers.start();
    expect(connections(next).at(-1)).toEqual([2 * MINUTE, 2 * MINUTE]);
    next.connect();
    expect(connections(next)).toHaveLength(3);
  });

  test('is paused also in the next master', () => {
    const room = open();
    room.workers.setPaused('w1', true);
    const next = room.restarted();
    const noted = noting(next);
    next.connect();
    expect([next.workers.isPaused('w1'), next.workers.isAvailable('w1'), noted]).toEqual([true, false, ['w1 left']]);
  });

  test('is not paused by a turn that failed', () => {
    const room = open();
    const failing = () =>
      room.core.turn(() => {
        room.workers.setPaused('w1', true);
        throw new Error('no');
      });
    expect(failing).toThrow('no');
    expect(room.workers.isPaused('w1')).toBe(false);
  });

  test('is told to finish and leave', () => {
    const room = open();
    expect(room.workers.shutdown('w1', 'update')).toBe(false);
    const agent = room.connect();
    expect(room.workers.shutdown('w1', 'update')).toBe(true);
    expect(agent.messages.at(-1)).toEqual({ kind: 'shutdown', drain: true, reason: 'update' });
  });

  test('is seen by clients with every change', () => {
    const room = open();
    const touched: string[] = [];
    room.core.committed.on((all) => touched.push(...all.map(({ kind, key }) => `${kind} ${key}`)));
    const agent = room.connect();
    agent.cut();
    expect(touched).toEqual(['worker w1', 'worker w1']);
  });
});

describe('grace', () => {
  test('begins for every active build when the worker goes, and ends when it is back', () => {
    const room = open();
    const agent = room.connect();
    const [first, second, over] = [room.build(), room.build(), room.build()];
    room.endBuild(over);
    const touched: string[] = [];
    room.core.committed.on((all) => touched.push(...all.map(({ kind, key }) => `${kind} ${key}`)));
    agent.cut();
    expect([first, second, over].map((build) => room.graceOf(build))).toEqual([10 * MINUTE, 10 * MINUTE, null]);
    expect(touched).toEqual(['worker w1', `build ${first}`, `build ${second}`]);
    room.connect();
    expect([first, second].map((build) => room.graceOf(build))).toEqual([null, null]);
    room.clock.advance(60 * MINUTE);
    expect(room.told).toEqual([]);
  });

  test('that ends loses what the worker had; clean-up has a longer one', () => {
    const room = open();
    const agent = room.connect();
    const [first, second] = [room.build(), room.build()];
    room.order(first);
    room.order(second, shell(), { patient: true });
    agent.cut();
    room.clock.advance(10 * MINUTE - 1);
    expect(room.told).toEqual([]);
    room.clock.advance(1);
    expect(room.told).toEqual(['1 lost: the worker w1 was away for longer than its grace of 10 m 00 s']);
    expect(room.onRecord).toEqual(['2 sent']);
    expect([room.graceOf(first), room.graceOf(second)]).toEqual([null, 24 * 60 * MINUTE - 10 * MINUTE]);
    room.clock.advance(24 * 60 * MINUTE - 10 * MINUTE);
    expect(room.told.at(-1)).toBe('2 lost: the worker w1 was away for longer than its cleanUpGrace of 1 d 0 h');
    expect([room.onRecord, room.graceOf(second)]).toEqual([[], null]);
  });

  test('is not given twice to one absence', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    agent.cut();
    room.clock.advance(4 * MINUTE);
    room.order(build);
    expect(room.graceOf(build)).toBe(6 * MINUTE);
  });

  test('begins with a command for a worker that is away, for clean-up its own', () => {
    const room = open();
    const [first, second] = [room.build(), room.build()];
    room.order(first, shell(), { patient: true });
    room.order(second);
    expect([room.graceOf(first), room.graceOf(second)]).toEqual([24 * 60 * MINUTE, 10 * MINUTE]);
    room.clock.advance(10 * MINUTE);
    expect(room.told).toMatchObject([expect.stringContaining('2 lost')]);
    expect(room.connect('w1', { storeId: 'store-two' }).heard).toEqual(['welcome []', 'start 1']);
    expect(room.row('SELECT state, store_id FROM commands')).toEqual({ state: 'sent', store_id: 'store-two' });
  });

  test('of a command that a loss makes a build ask for is one of its own', () => {
    const room = open();
    const build = room.build();
    room.order(build);
    let once = true;
    room.commands.lost.on(() => {
      if (once) room.order(build);
      once = false;
    });
    room.clock.advance(10 * MINUTE);
    expect([room.onRecord, room.graceOf(build)]).toEqual([['2 queued'], 10 * MINUTE]);
    room.clock.advance(10 * MINUTE);
    expect(room.told).toHaveLength(2);
  });

  test('begins anew with a new master', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    room.order(build);
    agent.cut();
    room.clock.advance(9 * MINUTE);
    const next = room.restarted();
    expect(next.graceOf(build)).toBe(10 * MINUTE);
    next.clock.advance(10 * MINUTE);
    expect(next.told).toMatchObject([expect.stringContaining('1 lost')]);
  });

  test('does not begin, and nothing is lost, when the master stops', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    room.order(build);
    room.workers.stop();
    expect(agent.end).toContain('1001');
    room.clock.advance(60 * MINUTE);
    expect([room.told, room.graceOf(build)]).toEqual([[], null]);
    expect(room.connect().end).toContain('1001');
  });
});

describe('a worker that the site does not declare any more', () => {
  test('is let go when it has no builds', () => {
    const room = open();
    const agent = room.connect();
    room.core.turn(() => room.config.replace(siteWith({ name: 'w2' })));
    expect(agent.end).toContain('no worker "w1" any more');
  });

  test('brings its builds to their end first, gets no new ones, and hears its last release', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    room.order(build);
    room.core.turn(() => room.config.replace(siteWith({ name: 'w2' })));
    expect([agent.end, room.workers.isAvailable('w1')]).toEqual([null, false]);
    room.commands.finished.on(() => room.endBuild(build));
    agent.finishes(1, 1001);
    room.clock.advance(0);
    expect(agent.heard.at(-1)).toBe('release 1');
    expect(agent.end).toContain('no worker "w1" any more');
  });
});
