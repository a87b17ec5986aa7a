import { beforeEach, describe, expect, test } from 'vitest';
import { builder, factory, masterLock, pathLock, site, worker } from '../config/index.ts';
import { type Database, openDatabase } from '../db/database.ts';
import { Core } from '../engine/core.ts';
import { SiteConfig } from '../engine/site-config.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { LockHistory, MOST_USES, MOST_USES_IN_ALL } from './lock-history.ts';
import { LockKeeper } from './lock-keeper.ts';

const tree = masterLock('tree', { maxCount: 2 });
const repository = pathLock('repository');
const machine = worker({ name: 'machine' });
const declared = site({
  title: 'locks',
  workers: [machine],
  builders: [
    builder({
      name: 'one',
      workers: [machine],
      factory: factory([]),
      locks: [tree.counting(), repository.exclusive()],
    }),
  ],
});
const quiet = { info: () => {}, warn: () => {}, error: () => {} };

let database: Database;
function open(): { core: Core; keeper: LockKeeper; granted: string[] } {
  const core = new Core({ database, clock: new VirtualClock(), random: { next: () => 0.5 }, log: quiet });
  const keeper = new LockKeeper(core, new SiteConfig(declared, 1));
  const granted: string[] = [];
  keeper.granted.on((holder) => granted.push(holder));
  return { core, keeper, granted };
}
beforeEach(() => {
  database = openDatabase(':memory:');
});

describe('the lock keeper', () => {
  test('grants at once what is free, and later what was waited for', () => {
    const { core, keeper, granted } = open();
    expect(core.turn(() => keeper.claim('build:1', [tree.exclusive()], 'machine'))).toBe(true);
    expect(core.turn(() => keeper.claim('build:2', [tree.counting()], 'machine'))).toBe(false);
    core.turn(() => keeper.release('build:1'));
    expect(granted).toEqual(['build:2']);
  });

  test('has on record who held what, and no more of it than the newest uses of each lock', () => {
    const { core, keeper } = open();
    new LockHistory(core, keeper);
    const uses = () => core.db.all<{ holder: string; lock: string }>('SELECT holder, lock FROM lock_uses ORDER BY id');
    core.turn(() => keeper.claim('build:0', [repository.exclusive(), tree.exclusive()], 'machine'));
    core.turn(() => keeper.claim('build:1', [tree.counting()], 'machine'));
    core.turn(() => keeper.release('build:1'));
    expect(uses()).toEqual([]);
    core.turn(() => keeper.release('build:0'));
    expect(uses()).toEqual([
      { holder: 'build:0', lock: 'repository' },
      { holder: 'build:0', lock: 'tree' },
    ]);
    core.turn(() => {
      for (let i = 0; i < MOST_USES + 100; i += 1) {
        keeper.claim(`step:${i}.0`, [tree.counting()], 'machine');
        keeper.release(`step:${i}.0`);
      }
    });
    expect(uses().length).toBeLessThan(MOST_USES + 60);
    expect(uses().at(0)).toEqual({ holder: 'build:0', lock: 'repository' });
    expect(uses().at(-1)?.holder).toBe(`step:${MOST_USES + 99}.0`);
  });

  test('keeps so many uses of all locks together: of path locks there are any number of parts', () => {
    const { core, keeper } = open();
    new LockHistory(core, keeper);
    core.turn(() => {
      core.db.insert('lock_uses', {
        ...{ id: 1, lock: 'old', holder: 'build:1', mode: 'exclusive', count: 1 },
        ...{ queued_at: 0, granted_at: 0, released_at: 0 },
      });
      core.db.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'lock_uses'", MOST_USES_IN_ALL);
      for (let i = 0; i < 50; i += 1) {
        keeper.claim(`step:${i}.0`, [repository.below(`part-${i}`)], 'machine');
        keeper.release(`step:${i}.0`);
      }
    });
    const kept = core.db.all<{ lock: string }>('SELECT lock FROM lock_uses').map(({ lock }) => lock);
    expect(kept).not.toContain('old');
    expect(kept).toContain('repository/part-0');
    expect(kept).toContain('repository/part-49');
  });

  test('knows holders and the order of the queue after a restart', () => {
    const before = open();
    before.core.turn(() => before.keeper.claim('build:1', [tree.exclusive()], 'machine'));
    before.core.turn(() => before.keeper.claim('build:2', [tree.exclusive()], 'machine'));
    before.core.turn(() => before.keeper.claim('build:3', [tree.counting()], 'machine'));
    const after = open();
    expect(after.keeper.isGranted('build:1')).toBe(true);
    expect(after.keeper.obstacle('build:3')).toMatchObject({ want: { lock: 'tree' }, position: 2 });
    after.core.turn(() => after.keeper.release('build:1'));
    expect(after.granted).toEqual(['build:2']);
  });

  test('gives every grant a higher fencing number, also after a restart', () => {
    const before = open();
    before.core.turn(() => before.keeper.claim('build:1', [tree.exclusive()], 'machine'));
    const first = before.keeper.fence('build:1') ?? 0;
    before.core.turn(() => before.keeper.release('build:1'));
    const after = open();
    after.core.turn(() => after.keeper.claim('build:2', [tree.exclusive()], 'machine'));
    expect(after.keeper.fence('build:2')).toBeGreaterThan(first);
  });

  test('forgets what a turn that failed had claimed', () => {
    const { core, keeper } = open();
    const failing = () =>
      core.turn(() => {
        keeper.claim('build:1', [tree.exclusive()], 'machine');
        throw new Error('no');
      });
    expect(failing).toThrow('no');
    expect(keeper.isGranted('build:1')).toBe(false);
    expect(core.turn(() => keeper.claim('build:2', [tree.exclusive()], 'machine'))).toBe(true);
  });

  test('hands a request’s locks over to its build', () => {
    const { core, keeper } = open();
    core.turn(() => keeper.claim('request:7', [tree.exclusive()], 'machine'));
    core.turn(() => keeper.rename('request:7', 'build:9'));
    expect(keeper.isGranted('build:9')).toBe(true);
    expect(keeper.isGranted('request:7')).toBe(false);
  });
});

describe('a path lock', () => {
  const claimed = (paths: readonly string[]) => {
    const { core, keeper } = open();
    return paths.map((path, i) => core.turn(() => keeper.claim(`build:${i}`, [repository.below(path)], 'machine')));
  };

  test('is held by many whose paths are apart', () => {
    expect(claimed(['data/gcd', 'data/tables', 'py2', 'data-old'])).toEqual([true, true, true, true]);
  });

  test.each([
    ['the same path', 'data/gcd', 'data/gcd'],
    ['a path below', 'data', 'data/gcd/2020'],
    ['a path above', 'data/gcd/2020', 'data'],
    ['the whole, after a part', 'data', ''],
    ['a part, after the whole', '', 'data'],
  ])('makes %s wait', (_, first, second) => {
    expect(claimed([first, second])).toEqual([true, false]);
  });

  test('is served in order: a part that came after who waits for the whole waits behind him', () => {
    const { core, keeper, granted } = open();
    const claim = (holder: string, path: string) =>
      core.turn(() => keeper.claim(holder, [repository.below(path)], 'machine'));
    expect([claim('build:1', 'a'), claim('build:2', ''), claim('build:3', 'b')]).toEqual([true, false, false]);
    expect(keeper.obstacle('build:2')).toMatchObject({ want: { lock: 'repository' }, position: 1 });
    core.turn(() => keeper.release('build:1'));
    core.turn(() => keeper.release('build:2'));
    expect(granted).toEqual(['build:2', 'build:3']);
  });

  test('is known after a restart', () => {
    const before = open();
    before.core.turn(() => before.keeper.claim('build:1', [repository.below('a/b')], 'machine'));
    const after = open();
    const claim = (holder: string, path: string) =>
      after.core.turn(() => after.keeper.claim(holder, [repository.below(path)], 'machine'));
    expect([claim('build:2', 'a'), claim('build:3', 'c')]).toEqual([false, true]);
  });
});
