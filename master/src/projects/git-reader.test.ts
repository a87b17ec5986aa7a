import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { TestRepository, temporaryDirectory } from '../changes/test-repository.ts';
import { GitReader, MOST_PIPELINE_BYTES } from './repository-reader.ts';
import { ThreadedReader } from './threaded-reader.ts';

const TEXT = 'version: 1\n';

function setUp(files: Readonly<Record<string, string>> = { 'icefall.yml': TEXT, 'big.bin': 'x'.repeat(10_000) }) {
  const repository = TestRepository.create();
  const revision = repository.commit(files, 'first');
  repository.git('push', '-q', 'origin', 'main');
  const reader = new GitReader(join(temporaryDirectory(), 'projects'));
  const look = (known: string | null = null, branch: string | null = null) =>
    reader.look({ project: 'widgets', repository: repository.bare, branch, known });
  return { repository, revision, reader, look };
}

describe('the reader of repositories', () => {
  test('reads the file of the default branch, and again only when that has moved', async () => {
    const { repository, revision, look } = setUp();
    expect(await look()).toEqual({ branch: 'main', revision, text: TEXT });
    expect(await look(revision)).toBeNull();
    const next = repository.commit({ 'icefall.yml': 'version: 2\n' }, 'second');
    repository.git('push', '-q', 'origin', 'main');
    expect(await look(revision)).toEqual({ branch: 'main', revision: next, text: 'version: 2\n' });
  });

  test('fetches one file of a server that can send single ones', async () => {
    const { repository, revision } = setUp();
    execFileSync('git', ['-C', repository.bare, 'config', 'uploadpack.allowFilter', 'true']);
    execFileSync('git', ['-C', repository.bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true']);
    const directory = join(temporaryDirectory(), 'projects');
    const reader = new GitReader(directory);
    const found = await reader.look({
      ...{ project: 'widgets', branch: 'main', known: null },
      repository: `file://${encodeURI(repository.bare)}`,
    });
    expect(found).toEqual({ branch: 'main', revision, text: TEXT });
    const objects = execFileSync('git', ['cat-file', '--batch-all-objects', '--batch-check=%(objecttype)'], {
      cwd: join(directory, 'widgets'),
      encoding: 'utf8',
    });
    expect(objects.split('\n').filter((type) => type === 'blob')).toHaveLength(1);
  });

  test.each([
    ['a branch that is not there', { branch: 'nowhere' }, {}, 'it has no branch "nowhere"'],
    ['a file that is not there', {}, { 'README.md': 'x' }, 'icefall.yml:1: the file is not there'],
    ['a file that is too long', {}, { 'icefall.yml': '#'.repeat(MOST_PIPELINE_BYTES + 1) }, 'at most 262144 are read'],
  ])('tells of %s', async (_what, { branch = null }: { branch?: string | null }, files, message) => {
    const { look } = Object.keys(files).length === 0 ? setUp() : setUp(files as Record<string, string>);
    expect(await look(null, branch)).toMatchObject({ mistake: expect.stringContaining(message) });
  });

  test('tells of a repository that is not there, without its password', async () => {
    const reader = new GitReader(join(temporaryDirectory(), 'projects'));
    const repository = 'https://ada:hush@127.0.0.1:1/none.git';
    const found = await reader.look({ project: 'widgets', repository, branch: null, known: null });
    expect(found).toMatchObject({
      revision: null,
      mistake: expect.stringContaining('can the master reach and read it?'),
    });
    expect(JSON.stringify(found)).not.toContain('hush');
  });

  test('runs nothing that an address names', async () => {
    const reader = new GitReader(join(temporaryDirectory(), 'projects'));
    const found = await reader.look({ project: 'x', repository: 'ext::sh -c "exit 0"', branch: null, known: null });
    expect(found).toMatchObject({ revision: null, mistake: expect.stringContaining('not allowed') });
  });
});

describe('the reader in a thread of its own', () => {
  test('looks at several repositories at once, and forgets those that are no projects any more', async () => {
    const { repository, revision } = setUp();
    const directory = join(temporaryDirectory(), 'projects');
    const reader = new ThreadedReader(directory);
    onTestFinished(() => reader.stop());
    const usual = { repository: repository.bare, branch: 'main', known: null };
    const look = (project: string) => reader.look({ ...usual, project });
    const found = { branch: 'main', revision, text: TEXT };
    expect(await Promise.all(['a', 'b', 'c'].map(look))).toEqual([found, found, found]);
    reader.keepOnly(new Set(['b']));
    expect(await reader.look({ ...usual, project: 'b', known: revision, branch: null })).toBeNull();
    expect(readdirSync(directory)).toEqual(['b']);
  });

  test('that is stopped answers what was asked, and ends', async () => {
    const { repository } = setUp();
    const reader = new ThreadedReader(join(temporaryDirectory(), 'projects'));
    const usual = { repository: repository.bare, branch: 'main', known: null };
    const looks = Array.from({ length: 4 }, (_, i) => reader.look({ ...usual, project: `p${i}` }));
    reader.stop();
    for (const finding of await Promise.all(looks)) expect(finding).toMatchObject({ branch: 'main' });
  });
});
