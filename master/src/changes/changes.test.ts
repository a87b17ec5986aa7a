import { sendChangeSchema } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { anyBranchScheduler } from '../config/schedulers.ts';
import { aChange, linux, REPOSITORY, START, TestRoom } from '../schedulers/test-room.ts';
import { ChangeError } from './changes.ts';
import { fromSendChange } from './new-change.ts';

const all = anyBranchScheduler({ name: 'all', builders: [linux] });

/** The message for each field of a refused change. */
function refused(work: () => unknown): Readonly<Record<string, string>> {
  try {
    work();
  } catch (error) {
    if (error instanceof ChangeError) return error.fields;
    throw error;
  }
  throw new Error('the change was taken');
}

describe('a change', () => {
  test('is stored with all its commits and handed to the schedulers in the same turn', () => {
    const room = TestRoom.started([all]);
    const commits = ['r1', 'r2'].map((revision) => ({ revision, author: 'Ada', message: revision, at: 5 }));
    const added = room.changes.add(aChange({ revision: 'r2', commits, files: ['a', 'b'], at: 7 }));
    expect(added).toEqual({ changeId: 1, isNew: true });
    expect(room.change(1)).toMatchObject({ commits, files: ['a', 'b'], at: 7, receivedAt: START });
    expect(room.listed()).toEqual([[1]]);
    expect(room.core.db.one('SELECT scheduled FROM changes')).toEqual({ scheduled: 1 });
  });

  test('has the time of its arrival if nobody knows when it was made', () => {
    const room = TestRoom.started([]);
    expect(room.change(room.push()).at).toBe(START);
  });

  test.each([
    ['branch', 'a branch'],
    ['branch', '--option'],
    ['revision', '$(id)'],
    ['repository', '--upload-pack=id'],
    ['repository', 'ext::sh -c id'],
    ['repository', 'https://host/\u001b[31m'],
  ] as const)('with the %s %j is refused, and nothing is stored', (field, value) => {
    const room = TestRoom.started([all]);
    const fields = refused(() => room.push({ [field]: value }));
    expect(Object.keys(fields)).toEqual([field]);
    expect(fields[field]).toContain(JSON.stringify(value));
    expect(room.core.db.all('SELECT id FROM changes')).toEqual([]);
  });

  test("is held against the site's own validation, the same each time", () => {
    const room = TestRoom.started([], { validation: { branch: /^only$/g } });
    expect(room.push({ branch: 'only' })).toBe(1);
    expect(room.push({ branch: 'only' })).toBe(2);
    expect(Object.keys(refused(() => room.push({ branch: 'main' })))).toEqual(['branch']);
  });

  test("of an address that is not the site's business is refused where it says what is", () => {
    const room = TestRoom.started([], { validation: { repository: /^https:\/\/git\.example\.org\// } });
    expect(room.push({ repository: 'https://git.example.org/r' })).toBe(1);
    const metadata = () => room.push({ repository: 'http://169.254.169.254/latest/meta-data' });
    expect(Object.keys(refused(metadata))).toEqual(['repository']);
  });
});

describe('a delivery that comes again', () => {
  test('gives the change that is there, and nothing new', () => {
    const room = TestRoom.started([all]);
    const change = aChange({ deliveryId: 'github:1' });
    expect(room.changes.add(change)).toEqual({ changeId: 1, isNew: true });
    expect(room.changes.add(change)).toEqual({ changeId: 1, isNew: false });
    expect(room.listed()).toEqual([[1]]);
  });

  test('is known after a restart', () => {
    const room = TestRoom.started([all]);
    room.push({ deliveryId: 'github:1' });
    const next = room.restarted();
    expect(next.changes.add(aChange({ deliveryId: 'github:1' })).isNew).toBe(false);
    expect(next.built()).toHaveLength(1);
  });

  test('without an id is another push', () => {
    const room = TestRoom.started([all]);
    room.push();
    room.push();
    expect(room.built()).toHaveLength(2);
  });
});

describe('a push of which a poller and a hook tell', () => {
  const byHook = (revision: string) => ({ revision, source: 'webhook:github' });
  const byPoller = (revision: string) => ({ revision, source: 'gitPoller:scripts' });

  test.each([
    ['first the hook', byHook('r1'), byPoller('r1')],
    ['first the poller', byPoller('r1'), byHook('r1')],
  ])('is one change (%s)', (_title, first, second) => {
    const room = TestRoom.started([all]);
    room.push(first);
    expect(room.changes.add(aChange(second))).toEqual({ changeId: 1, isNew: false });
    expect(room.built()).toHaveLength(1);
  });

  test('is another one if the branch was somewhere else in between', () => {
    const room = TestRoom.started([all]);
    for (const told of [byPoller('r1'), byHook('r2'), byHook('r1')]) room.push(told);
    expect(room.built()).toHaveLength(3);
  });

  test('is another one on another branch, in another repository or code base', () => {
    const room = TestRoom.started([all]);
    room.push(byHook('r1'));
    room.push({ ...byPoller('r1'), branch: 'next' });
    room.push({ ...byPoller('r1'), repository: 'other.git' });
    room.push({ ...byPoller('r1'), codebase: 'lib' });
    expect(room.built()).toHaveLength(4);
  });

  const commits = ['r1', 'r2'].map((revision) => ({ revision, author: 'Ada', message: revision, at: 5 }));

  test('is one change if the poller took it and a later push for one, and the hooks are late', () => {
    const room = TestRoom.started([all]);
    room.push({ ...byPoller('r2'), commits });
    expect(room.changes.add(aChange(byHook('r1')))).toEqual({ changeId: 1, isNew: false });
    expect(room.changes.add(aChange(byHook('r2')))).toEqual({ changeId: 1, isNew: false });
    expect(room.changes.add(aChange(byHook('r3'))).isNew).toBe(true);
    expect(room.changes.add(aChange(byHook('r1'))).isNew).toBe(true);
  });

  test('is one change if hooks told of it, and of the next push, while the poller asked', () => {
    const room = TestRoom.started([all]);
    const asked = room.changes.newestId();
    for (const revision of ['r1', 'r2']) room.push(byHook(revision));
    expect(room.changes.add(aChange(byPoller('r1')), asked)).toEqual({ changeId: 1, isNew: false });
    expect(room.changes.add(aChange(byPoller('r2')), asked)).toEqual({ changeId: 2, isNew: false });
    expect(room.changes.add(aChange(byPoller('r1')), room.changes.newestId()).isNew).toBe(true);
  });

  test('is one change if hooks told of it just before the poller asked, and of the next push since', () => {
    const room = TestRoom.started([all]);
    room.push({ ...byHook('r0'), branch: 'other' });
    room.push(byHook('r1'));
    room.push({ ...byHook('r9'), branch: 'other' });
    const asked = room.changes.newestId();
    room.push(byHook('r2'));
    expect(room.changes.add(aChange(byPoller('r1')), asked)).toEqual({ changeId: 2, isNew: false });
  });

  test('is not confused with two deliveries of hooks: who says it twice means it', () => {
    const room = TestRoom.started([all]);
    room.push(byHook('r1'));
    room.push({ revision: 'r1', source: 'sendchange' });
    expect(room.built()).toHaveLength(2);
  });
});

test('a change that was sent has its properties named as such, and its delivery as its own', () => {
  const sent = sendChangeSchema.parse({ repository: REPOSITORY, properties: { a: 1 }, deliveryId: 'x' });
  expect(fromSendChange(sent)).toMatchObject({
    branch: null,
    source: 'sendchange',
    deliveryId: 'sendchange:x',
    at: null,
    properties: { a: { value: 1, source: 'Change' } },
  });
  expect(fromSendChange(sendChangeSchema.parse({ repository: REPOSITORY })).deliveryId).toBeNull();
});

test('many changes that nobody looked at are handed over at start, oldest first', () => {
  const room = TestRoom.started([]);
  for (let i = 0; i < 250; i += 1) room.push();
  room.core.db.run('UPDATE changes SET scheduled = 0');
  const next = room.restarted(START, [all]);
  expect(next.listed()).toEqual(Array.from({ length: 250 }, (_, i) => [i + 1]));
  expect(next.restarted().built()).toHaveLength(250);
});
