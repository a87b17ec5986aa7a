import { join } from 'node:path';
import { type SendChange, sendChangeSchema } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { anyBranchScheduler } from '../../config/schedulers.ts';
import { linux, TestRoom } from '../../schedulers/test-room.ts';
import { Git } from '../git.ts';
import { fromSendChange } from '../new-change.ts';
import { TestRepository, temporaryDirectory } from '../test-repository.ts';
import { bounded, MOST_BODY_BYTES, readPush } from './pushes.ts';
import { Spool } from './spool.ts';

const SETTINGS = { url: '', repository: 'r', codebase: '', project: '' };

function aChange(commits: number, files: number, message = ''): SendChange {
  const commit = (i: number) => ({ revision: `r${i}`, author: 'Ada', message: 'x'.repeat(2000), at: i });
  return sendChangeSchema.parse({
    repository: 'r',
    message,
    commits: Array.from({ length: commits }, (_, i) => commit(i)),
    files: Array.from({ length: files }, (_, i) => `${'directory/'.repeat(20)}${i}`),
  });
}

const sizeOf = (change: SendChange) => Buffer.byteLength(JSON.stringify(change));

describe('a change that is too long to be sent', () => {
  test('loses its oldest commits, and some files, and says so', () => {
    const short = bounded(aChange(1000, 10_000));
    expect(sizeOf(short)).toBeLessThanOrEqual(MOST_BODY_BYTES);
    expect(short.commits.at(-1)?.revision).toBe('r999');
    expect(short.files[0]).toMatch(/0$/);
    const listed = `${short.commits.length} of 1000 commits and ${short.files.length} of 10000 files are listed`;
    expect(short.properties).toEqual({ truncated: listed });
    expect(short.commits.length).toBeGreaterThan(100);
    expect(short.files.length).toBeGreaterThan(1000);
  });

  test('loses only what is too long', () => {
    const short = bounded(aChange(1000, 3));
    expect(short.files).toHaveLength(3);
    expect(short.commits.length).toBeLessThan(1000);
  });

  test('that is not stays as it is', () => {
    const change = aChange(10, 10, 'x'.repeat(100_000));
    expect(bounded(change)).toBe(change);
  });
});

describe('lines of a push', () => {
  const read = (repository: TestRepository, ...lines: string[]) => {
    const state = join(temporaryDirectory(), 'state');
    Spool.prepare(state, repository.bare);
    return readPush(new Git(repository.bare), state, SETTINGS, { name: 'p', lines });
  };

  test('that mean nothing are passed over', async () => {
    const repository = TestRepository.create();
    const zero = '0'.repeat(40);
    const lines = ['', 'x y z', `${zero} ${zero} refs/heads/a`, `${zero} --all refs/heads/a`];
    expect(await read(repository, ...lines)).toEqual({ changes: [], remarks: [] });
  });

  test('whose commits cannot be read are told with the revision alone, and the pusher is told why', async () => {
    const repository = TestRepository.create();
    const { changes, remarks } = await read(repository, `${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/a`);
    expect(changes).toMatchObject([{ branch: 'a', revision: '1'.repeat(40), commits: [], author: 'unknown' }]);
    expect(changes[0]?.properties).toEqual({ truncated: 'the commits are not known' });
    expect(remarks).toEqual([expect.stringMatching(/^the commits of refs\/heads\/a cannot be read: git rev-parse/)]);
  });

  test('make a change that the master takes, once, whether told by the hook again or by a poller', async () => {
    const repository = TestRepository.create();
    const room = TestRoom.started([anyBranchScheduler({ name: 'all', builders: [linux] })]);
    const one = repository.commit({ a: '1' }, 'One');
    repository.push('main');
    const { changes } = await read(repository, `${'0'.repeat(40)} ${one} refs/heads/main`);
    for (let i = 0; i < 2; i += 1)
      for (const change of changes) room.changes.add(fromSendChange(sendChangeSchema.parse(change)));
    room.push({ repository: 'r', revision: one, source: 'gitPoller:scripts' });
    expect(room.built()).toHaveLength(1);
  });
});
