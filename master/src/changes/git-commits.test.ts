import { describe, expect, test } from 'vitest';
import { Git } from './git.ts';
import { MOST_COMMITS, readPushed } from './git-commits.ts';
import { TestRepository } from './test-repository.ts';

async function setUp() {
  const repository = TestRepository.create();
  const git = new Git(repository.bare);
  const pushed = (branch: string, from: string | null, to: string) =>
    readPushed(git, { ref: `refs/heads/${branch}`, from, to });
  return { repository, git, pushed };
}

describe('what a push brought', () => {
  test('are all its commits, oldest first, with authors, whole messages, times and files', async () => {
    const { repository, pushed } = await setUp();
    const base = repository.commit({ 'a.txt': '1' }, 'Base');
    const one = repository.commit({ 'dir/b c.txt': '1' }, 'One\n\nWith a body, “quoted”.');
    const two = repository.commit({ 'a.txt': '2' }, 'Two');
    repository.push('main');
    const { commits, ...rest } = await pushed('main', base, two);
    expect(commits).toEqual([
      {
        revision: one,
        author: 'Ada <ada@example.org>',
        message: 'One\n\nWith a body, “quoted”.',
        at: 1_700_000_002_000,
      },
      { revision: two, author: 'Ada <ada@example.org>', message: 'Two', at: 1_700_000_003_000 },
    ]);
    expect(rest).toEqual({
      revision: two,
      committer: 'Ada <ada@example.org>',
      files: ['a.txt', 'dir/b c.txt'],
      truncated: null,
    });
  });

  test('of the first branch is its whole history', async () => {
    const { repository, pushed } = await setUp();
    const one = repository.commit({ a: '1' }, 'One');
    const two = repository.commit({ b: '1' }, 'Two');
    repository.push('main');
    const found = await pushed('main', null, two);
    expect(found.commits.map((commit) => commit.revision)).toEqual([one, two]);
    expect(found.files).toEqual(['a', 'b']);
  });

  test('of a new branch are the commits that no other branch has', async () => {
    const { repository, pushed } = await setUp();
    repository.commit({ a: '1' }, 'One');
    repository.push('main');
    const two = repository.commit({ b: '1' }, 'Two');
    repository.push('next');
    const found = await pushed('next', null, two);
    expect(found.commits.map((commit) => commit.revision)).toEqual([two]);
    expect(found.files).toEqual(['b']);
  });

  test('of a new branch without a commit of its own is the commit that it is at', async () => {
    const { repository, pushed } = await setUp();
    repository.commit({ a: '1' }, 'One');
    const two = repository.commit({ b: '1' }, 'Two');
    repository.push('main', 'next');
    const found = await pushed('next', null, two);
    expect(found.commits.map((commit) => commit.message)).toEqual(['Two']);
    expect(found.files).toEqual(['b']);
  });

  test('of a forced push are the commits that the old place had not, and all files that differ', async () => {
    const { repository, pushed } = await setUp();
    const base = repository.commit({ a: '1' }, 'Base');
    const old = repository.commit({ old: '1' }, 'Old');
    repository.push('main');
    repository.reset(base);
    const replaced = repository.commit({ b: '1' }, 'New');
    repository.push('+main');
    const found = await pushed('main', old, replaced);
    expect(found.commits.map((commit) => commit.message)).toEqual(['New']);
    expect(found.files).toEqual(['b', 'old']);
  });

  test('of a branch that was moved back is the commit that it is at', async () => {
    const { repository, pushed } = await setUp();
    const base = repository.commit({ a: '1' }, 'Base');
    const old = repository.commit({ b: '1' }, 'Old');
    repository.push('main');
    const found = await pushed('main', old, base);
    expect(found.commits.map((commit) => commit.message)).toEqual(['Base']);
    expect(found.files).toEqual(['b']);
  });

  test('of a place that is not known any more is what no other branch has', async () => {
    const { repository, pushed } = await setUp();
    const one = repository.commit({ a: '1' }, 'One');
    repository.push('main');
    const found = await pushed('main', '1'.repeat(40), one);
    expect(found.commits.map((commit) => commit.message)).toEqual(['One']);
  });

  test('of a merge are the commits of both sides', async () => {
    const { repository, pushed } = await setUp();
    const base = repository.commit({ a: '1' }, 'Base');
    repository.push('main');
    repository.git('checkout', '-q', '-b', 'side');
    repository.commit({ side: '1' }, 'Side');
    repository.git('checkout', '-q', 'main');
    repository.commit({ b: '1' }, 'Main');
    repository.git('merge', '-q', '--no-ff', '-m', 'Merge', 'side');
    repository.push('main');
    const found = await pushed('main', base, repository.head());
    expect(found.commits.map((commit) => commit.message).sort()).toEqual(['Main', 'Merge', 'Side']);
    expect(found.commits.at(-1)?.message).toBe('Merge');
    expect(found.files).toEqual(['b', 'side']);
  });

  test('of an annotated tag is the commit that it names', async () => {
    const { repository, git } = await setUp();
    const one = repository.commit({ a: '1' }, 'One');
    repository.git('tag', '-a', '-m', 'Version 1', 'v1');
    repository.push('main', 'v1');
    const object = repository.git('rev-parse', 'v1');
    expect(object).not.toBe(one);
    const found = await readPushed(git, { ref: 'refs/tags/v1', from: null, to: object });
    expect(found).toMatchObject({ revision: one, commits: [{ message: 'One' }] });
  });

  test('of a long history are its newest commits', async () => {
    const { repository, pushed } = await setUp();
    repository.importHistory(MOST_COMMITS + 5);
    repository.push('main');
    const found = await pushed('main', null, repository.head());
    expect(found.commits).toHaveLength(MOST_COMMITS);
    expect(found.commits.at(-1)?.message).toBe(`Commit ${MOST_COMMITS + 5}`);
    expect(found.commits[0].message).toBe('Commit 6');
    expect(found.truncated).toBe(`the newest ${MOST_COMMITS} commits are listed`);
  });

  test('is refused for what is no revision', async () => {
    const { pushed } = await setUp();
    await expect(pushed('main', null, '--all')).rejects.toThrow(/rev-parse/);
  });
});
