import { chmod, lstat, mkdir, readFile, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { testContext } from '../test-support/command-context.ts';

const gone = (path: string) =>
  lstat(path).then(
    () => false,
    () => true,
  );

it('makes a directory and those above it, again and again', async () => {
  const { run, path } = await testContext();
  for (let i = 0; i < 2; i += 1)
    expect(await run({ kind: 'makeDirectory', path: 'a/b', workdir: '.' })).toMatchObject({
      reason: 'exited',
      exitCode: 0,
    });
  expect((await stat(path('a/b'))).isDirectory()).toBe(true);
  await writeFile(path('file'), '');
  const end = await run({ kind: 'makeDirectory', path: 'file/x', workdir: '.' });
  expect(end).toMatchObject({ exitCode: 1, error: { code: 'not_writable' } });
});

it('removes trees that were made read-only, and links but not what they point to', async () => {
  const { run, path } = await testContext();
  await mkdir(path('tree/deep'), { recursive: true });
  await writeFile(path('tree/deep/file'), '');
  await chmod(path('tree/deep'), 0o500);
  await chmod(path('tree'), 0o500);
  await mkdir(path('kept'));
  await writeFile(path('kept/file'), '');
  await symlink('kept', path('link'));
  const end = await run({ kind: 'removeDirectory', paths: ['tree', 'link', 'never-there'], workdir: '.' });
  expect(end).toMatchObject({ reason: 'exited', exitCode: 0 });
  expect(await Promise.all(['tree', 'link', 'kept/file'].map((name) => gone(path(name))))).toEqual([true, true, false]);
});

it.each(['/', '..', '../.icefall', '../.icefall/journal'])(
  'does not remove %s, where the journal is',
  async (dangerous) => {
    const { run } = await testContext();
    const end = await run({ kind: 'removeDirectory', paths: [dangerous], workdir: '.' });
    expect(end).toMatchObject({ exitCode: 1, error: { code: 'unsafe_path' } });
  },
);

it('copies with modes, times and links, into a directory that may exist', async () => {
  const { run, path } = await testContext();
  await mkdir(path('from/sub'), { recursive: true });
  await writeFile(path('from/run'), 'new');
  await chmod(path('from/run'), 0o751);
  await symlink('run', path('from/link'));
  await symlink('/nowhere', path('from/sub/dangling'));
  await utimes(path('from/run'), 1_000_000_000, 1_000_000_000);
  await chmod(path('from/sub'), 0o711);
  await mkdir(path('to'));
  await writeFile(path('to/run'), 'old');
  await writeFile(path('to/own'), 'stays');
  expect(await run({ kind: 'copyDirectory', from: 'from', to: 'to', workdir: '.', maxTimeMs: null })).toMatchObject({
    exitCode: 0,
  });
  const facts = await stat(path('to/run'));
  expect([facts.mode & 0o777, facts.mtimeMs, await readFile(path('to/run'), 'utf8')]).toEqual([
    0o751,
    1_000_000_000_000,
    'new',
  ]);
  expect([await readlink(path('to/link')), await readlink(path('to/sub/dangling'))]).toEqual(['run', '/nowhere']);
  expect([(await stat(path('to/sub'))).mode & 0o777, await readFile(path('to/own'), 'utf8')]).toEqual([0o711, 'stays']);
});

it.each([
  ['nowhere', 'to', 'not_a_directory'],
  ['file', 'to', 'not_a_directory'],
  ['from', 'from/inner', 'bad_path'],
])('does not copy %s to %s', async (from, to, code) => {
  const { run, path } = await testContext();
  await mkdir(path('from'));
  await writeFile(path('file'), '');
  const end = await run({ kind: 'copyDirectory', from, to, workdir: '.', maxTimeMs: null });
  expect(end).toMatchObject({ reason: 'exited', exitCode: 1, error: { code } });
});
