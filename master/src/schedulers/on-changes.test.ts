import { describe, expect, test } from 'vitest';
import { anyBranchScheduler, singleBranchScheduler } from '../config/schedulers.ts';
import { prop } from '../properties/references.ts';
import { docs, linux, MINUTE, REPOSITORY, siteOf, TestRoom } from './test-room.ts';

const main = { branch: 'main' };
const isCode = (change: { files: readonly string[] }) => change.files.some((file) => !file.endsWith('.md'));
const code = { files: ['a.c'] };
const text = { files: ['a.md'] };

const atOnce = singleBranchScheduler({ name: 'now', builders: [linux, docs], changes: main, isImportant: isCode });
const stable = singleBranchScheduler({
  name: 'stable',
  builders: [linux],
  changes: main,
  isImportant: isCode,
  treeStableTimer: '10m',
});
const anyBranch = anyBranchScheduler({ name: 'any', builders: [linux], treeStableTimer: '10m', isImportant: isCode });

describe('without a tree-stable timer', () => {
  test('every important change is built at once, in a buildset of its own, on all builders', () => {
    const room = TestRoom.started([atOnce]);
    const [a, b] = [room.push({ ...code, revision: 'r1' }), room.push({ ...code, revision: 'r2' })];
    expect(room.listed()).toEqual([[a], [b]]);
    const [first] = room.built();
    expect(first).toMatchObject({
      scheduler: 'now',
      reason: 'change',
      sourceStamps: [{ codebase: '', repository: REPOSITORY, branch: 'main', revision: 'r1', project: '' }],
    });
    expect(first?.requestIds).toHaveLength(2);
  });

  test('unimportant changes are forgotten', () => {
    const room = TestRoom.started([atOnce]);
    room.push(text);
    const b = room.push(code);
    expect(room.listed()).toEqual([[b]]);
  });

  test('changes that the filter keeps out are not built', () => {
    const room = TestRoom.started([atOnce]);
    room.push({ ...code, branch: 'next' });
    room.push({ ...code, branch: 'refs/tags/main', category: 'tag' });
    expect(room.listed()).toEqual([]);
  });

  test('a timer of zero is none', () => {
    const zero = singleBranchScheduler({ name: 'zero', builders: [linux], changes: main, treeStableTimer: 0 });
    const room = TestRoom.started([zero]);
    const a = room.push();
    expect(room.listed()).toEqual([[a]]);
  });
});

describe('with a tree-stable timer', () => {
  test('nothing is built before the tree was stable for so long, then everything at once at the newest', () => {
    const room = TestRoom.started([stable]);
    const a = room.push({ ...code, revision: 'r1' });
    room.advance(9 * MINUTE);
    const b = room.push({ ...code, revision: 'r2' });
    room.advance(10 * MINUTE - 1);
    expect(room.listed()).toEqual([]);
    room.advance(1);
    expect(room.listed()).toEqual([[a, b]]);
    expect(room.built()[0]?.sourceStamps[0]?.revision).toBe('r2');
    room.advance(60 * MINUTE);
    expect(room.built()).toHaveLength(1);
  });

  test('an unimportant change starts no timer, but is listed with the next build', () => {
    const room = TestRoom.started([stable]);
    const a = room.push(text);
    room.advance(60 * MINUTE);
    expect(room.listed()).toEqual([]);
    const b = room.push(code);
    room.advance(10 * MINUTE);
    expect(room.listed()).toEqual([[a, b]]);
  });

  test('an unimportant change lets a running timer begin again', () => {
    const room = TestRoom.started([stable]);
    room.push(code);
    room.advance(9 * MINUTE);
    room.push(text);
    room.advance(9 * MINUTE);
    expect(room.listed()).toEqual([]);
    room.advance(MINUTE);
    expect(room.listed()).toEqual([[1, 2]]);
  });

  test('onlyImportant forgets unimportant changes: they neither prolong the timer nor are they listed', () => {
    const only = singleBranchScheduler({
      name: 'only',
      builders: [linux],
      changes: main,
      isImportant: isCode,
      treeStableTimer: '10m',
      onlyImportant: true,
    });
    const room = TestRoom.started([only]);
    const a = room.push(code);
    room.advance(9 * MINUTE);
    room.push(text);
    room.advance(MINUTE);
    expect(room.listed()).toEqual([[a]]);
  });

  test('the time it will be due is told, and forgotten once it has come', () => {
    const room = TestRoom.started([stable]);
    expect(room.schedulers.nextAt('stable')).toBeNull();
    room.push(code);
    expect(room.schedulers.nextAt('stable')).toBe(room.clock.now() + 10 * MINUTE);
    room.advance(10 * MINUTE);
    expect(room.schedulers.view('stable')).toMatchObject({ nextAt: null, lastAt: room.clock.now() });
  });

  test('a restart neither loses the changes nor lets the delay begin again', () => {
    const room = TestRoom.started([stable]);
    const a = room.push(code);
    const before = room.restarted(room.clock.now() + 4 * MINUTE);
    before.advance(6 * MINUTE - 1);
    expect(before.listed()).toEqual([]);
    before.advance(1);
    expect(before.listed()).toEqual([[a]]);
  });

  test('a delay that ended while the master was down is over at its start, once', () => {
    const room = TestRoom.started([stable]);
    const a = room.push(code);
    const later = room.restarted(room.clock.now() + 60 * MINUTE);
    later.advance(0);
    expect(later.listed()).toEqual([[a]]);
    const again = later.restarted();
    again.advance(60 * MINUTE);
    expect(again.listed()).toEqual([[a]]);
  });

  test('a change that came between two processes is looked at when the next one starts', () => {
    const room = TestRoom.started([stable]);
    const a = room.push(code);
    room.advance(10 * MINUTE);
    room.core.db.run('UPDATE changes SET scheduled = 0');
    const next = room.restarted();
    next.advance(10 * MINUTE);
    expect(next.listed()).toEqual([[a], [a]]);
    expect(next.core.db.all('SELECT id FROM changes WHERE scheduled = 0')).toEqual([]);
  });
});

describe('anyBranch', () => {
  test('has a timer and a buildset for each branch', () => {
    const room = TestRoom.started([anyBranch]);
    const a = room.push({ ...code, branch: 'a' });
    room.advance(5 * MINUTE);
    const b = room.push({ ...code, branch: 'b' });
    const b2 = room.push({ ...text, branch: 'b' });
    room.push({ ...text, branch: 'c' });
    room.advance(5 * MINUTE);
    expect(room.listed()).toEqual([[a]]);
    room.advance(5 * MINUTE);
    expect(room.listed()).toEqual([[a], [b, b2]]);
    room.advance(60 * MINUTE);
    expect(room.built()).toHaveLength(2);
  });

  test.each(['codebase', 'project', 'repository'] as const)('keeps different values of %s apart', (attribute) => {
    const room = TestRoom.started([anyBranch]);
    room.push({ ...code, [attribute]: 'one' });
    room.push({ ...code, [attribute]: 'two' });
    room.advance(10 * MINUTE);
    expect(room.listed()).toEqual([[1], [2]]);
  });

  test('builds together what is of one branch', () => {
    const room = TestRoom.started([anyBranch]);
    room.push(code);
    room.push(code);
    room.advance(10 * MINUTE);
    expect(room.listed()).toEqual([[1, 2]]);
  });

  test('takes over the waiting changes of a singleBranch scheduler of its name', () => {
    const room = TestRoom.started([stable]);
    room.push(code);
    const other = anyBranchScheduler({ name: 'stable', builders: [linux], treeStableTimer: '10m' });
    const next = room.restarted(room.clock.now() + MINUTE, [other]);
    next.advance(10 * MINUTE);
    expect(next.listed()).toEqual([[1]]);
  });
});

describe('functions of the site', () => {
  test('a change is important if isImportant throws; that is logged with its place and shown', () => {
    const careless = singleBranchScheduler({
      name: 'careless',
      builders: [linux],
      changes: main,
      isImportant: () => {
        throw new Error('no such file list');
      },
    });
    const room = TestRoom.started([careless, stable]);
    const a = room.push(code);
    expect(room.listed('careless')).toEqual([[a]]);
    expect(room.errors).toEqual([
      {
        fields: expect.objectContaining({ place: expect.objectContaining({ file: import.meta.filename }) }),
        message: 'scheduler "careless": no such file list',
      },
    ]);
  });

  test('a change does not pass a filter that throws, and other schedulers are not concerned', () => {
    const broken = singleBranchScheduler({
      name: 'broken',
      builders: [linux],
      changes: {
        where: () => {
          throw new Error('where is what?');
        },
      },
    });
    const room = TestRoom.started([broken, atOnce]);
    const a = room.push(code);
    expect(room.listed('broken')).toEqual([]);
    expect(room.listed('now')).toEqual([[a]]);
    expect(room.schedulers.view('broken')?.lastError).toBe('where is what?');
  });

  test('where decides on the whole change', () => {
    const mine = singleBranchScheduler({
      name: 'mine',
      builders: [linux],
      changes: { where: (change) => change.author.startsWith('Ada') },
    });
    const room = TestRoom.started([mine]);
    const a = room.push();
    room.push({ author: 'Bob' });
    expect(room.listed()).toEqual([[a]]);
  });
});

describe('code bases', () => {
  const two = singleBranchScheduler({
    name: 'two',
    builders: [linux],
    changes: { branch: 'main' },
    codebases: { '': { repository: 'main.git' }, lib: { repository: 'lib.git', branch: 'stable' } },
  });

  test('keep out changes of others, and fill in what no change names', () => {
    const room = TestRoom.started([two]);
    room.push({ codebase: 'other' });
    expect(room.listed()).toEqual([]);
    room.push({ revision: 'r' });
    expect(room.built()[0]?.sourceStamps).toEqual([
      { codebase: '', repository: REPOSITORY, branch: 'main', revision: 'r', project: '' },
      { codebase: 'lib', repository: 'lib.git', branch: 'stable', revision: null, project: '' },
    ]);
  });
});

describe('properties', () => {
  test("are the scheduler's, then the changes', newest last", () => {
    const given = singleBranchScheduler({
      name: 'given',
      builders: [linux],
      changes: main,
      treeStableTimer: 1000,
      properties: { a: 'scheduler', b: 'scheduler' },
    });
    const room = TestRoom.started([given]);
    room.push({ properties: { b: 'old', c: 'old' } });
    room.push({ properties: { c: 'new' } });
    room.advance(1000);
    expect(room.built()[0]?.properties).toEqual({
      a: { value: 'scheduler', source: 'Scheduler: given' },
      b: { value: 'old', source: 'Change' },
      c: { value: 'new', source: 'Change' },
    });
  });

  test.each([
    ['at once', undefined],
    ['after the timer', '10m' as const],
  ])('that cannot be evaluated keep the change until a configuration can (%s)', (_title, treeStableTimer) => {
    const timer = treeStableTimer === undefined ? {} : { treeStableTimer };
    const options = { name: 's', builders: [linux], changes: main, ...timer };
    const bad = singleBranchScheduler({ ...options, properties: { variant: prop('nowhere') } });
    const room = TestRoom.started([bad, atOnce]);
    const a = room.push(code);
    room.advance(60 * MINUTE);
    expect(room.listed('s')).toEqual([]);
    expect(room.listed('now')).toEqual([[a]]);
    expect(room.schedulers.view('s')?.lastError).toMatch(/property "variant".*"nowhere" is not set/);
    const good = singleBranchScheduler({ ...options, properties: { variant: prop('nowhere', 'x') } });
    room.core.turn(() => room.config.replace(siteOf([good, atOnce])));
    room.advance(10 * MINUTE);
    expect(room.listed('s')).toEqual([[a]]);
    expect(room.schedulers.view('s')?.lastError).toBeNull();
  });
});

describe('switched off', () => {
  test('changes are not seen, then or later', () => {
    const room = TestRoom.started([atOnce, stable]);
    room.schedulers.setEnabled('now', false);
    room.schedulers.setEnabled('stable', false);
    room.push(code);
    const next = room.restarted();
    expect(next.schedulers.view('now')?.enabled).toBe(false);
    next.push(code);
    next.schedulers.setEnabled('now', true);
    next.schedulers.setEnabled('stable', true);
    next.advance(60 * MINUTE);
    expect(next.listed()).toEqual([]);
    const c = next.push(code);
    next.advance(10 * MINUTE);
    expect(next.listed()).toEqual([[c], [c]]);
  });

  test('what waited before is not built meanwhile; it waits its delay anew once switched on', () => {
    const room = TestRoom.started([stable]);
    const a = room.push(code);
    room.schedulers.setEnabled('stable', false);
    expect(room.schedulers.nextAt('stable')).toBeNull();
    room.advance(60 * MINUTE);
    expect(room.listed()).toEqual([]);
    room.schedulers.setEnabled('stable', true);
    room.advance(10 * MINUTE - 1);
    expect(room.listed()).toEqual([]);
    room.advance(1);
    expect(room.listed()).toEqual([[a]]);
  });
});

describe('started by hand', () => {
  test('what waits is built now, and its timer is over', () => {
    const room = TestRoom.started([stable]);
    const a = room.push(code);
    expect(room.schedulers.runNow('stable')).toEqual([{ buildsetId: 1, requestIds: [1] }]);
    room.advance(60 * MINUTE);
    expect(room.listed()).toEqual([[a]]);
  });

  test('with nothing waiting, the declared code bases are built as they are', () => {
    const based = singleBranchScheduler({ ...base(), codebases: { '': { repository: 'r', branch: 'main' } } });
    const room = TestRoom.started([based]);
    room.schedulers.runNow('based');
    expect(room.built()[0]).toMatchObject({ changeIds: [], sourceStamps: [{ repository: 'r', revision: null }] });
  });

  function base() {
    return { name: 'based', builders: [linux], changes: main };
  }
});
