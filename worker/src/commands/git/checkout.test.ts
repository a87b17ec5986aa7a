import { execFile } from 'node:child_process';
import { access, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GitCommand } from '@icefall/shared';
import { describe, expect, it } from 'vitest';
import { testContext } from '../../test-support/command-context.ts';
import { gitOf } from '../../test-support/commands.ts';
import { TestRepository } from '../../test-support/repositories.ts';

async function site() {
  const test = await testContext();
  const origin = await TestRepository.create(join(test.directory, 'origin'));
  const first = await origin.commit({ 'a.txt': 'one\n', '.gitignore': '*.o\n' });
  const checkout = (rest: Partial<GitCommand> = {}) => test.run(gitOf(origin.path, rest));
  const read = (...names: string[]) => readFile(test.path('build', ...names), 'utf8');
  const has = (...names: string[]) =>
    access(test.path('build', ...names)).then(
      () => true,
      () => false,
    );
  /** What a build leaves: a change, an untracked file, an untracked repository, an ignored file. */
  const dirty = async () => {
    await writeFile(test.path('build/a.txt'), 'changed\n');
    await writeFile(test.path('build/untracked'), '');
    await TestRepository.create(test.path('build/nested'));
    await writeFile(test.path('build/x.o'), '');
  };
  const leftovers = async () => ({
    changed: (await read('a.txt')) === 'changed\n',
    untracked: (await has('untracked')) || (await has('nested')),
    ignored: await has('x.o'),
  });
  return { ...test, origin, first, checkout, read, has, dirty, leftovers };
}

const full = (method: GitCommand['method']): Partial<GitCommand> => ({ mode: 'full', method });

describe('modes and methods', () => {
  it.each([
    ['incremental', { mode: 'incremental' } as const, { changed: false, untracked: true, ignored: true }],
    ['full, clean', full('clean'), { changed: false, untracked: false, ignored: true }],
    ['full, fresh', full('fresh'), { changed: false, untracked: false, ignored: false }],
    ['full, clobber', full('clobber'), { changed: false, untracked: false, ignored: false }],
    ['full, copy', full('copy'), { changed: false, untracked: false, ignored: false }],
  ])('%s leaves of the build before what it should, with and without a new commit', async (_name, mode, expected) => {
    const { origin, first, checkout, read, dirty, leftovers } = await site();
    expect(await checkout(mode)).toMatchObject({
      reason: 'exited',
      exitCode: 0,
      error: null,
      values: { revision: first },
    });
    await dirty();
    expect((await checkout(mode)).values.revision).toBe(first);
    expect(await leftovers()).toEqual(expected);
    await dirty();
    const second = await origin.commit({ 'b.txt': 'two\n' });
    expect((await checkout(mode)).values.revision).toBe(second);
    expect(await read('b.txt')).toBe('two\n');
    expect(await leftovers()).toEqual(expected);
  });

  it('full, copy keeps its source beside the work directory', async () => {
    const { checkout, path, has } = await site();
    await checkout(full('copy'));
    await writeFile(path('source/kept'), '');
    await checkout(full('copy'));
    expect([await readdir(path()), await has('kept')]).toEqual([['build', 'source'], true]);
    expect(await checkout({ ...full('copy'), workdir: 'source' })).toMatchObject({
      exitCode: 1,
      error: { code: 'bad_path' },
    });
  });

  it('clean removes what only the old commit ignored', async () => {
    const { origin, checkout, path, has } = await site();
    await checkout(full('clean'));
    await writeFile(path('build/x.o'), '');
    await origin.commit({ '.gitignore': '' });
    await checkout(full('clean'));
    expect(await has('x.o')).toBe(false);
  });

  it('incremental goes back and forth, and overwrites what is in its way', async () => {
    const { origin, first, checkout, path, read, has } = await site();
    await origin.commit({ 'dir/file': 'tracked\n', 'a.txt': null });
    await checkout();
    expect(await has('a.txt')).toBe(false);
    await checkout({ revision: first });
    expect(await read('a.txt')).toBe('one\n');
    await mkdir(path('build/dir'), { recursive: true });
    await writeFile(path('build/dir/file'), 'in the way\n');
    await checkout();
    expect(await read('dir', 'file')).toBe('tracked\n');
  });

  it('incremental keeps files that were there before the first checkout', async () => {
    const { checkout, path, read, has } = await site();
    await mkdir(path('build'));
    await writeFile(path('build/own'), 'mine\n');
    await checkout();
    expect([await read('own'), await read('a.txt')]).toEqual(['mine\n', 'one\n']);
    await checkout(full('fresh'));
    expect(await has('own')).toBe(false);
  });

  it('never mistakes a directory inside another repository for its own', async () => {
    const { checkout, directory, path } = await site();
    const outer = await TestRepository.create(directory);
    await writeFile(join(directory, 'precious'), '');
    await outer.git('add', 'precious');
    await mkdir(path('build'));
    await writeFile(join(directory, 'untracked'), '');
    await checkout(full('fresh'));
    expect(await readdir(directory)).toEqual(expect.arrayContaining(['precious', 'untracked']));
    expect(await outer.git('status', '--porcelain', 'precious')).toBe('A  precious');
  });

  it.each([{}, full('clean'), full('fresh')])('is not stopped by the locks of a killed Git: %j', async (mode) => {
    const { checkout, path, origin, output } = await site();
    await checkout();
    const said = output.headers.length;
    await writeFile(path('build/.git/index.lock'), '');
    await writeFile(path('build/.git/refs/heads/main.lock'), '');
    const second = await origin.commit({ b: '' });
    expect((await checkout({ ...mode, branch: 'main' })).values.revision).toBe(second);
    expect(output.headers.slice(said)).not.toContain('git clone');
  });

  it('begins anew where the repository is broken', async () => {
    const { checkout, path, first } = await site();
    await checkout();
    await rm(path('build/.git/HEAD'));
    expect((await checkout()).values.revision).toBe(first);
  });
});

describe('what is checked out', () => {
  it('is the tip of the branch, the default branch where none is named, or a tag', async () => {
    const { origin, first, checkout, path } = await site();
    await origin.git('tag', 'v1');
    await origin.git('checkout', '-q', '-b', 'feature/x');
    const feature = await origin.commit({ f: '' });
    await origin.git('checkout', '-q', 'main');
    for (let round = 0; round < 2; round += 1) {
      expect((await checkout({ branch: 'feature/x' })).values.revision).toBe(feature);
      expect(await readFile(path('build/.git/HEAD'), 'utf8')).toBe('ref: refs/heads/feature/x\n');
      expect((await checkout({ branch: 'v1' })).values.revision).toBe(first);
      expect((await checkout()).values.revision).toBe(first);
    }
  });

  it('is the branch, where a tag has its name', async () => {
    const { origin, checkout } = await site();
    await checkout();
    const second = await origin.commit({ b: '' });
    await origin.git('tag', 'main', 'HEAD~1');
    expect((await checkout({ branch: 'main' })).values.revision).toBe(second);
    expect((await checkout({ branch: 'main', ...full('clobber') })).values.revision).toBe(second);
  });

  it('is a ref of any kind, fetched by its full name', async () => {
    const { origin, first, checkout } = await site();
    await origin.git('checkout', '-q', '--detach');
    const merge = await origin.commit({ m: '' });
    await origin.git('update-ref', 'refs/pull/5/merge', merge);
    await origin.git('checkout', '-q', 'main');
    expect((await checkout({ branch: 'refs/pull/5/merge', revision: first })).values.revision).toBe(merge);
    expect((await checkout({ branch: 'refs/pull/5/merge', ...full('clobber') })).values.revision).toBe(merge);
  });

  it('is a revision, though it is short, or on another branch, or its branch is gone', async () => {
    const { origin, first, checkout } = await site();
    await checkout();
    await origin.git('checkout', '-q', '-b', 'gone');
    const other = await origin.commit({ o: '' });
    await origin.git('checkout', '-q', 'main');
    await origin.commit({ p: '' });
    expect((await checkout({ branch: 'main', revision: other })).values.revision).toBe(other);
    expect((await checkout({ revision: first.slice(0, 8) })).values.revision).toBe(first);
    await origin.git('update-ref', 'refs/keep/other', other);
    await origin.git('branch', '-q', '-D', 'gone');
    expect((await checkout({ branch: 'gone', revision: other, ...full('clobber') })).values.revision).toBe(other);
  });

  it('is not fetched again where it is there, unless tags are wanted', async () => {
    const { origin, first, checkout, output, path } = await site();
    await checkout();
    const said = output.headers.length;
    await checkout({ revision: first });
    expect(output.headers.slice(said)).not.toContain('git fetch');
    await origin.git('tag', 'late');
    await checkout({ revision: first, tags: true });
    expect(await readFile(path('build/.git/refs/tags/late'), 'utf8')).toBe(`${first}\n`);
  });

  it('comes from the new address where the repository has moved', async () => {
    const { origin, checkout, run, directory } = await site();
    await checkout();
    const other = await TestRepository.create(join(directory, 'other'));
    const commit = await other.commit({ z: '' });
    expect((await run(gitOf(other.path))).values.revision).toBe(commit);
    expect(origin.path).not.toBe(other.path);
  });
});

describe('a shallow checkout', () => {
  const depthOf = async (path: string) =>
    (await promisify(execFile)('git', ['-C', path, 'rev-list', '--count', 'HEAD'])).stdout;

  it('has only as much history as is wanted', async () => {
    const { origin, checkout, path } = await site();
    for (const name of ['b', 'c', 'd']) await origin.commit({ [name]: '' });
    await checkout({ depth: 2 });
    expect(await depthOf(path('build'))).toBe('2\n');
    const tip = await origin.commit({ e: '' });
    expect((await checkout({ depth: 1 })).values.revision).toBe(tip);
    expect(await depthOf(path('build'))).toBe('1\n');
  });

  it('finds a revision that is not the tip', async () => {
    const { origin, first, checkout, path } = await site();
    for (const name of ['b', 'c', 'd']) await origin.commit({ [name]: '' });
    expect((await checkout({ depth: 1, revision: first, ...full('clobber') })).values.revision).toBe(first);
    expect(await depthOf(path('build'))).toBe('1\n');
  });

  it('fetches all there is where the revision cannot be asked for by itself', async () => {
    const { origin, checkout } = await site();
    const second = await origin.commit({ b: '' });
    for (const name of ['c', 'd']) await origin.commit({ [name]: '' });
    const end = await checkout({ depth: 1, branch: 'main', revision: second.slice(0, 10) });
    expect(end).toMatchObject({ exitCode: 0, values: { revision: second } });
  });

  it('becomes whole where nobody wants it shallow any more', async () => {
    const { origin, checkout, path } = await site();
    await origin.commit({ b: '' });
    await checkout({ depth: 1 });
    await checkout();
    expect(await depthOf(path('build'))).toBe('2\n');
  });
});

describe('submodules', () => {
  async function withSubmodules() {
    const all = await site();
    const inner = await TestRepository.create(join(all.directory, 'inner'));
    await inner.commit({ 'inner.txt': '1\n' });
    const sub = await TestRepository.create(join(all.directory, 'sub'));
    await sub.commit({ 'sub.txt': '1\n', '.gitignore': '*.o\n' });
    await sub.git('submodule', '--quiet', 'add', inner.path, 'inner');
    await sub.commit({});
    await all.origin.git('submodule', '--quiet', 'add', sub.path, 'sub');
    await all.origin.commit({});
    return { ...all, sub };
  }

  it('are checked out with all below them, and follow the commit', async () => {
    const { origin, sub, checkout, read, has } = await withSubmodules();
    await checkout({ submodules: true });
    expect([await read('sub', 'sub.txt'), await read('sub', 'inner', 'inner.txt')]).toEqual(['1\n', '1\n']);
    const newer = await sub.commit({ 'sub.txt': '2\n' });
    await origin.git('-C', 'sub', 'fetch', '--quiet', sub.path);
    await origin.git('-C', 'sub', 'checkout', '--quiet', newer);
    await origin.commit({});
    await checkout({ submodules: true });
    expect(await read('sub', 'sub.txt')).toBe('2\n');
    await origin.git('rm', '-q', '-f', 'sub');
    await origin.commit({});
    await checkout({ submodules: true, ...full('fresh') });
    expect(await has('sub')).toBe(false);
  });

  it.each([
    ['clean', false, true],
    ['fresh', false, false],
  ] as const)('are cleaned by the method %s', async (method, untracked, ignored) => {
    const { checkout, path, read, has } = await withSubmodules();
    await checkout({ submodules: true });
    await writeFile(path('build/sub/sub.txt'), 'changed');
    await writeFile(path('build/sub/inner/new'), '');
    await writeFile(path('build/sub/x.o'), '');
    await checkout({ submodules: true, ...full(method) });
    expect(await read('sub', 'sub.txt')).toBe('1\n');
    expect([await has('sub', 'inner', 'new'), await has('sub', 'x.o')]).toEqual([untracked, ignored]);
  });

  it('are left alone where nobody wants them', async () => {
    const { checkout, path } = await withSubmodules();
    expect((await checkout()).exitCode).toBe(0);
    expect(await readdir(path('build/sub'))).toEqual([]);
  });
});

describe('other options', () => {
  it('describe the commit', async () => {
    const { origin, checkout } = await site();
    await origin.git('tag', '-a', 'v1', '-m', 'one');
    await origin.commit({ b: '' });
    const { values } = await checkout({ describe: ['--tags', '--abbrev=4'] });
    expect(values.description).toMatch(/^v1-1-g[0-9a-f]{4}$/);
    expect((await checkout({ describe: ['--match', 'none'] })).values).not.toHaveProperty('description');
  });

  it('borrow objects from a repository that is here already, or not', async () => {
    const { origin, checkout, path, directory } = await site();
    const reference = join(directory, 'reference');
    await origin.git('clone', '--quiet', '--bare', origin.path, reference);
    await checkout({ reference });
    expect(await readFile(path('build/.git/objects/info/alternates'), 'utf8')).toBe(`${reference}/objects\n`);
    expect((await checkout({ reference: join(directory, 'none'), ...full('clobber') })).exitCode).toBe(0);
  });

  it('clone without what a filter leaves out', async () => {
    const { origin, checkout, read, path } = await site();
    await origin.git('config', 'uploadpack.allowFilter', 'true');
    await origin.commit({ 'a.txt': 'two\n' });
    expect((await checkout({ filter: 'blob:none' })).exitCode).toBe(0);
    expect([await read('a.txt'), await readFile(path('build/.git/config'), 'utf8')]).toEqual([
      'two\n',
      expect.stringContaining('blob:none'),
    ]);
  });

  it('give Git its configuration and environment', async () => {
    const { checkout, output } = await site();
    await checkout({ config: { 'http.extraHeader': 'X: secret' }, env: { GIT_TRACE2: '2' }, describe: ['--always'] });
    expect(output.text(2)).toContain('http.extraHeader=X: secret');
    expect(output.headers).not.toContain('secret');
  });
});

describe('a checkout that fails', () => {
  it('says which repository there is none of', async () => {
    const { run, output, path } = await testContext();
    const end = await run(gitOf('/nowhere/repository.git'));
    expect(end).toMatchObject({
      reason: 'exited',
      exitCode: 128,
      error: { code: 'git_failed', message: 'git clone failed' },
    });
    expect(output.text(2)).toContain("'/nowhere/repository.git' does not exist");
    expect(await readdir(path())).toEqual(['build']);
  });

  it('says which branch or revision there is none of', async () => {
    const { checkout, output, origin } = await site();
    const revision = 'c'.repeat(40);
    expect((await checkout({ branch: 'main', revision })).error?.message).toBe(
      `there is no revision ${revision} in ${origin.path} (branch main)`,
    );
    expect(await checkout({ branch: 'none' })).toMatchObject({ exitCode: 128, error: { code: 'git_failed' } });
    expect(output.text(2)).toContain('refs/tags/none');
    const short = await checkout({ revision: 'ccccccc' });
    expect(short).toMatchObject({ exitCode: 1, error: { code: 'revision_not_found' } });
    expect(short.error?.message).toBe(`there is no revision ccccccc in ${origin.path}`);
  });

  it('says that a repository is empty', async () => {
    const { run, directory } = await testContext();
    const empty = await TestRepository.create(join(directory, 'empty'));
    expect(await run(gitOf(empty.path))).toMatchObject({ exitCode: 1, error: { code: 'no_commits' } });
  });

  it('says that there is no Git', async () => {
    const { run } = await testContext({ workerEnvironment: { PATH: '/nowhere' } });
    expect(await run(gitOf('/r'))).toMatchObject({ reason: 'refused', error: { code: 'program_not_found' } });
  });

  it('is refused before anything is touched where a name could be an option', async () => {
    const { run, spawned } = await testContext();
    expect(await run(gitOf('--upload-pack=x'))).toMatchObject({ reason: 'refused', error: { code: 'bad_repository' } });
    expect(spawned).toEqual([]);
  });

  it('is repeated as often as wanted', async () => {
    const { run, output } = await testContext();
    await run(gitOf('/nowhere/r.git', { retry: { delayMs: 1, repeats: 2 } }));
    expect(output.headers.match(/^git clone --/gm)).toHaveLength(3);
    expect(output.headers).toContain('git clone failed; trying again in 1 ms');
  });

  it('begins anew, once, where that is wanted', async () => {
    const { checkout, path, first, output } = await site();
    await checkout();
    await writeFile(path('build/.git/index'), 'garbage');
    expect((await checkout({ clobberOnFailure: false })).exitCode).not.toBe(0);
    expect((await checkout({ clobberOnFailure: true })).values.revision).toBe(first);
    expect(output.headers).toContain('removing everything and cloning anew');
    const hopeless = await checkout({ clobberOnFailure: true, branch: 'none' });
    expect(hopeless.exitCode).toBe(128);
  });

  it('can be interrupted, and is ended after its time', async () => {
    const waits = { GIT_SSH_COMMAND: 'sleep 60 #' };
    const late = await testContext();
    expect(await late.run(gitOf('ssh://host/r', { env: waits, maxTimeMs: 300 }))).toMatchObject({ reason: 'maxTime' });
    const idle = await testContext();
    expect(await idle.run(gitOf('ssh://host/r', { env: waits, idleTimeoutMs: 300 }))).toMatchObject({
      reason: 'idleTimeout',
    });
    const stopped = await testContext();
    const ended = stopped.run(
      gitOf('ssh://host/r', { env: waits, retry: { delayMs: 1, repeats: 9 }, clobberOnFailure: true }),
    );
    await stopped.output.shows('git clone', 0);
    stopped.stop();
    expect(await ended).toMatchObject({ reason: 'interrupted', error: { code: 'interrupted' } });
    expect(stopped.living()).toEqual([]);
  });

  it('does not run a program that a submodule names as its address', async () => {
    const { origin, checkout, directory, has } = await site();
    const target = join(directory, 'ran');
    await symlink('/bin/sh', join(directory, 'sh'));
    await origin.commit({ '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% ${target}\n` });
    await origin.git('update-index', '--add', '--cacheinfo', `160000,${'a'.repeat(40)},x`);
    await origin.git('commit', '-q', '-m', 'evil');
    expect((await checkout({ submodules: true })).exitCode).not.toBe(0);
    expect([await has('..', '..', 'ran'), await readdir(directory)]).toEqual([
      false,
      expect.not.arrayContaining(['ran']),
    ]);
  });
});
