import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { testContext } from '../test-support/command-context.ts';

describe('stat', () => {
  it.each([
    ['file', { exists: true, type: 'file', sizeBytes: 5, mode: 0o640 }],
    ['dir', { exists: true, type: 'directory' }],
    ['link', { exists: true, type: 'symlink' }],
    ['fifo', { exists: true, type: 'other' }],
    ['nothing', { exists: false }],
    ['file/below', { exists: false }],
  ])('tells of %s', async (name, values) => {
    const { run, path } = await testContext();
    await writeFile(path('file'), '12345', { mode: 0o640 });
    await mkdir(path('dir'));
    await symlink('nowhere', path('link'));
    execFileSync('mkfifo', [path('fifo')]);
    const end = await run({ kind: 'stat', path: name, workdir: '.' });
    expect(end).toMatchObject({ reason: 'exited', exitCode: 0, values });
  });
});

it('finds paths by a pattern, sorted, relative to the work directory', async () => {
  const { run, path } = await testContext();
  for (const name of ['w/b.txt', 'w/a.txt', 'w/sub/c.txt', 'w/d.log', 'e.txt']) {
    await mkdir(path(name, '..'), { recursive: true });
    await writeFile(path(name), '');
  }
  const find = async (pattern: string) => (await run({ kind: 'glob', pattern, workdir: 'w' })).values.paths;
  expect(await find('*.txt')).toEqual(['a.txt', 'b.txt']);
  expect(await find('**/*.txt')).toEqual(['a.txt', 'b.txt', 'sub/c.txt']);
  expect(await find('*.{log,none}')).toEqual(['d.log']);
  expect(await find('nothing*')).toEqual([]);
});

describe('reading a file', () => {
  it('gives its text', async () => {
    const { run, path } = await testContext();
    await writeFile(path('f'), 'grün\n');
    expect((await run({ kind: 'readFile', path: 'f', workdir: '.', maxBytes: 6 })).values).toEqual({ text: 'grün\n' });
  });

  it('gives what the system makes up as it is read', async () => {
    const { run } = await testContext();
    const end = await run({ kind: 'readFile', path: '/proc/self/comm', workdir: '.', maxBytes: 100 });
    expect(end.values.text).toMatch(/\n$/);
  });

  it.each([
    ['large', 'too_large'],
    ['nowhere', 'not_readable'],
    ['.', 'not_a_file'],
    ['fifo', 'not_a_file'],
  ])('fails for %s', async (name, code) => {
    const { run, path } = await testContext();
    await writeFile(path('large'), 'x'.repeat(11));
    execFileSync('mkfifo', [path('fifo')]);
    const end = await run({ kind: 'readFile', path: name, workdir: '.', maxBytes: 10 });
    expect(end).toMatchObject({ reason: 'exited', exitCode: 1, error: { code }, values: {} });
  });
});
