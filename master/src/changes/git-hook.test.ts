import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { deadUrl, TestMaster } from './git-hook/test-master.ts';
import { flushHook, type GitHookOptions, installHook } from './git-hook.ts';
import { TestRepository, temporaryDirectory } from './test-repository.ts';

const ports = { now: () => 1, signal: new AbortController().signal };

/** A repository with one commit on main, and a hook that tells a master of what is pushed from now on. */
async function setUp(options: Partial<GitHookOptions> = {}) {
  const repository = TestRepository.create();
  const base = repository.commit({ a: '1' }, 'Base');
  repository.push('main');
  const master = await TestMaster.started();
  const installed = await installHook(repository.bare, { url: master.url, ...options });
  const state = join(repository.bare, 'icefall-hook');
  withoutBackground(state);
  const files = (folder: string) => readdirSync(join(state, folder));
  return { repository, master, installed, state, base, files };
}

/** This process says that it tries again, so that no process in the background does while a test looks. */
function withoutBackground(state: string): void {
  writeFileSync(join(state, 'retrying'), String(process.pid));
}

function writeHook(file: string, script: string): void {
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

describe('a push to a repository with the hook', () => {
  test('tells the master of one change with all its commits, and the pusher nothing', async () => {
    const { repository, master, installed, files } = await setUp();
    const one = repository.commit({ b: '1' }, 'One');
    const two = repository.commit({ 'dir/c d': '1' }, 'Two\n\nWith a “body”.');
    expect(await repository.pushed('main')).toBe('');
    expect(master.paths).toEqual(['POST /api/v1/changes']);
    expect(master.changes).toEqual([
      {
        repository: repository.bare,
        branch: 'main',
        revision: two,
        author: 'Ada <ada@example.org>',
        committer: 'Ada <ada@example.org>',
        message: 'Two\n\nWith a “body”.',
        files: ['b', 'dir/c d'],
        commits: [
          { revision: one, author: 'Ada <ada@example.org>', message: 'One', at: 1_700_000_002_000 },
          { revision: two, author: 'Ada <ada@example.org>', message: 'Two\n\nWith a “body”.', at: 1_700_000_003_000 },
        ],
        codebase: '',
        project: '',
        category: null,
        link: null,
        properties: {},
        at: 1_700_000_003_000,
        deliveryId: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
    expect(installed).toEqual({
      file: join(repository.bare, 'hooks', 'post-receive'),
      repository: repository.bare,
      chained: null,
    });
    expect([files('pushes'), files('changes')]).toEqual([[], []]);
  });

  test('names repository, code base and project as they were given', async () => {
    const { repository, master } = await setUp({ repository: 'ssh://x/y.git', codebase: 'c', project: 'p' });
    repository.commit({ b: '1' }, 'One');
    await repository.pushed('main');
    expect(master.changes[0]).toMatchObject({ repository: 'ssh://x/y.git', codebase: 'c', project: 'p' });
  });

  test('of several references is one change each; a new branch has its own commits, a tag its whole name', async () => {
    const { repository, master } = await setUp();
    repository.commit({ b: '1' }, 'One');
    repository.git('tag', '-a', '-m', 'Version 1', 'v1');
    await repository.pushed('main', 'next', 'v1');
    expect(master.told.sort()).toEqual(['main: One', 'next: One', 'refs/tags/v1: One']);
    expect(master.changes.map(({ category, revision }) => [category, revision])).toEqual(
      master.changes.map(({ branch }) => [branch === 'refs/tags/v1' ? 'tag' : null, repository.head()]),
    );
  });

  test('at the same time as another loses neither', async () => {
    const { repository, master, files } = await setUp();
    await Promise.all(['x', 'y', 'z'].map((name) => repository.pushed(name)));
    const ids = new Map(master.changes.map(({ branch, deliveryId }) => [branch, deliveryId]));
    expect([...ids.keys()].sort()).toEqual(['x', 'y', 'z']);
    expect(new Set(master.changes.map(({ deliveryId }) => deliveryId)).size).toBe(3);
    expect([files('pushes'), files('changes')]).toEqual([[], []]);
  });

  test('that was forced, or moved back, tells what is there now', async () => {
    const { repository, master, base } = await setUp();
    repository.commit({ b: '1' }, 'One');
    await repository.pushed('main');
    repository.reset(base);
    repository.commit({ c: '1' }, 'Other');
    await repository.pushed('+main');
    repository.reset(base);
    await repository.pushed('+main');
    expect(master.told).toEqual(['main: One', 'main: Other', 'main: Base']);
  });

  test('that deletes a branch, or is of neither branch nor tag, tells nothing', async () => {
    const { repository, master } = await setUp();
    await repository.pushed('HEAD:refs/notes/x', 'gone');
    expect(master.told).toEqual(['gone: Base']);
    master.changes.length = 0;
    expect(await repository.pushed(':gone')).toBe('');
    expect(master.changes).toEqual([]);
  });

  test('of a tag that names no commit is passed over, and says so', async () => {
    const { repository, master } = await setUp();
    repository.git('tag', 'blob', repository.git('rev-parse', 'HEAD:a'));
    expect(await repository.pushed('blob')).toMatch(/icefall: the commits of refs\/tags\/blob cannot be read/);
    expect(master.changes).toEqual([]);
  });

  test('to a repository with a work tree is told as well', async () => {
    const { repository, master } = await setUp();
    const tree = join(temporaryDirectory(), 'tree');
    repository.git('clone', '-q', repository.bare, tree);
    repository.git('-C', tree, 'config', 'receive.denyCurrentBranch', 'updateInstead');
    const installed = await installHook(tree, { url: master.url });
    expect(installed.file).toBe(join(tree, '.git', 'hooks', 'post-receive'));
    repository.git('remote', 'set-url', 'origin', tree);
    repository.commit({ b: '1' }, 'One');
    expect(await repository.pushed('main')).toBe('');
    expect(master.changes).toMatchObject([{ repository: tree, branch: 'main', files: ['b'] }]);
  });
});

describe('a master that cannot be told', () => {
  test('neither loses nor refuses the push: the pusher is told in one line, and the next push sends both in order', async () => {
    const { repository, master, files } = await setUp({ url: await deadUrl() });
    repository.commit({ b: '1' }, 'One');
    const said = await repository.pushed('main');
    expect(said.trim().split('\n')).toHaveLength(1);
    expect(said).toMatch(
      /remote: icefall: the master at http\S+ cannot be told \(.*ECONNREFUSED.*\); this change is kept/,
    );
    expect(repository.git('ls-remote', 'origin', 'main')).toContain(repository.head());
    repository.commit({ c: '1' }, 'Two');
    expect(await repository.pushed('main')).toMatch('2 changes are kept');
    expect(files('changes')).toHaveLength(2);
    await installHook(repository.bare, { url: master.url });
    repository.commit({ d: '1' }, 'Three');
    expect(await repository.pushed('main')).toBe('');
    expect(master.told).toEqual(['main: One', 'main: Two', 'main: Three']);
    expect(files('changes')).toEqual([]);
  });

  test('gets what it missed when somebody flushes the hook', async () => {
    const { repository, master } = await setUp({ url: await deadUrl() });
    repository.commit({ b: '1' }, 'One');
    await repository.pushed('main');
    const failed = await flushHook(repository.bare, ports);
    expect(failed).toMatchObject({ sent: 0, left: 1, why: expect.stringContaining('ECONNREFUSED') });
    await installHook(repository.bare, { url: `${master.url}/` });
    expect(await flushHook(repository.bare, ports)).toMatchObject({ sent: 1, left: 0, why: null, url: master.url });
    expect(await flushHook(repository.bare, ports)).toMatchObject({ sent: 0, left: 0 });
    expect(master.told).toEqual(['main: One']);
  });

  test.each([
    ['has a trouble of its own', { status: 503, body: '{"error":{"message":"starting"}}' }, 'it answers 503: starting'],
    ['sends elsewhere', { status: 302, headers: { location: '/' } }, 'it answers 302'],
    [
      'is some other server',
      { status: 200, body: '<html>', headers: { 'content-type': 'text/html' } },
      'not the master',
    ],
    [
      'is a proxy that has its own idea',
      { status: 413, body: 'x', headers: { 'content-type': 'text/html' } },
      'it answers 413',
    ],
  ])('because it %s gets it later', async (_title, answer, why) => {
    const { repository, master, files } = await setUp();
    repository.commit({ b: '1' }, 'One');
    const sane = master.answer;
    // What some other server takes is no change of ours.
    master.answer = answer.status === 200 ? { ...answer, status: 299 } : answer;
    expect(await repository.pushed('main')).toContain(why);
    expect(files('changes')).toHaveLength(1);
    master.answer = sane;
    master.changes.length = 0;
    await flushHook(repository.bare, ports);
    expect(master.told).toEqual(['main: One']);
  });

  test('is tried again in the background', async () => {
    const { repository, state } = await setUp({ url: await deadUrl() });
    rmSync(join(state, 'retrying'));
    repository.commit({ b: '1' }, 'One');
    await repository.pushed('main');
    await expect.poll(() => existsSync(join(state, 'retrying')), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => readFileSync(join(state, 'retrying'), 'utf8'), { timeout: 20_000 }).toMatch(/^\d+$/);
    process.kill(Number(readFileSync(join(state, 'retrying'), 'utf8')));
  });
});

test('a change that the master refuses is put aside, told with the reason, and does not hold up the next', async () => {
  const { repository, master, files } = await setUp();
  master.answer = { status: 422, body: '{"error":{"code":"bad_change","message":"no such\\n branch"}}' };
  repository.commit({ b: '1' }, 'One');
  expect(await repository.pushed('main')).toMatch(
    'icefall: the master refuses the push to main: it answers 422: no such branch',
  );
  expect([files('changes'), files('refused').length]).toEqual([[], 1]);
  master.answer = { status: 201 };
  repository.commit({ c: '1' }, 'Two');
  expect(await repository.pushed('main')).toBe('');
  expect(master.told).toEqual(['main: Two']);
});

describe('a hook that cannot do its work', () => {
  test('says so, keeps the push, and tells it when it works again', async () => {
    const { repository, master, state, files } = await setUp();
    rmSync(join(state, 'settings.json'));
    repository.commit({ b: '1' }, 'One');
    expect(await repository.pushed('main')).toMatch('was not told of this push yet; it is kept in');
    expect(files('pushes')).toHaveLength(1);
    await expect(flushHook(repository.bare, ports)).rejects.toThrow(/install the hook again/);
    await installHook(repository.bare, { url: master.url });
    repository.commit({ c: '1' }, 'Two');
    await repository.pushed('main');
    expect(master.told).toEqual(['main: One', 'main: Two']);
  });

  test('because it may not write says so', async () => {
    const { repository, state } = await setUp();
    rmSync(join(state, 'pushes'), { recursive: true });
    writeFileSync(join(state, 'pushes'), '');
    repository.commit({ b: '1' }, 'One');
    expect(await repository.pushed('main')).toMatch(/the master is not told of this push: .* cannot be written to by/);
  });

  test('in a repository where it was not installed, as with hooks that several share, does nothing', async () => {
    const { repository, master, state } = await setUp();
    rmSync(state, { recursive: true });
    repository.commit({ b: '1' }, 'One');
    expect(await repository.pushed('main')).toBe('');
    expect(master.changes).toEqual([]);
    await expect(flushHook(repository.bare, ports)).rejects.toThrow(/icefall hook install/);
  });
});

describe('the delivery id', () => {
  /** What Git would do: runs the hook with lines. */
  const run = async (repository: TestRepository, line: string) => {
    const env = { ...process.env, GIT_DIR: repository.bare };
    const hook = join(repository.bare, 'hooks', 'post-receive');
    await installHook(repository.bare, { url: await deadUrl() });
    execFileSync(hook, { input: `${line}\n`, env, cwd: repository.bare, stdio: ['pipe', 'ignore', 'ignore'] });
  };

  test('is the same for a push that is told again, and another for the same movement made again', async () => {
    const { repository, master, base } = await setUp();
    const one = repository.commit({ b: '1' }, 'One');
    repository.push('next');
    const [there, back] = [`${base} ${one} refs/heads/main`, `${one} ${base} refs/heads/main`];
    for (const line of [there, there, back, there]) await run(repository, line);
    await installHook(repository.bare, { url: master.url });
    await flushHook(repository.bare, ports);
    const [first, again, moved, third] = master.changes.slice(-4).map(({ deliveryId }) => deliveryId);
    expect(again).toBe(first);
    expect(new Set([first, moved, third]).size).toBe(3);
  });

  test('is another for a branch that was deleted and made again', async () => {
    const { repository, master } = await setUp();
    await repository.pushed('next');
    await repository.pushed(':next');
    await repository.pushed('next');
    expect(new Set(master.changes.map(({ deliveryId }) => deliveryId)).size).toBe(2);
  });
});

describe('installing', () => {
  test("keeps somebody else's hook, which runs first, with the same lines", async () => {
    const { repository, master, base } = await setUp();
    const hooks = join(repository.bare, 'hooks');
    const out = join(temporaryDirectory(), 'out');
    writeHook(join(hooks, 'post-receive'), `cat >'${out}'; pwd >>'${out}'; echo "theirs said" >&2; exit 3`);
    const { chained } = await installHook(repository.bare, { url: master.url });
    expect(chained).toBe(join(hooks, 'post-receive.chained.1'));
    const one = repository.commit({ b: '1' }, 'One');
    expect(await repository.pushed('main')).toMatch('theirs said');
    expect(readFileSync(out, 'utf8')).toBe(`${base} ${one} refs/heads/main\n${repository.bare}\n`);
    expect(master.told).toEqual(['main: One']);
  });

  test('again replaces only ours; another hook that came in between is kept as well', async () => {
    const { repository, master } = await setUp();
    const hooks = join(repository.bare, 'hooks');
    const target = join(temporaryDirectory(), 'deploy');
    writeHook(target, 'echo first >&2');
    rmSync(join(hooks, 'post-receive'));
    symlinkSync(target, join(hooks, 'post-receive'));
    for (let i = 0; i < 3; i += 1) await installHook(repository.bare, { url: master.url });
    rmSync(join(hooks, 'post-receive'));
    writeHook(join(hooks, 'post-receive'), 'echo second >&2');
    for (let i = 0; i < 3; i += 1) await installHook(repository.bare, { url: master.url });
    const names = readdirSync(hooks).filter((name) => name.startsWith('post-receive') && !name.endsWith('.sample'));
    expect(names.sort()).toEqual(['post-receive', 'post-receive.chained.1', 'post-receive.chained.2']);
    expect(readFileSync(target, 'utf8')).toContain('echo first');
    repository.commit({ b: '1' }, 'One');
    expect(await repository.pushed('main')).toMatch(/first\s+remote: second/);
    expect(master.told).toEqual(['main: One']);
  });

  test('leaves a hook that is switched off switched off', async () => {
    const { repository, master } = await setUp();
    const file = join(repository.bare, 'hooks', 'post-receive');
    writeHook(file, 'echo theirs >&2');
    chmodSync(file, 0o644);
    await installHook(repository.bare, { url: master.url });
    repository.commit({ b: '1' }, 'One');
    expect(await repository.pushed('main')).toBe('');
    expect(master.told).toEqual(['main: One']);
  });

  test.each([
    ['an absolute', (directory: string) => directory],
    ['a relative', () => 'other hooks'],
  ])('goes where Git looks: %s core.hooksPath', async (_title, pathIn) => {
    const { repository, master } = await setUp();
    const path = pathIn(temporaryDirectory());
    rmSync(join(repository.bare, 'hooks'), { recursive: true });
    repository.git('--git-dir', repository.bare, 'config', 'core.hooksPath', path);
    const { file } = await installHook(repository.bare, { url: master.url });
    expect(file.startsWith(repository.bare)).toBe(path === 'other hooks');
    repository.commit({ b: '1' }, 'One');
    await repository.pushed('main');
    expect(master.told).toEqual(['main: One']);
  });

  test('makes room for whoever may push', async () => {
    const { repository, master, state } = await setUp();
    rmSync(state, { recursive: true });
    chmodSync(join(repository.bare, 'objects'), 0o2770);
    await installHook(repository.bare, { url: master.url });
    const modes = execFileSync('stat', ['-c', '%a', state, join(state, 'changes')], { encoding: 'utf8' });
    expect(modes).toBe('2770\n2770\n');
  });

  test.each(['ftp://x', 'nonsense', 'http://ada:secret@x', 'http://x/?y'])('refuses the address %s', async (url) => {
    const { bare } = TestRepository.create();
    await expect(installHook(bare, { url })).rejects.toThrow(/address of (a|the) master/);
    expect(existsSync(join(bare, 'icefall-hook'))).toBe(false);
  });

  test('refuses what is no repository', async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'objects'));
    await expect(installHook(directory, { url: 'http://127.0.0.1:1' })).rejects.toThrow(/is no Git repository/);
  });
});

test('a hook of a repository that was moved still works', async () => {
  const { repository, master } = await setUp();
  const moved = join(temporaryDirectory(), 'moved.git');
  execFileSync('mv', [repository.bare, moved]);
  onTestFinished(() => rmSync(moved, { recursive: true, force: true }));
  repository.git('remote', 'set-url', 'origin', moved);
  repository.commit({ b: '1' }, 'One');
  expect(await repository.pushed('main')).toBe('');
  expect(master.changes).toMatchObject([{ repository: repository.bare, branch: 'main' }]);
});
