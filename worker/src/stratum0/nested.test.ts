import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readRepository } from './testing/reader/repository.ts';
import { makeTree, REPOSITORY, type TestSite, type Tree, testSite } from './testing/site.ts';
import { readDirtab } from './tree/dirtab.ts';
import { beginTransaction } from './verbs/begin.ts';
import { publish } from './verbs/publish.ts';

describe('rules of .cvmfsdirtab', () => {
  test.each([
    ['/sw/*', ['sw/a', 'sw/b.c'], ['sw', 'sw/a/b', 'other/a']],
    ['/sw/*/*\n! /sw/old/*', ['sw/a/b'], ['sw/old/b', 'sw/a']],
    ['/sw/*/*\n!/sw/*/tmp?', ['sw/a/b', 'sw/a/tmp'], ['sw/a/tmp1', 'sw/x/y/tmp1']],
    ['/sw/*/*\n!/sw/a*', ['sw/b/c'], ['sw/a1/c', 'sw/a/b']],
    ['/data/*\n! *.svn\n! */tmp', ['data/run1', 'data/svn'], ['data/repo.svn', 'data/tmp']],
    ['# /all/*\n\n   /x86_?4/lib  ', ['x86_64/lib'], ['all/a', 'x86_644/lib']],
    ['/v[12].*', ['v1.0', 'v2.x'], ['v3.0', 'v1x0']],
    ['/a\\*b', ['a*b'], ['axb']],
    ['/end/', ['end'], ['end/x']],
    ['/*a*b/c*', ['ab/c', 'aab/cd', 'xaxxb/c'], ['a/b/c', 'ab/c/d', 'ba/c']],
    ['/al*/*\n!*a*a/b*', ['all/c', 'alla/c'], ['alla/b', 'ala/bx']],
    ['/x[]a][!]b]', ['x]c', 'xac'], ['xa]', 'xcc', 'xab']],
    // As an expression it would try all ways to share the letters among the wildcards.
    [`/${'*a'.repeat(30)}b`, [`${'a'.repeat(40)}b`], ['a'.repeat(60)]],
  ])('%j names the right directories', (text, named, others) => {
    const begins = readDirtab(text);
    expect(named.filter((path) => !begins(path))).toEqual([]);
    expect(others.filter((path) => begins(path))).toEqual([]);
  });

  test.each([
    ['/a\n\n relative/*', /line 3: "relative\/\*" is not an absolute path/],
    ['/a[z-a]', /line 1: .* is no pattern/],
    ['! *[z-a]', /line 1: .* is no pattern/],
  ])('%j are refused', (text, message) => {
    expect(() => readDirtab(text)).toThrow(message);
    expect(() => readDirtab(text)).toThrow(expect.objectContaining({ code: 'bad_dirtab' }));
  });
});

test.each<[string, (path: string) => void]>([
  ['a link', (path) => symlinkSync('/etc/hostname', path)],
  ['a directory', (path) => mkdirSync(path)],
])('%s is no list of rules', async (_what, put) => {
  const site = await testSite();
  try {
    await beginTransaction(site.context, REPOSITORY, '');
    put(join(site.paths.mount, '.cvmfsdirtab'));
    const published = publish(site.context, REPOSITORY, { tag: null, description: '' });
    await expect(published).rejects.toMatchObject({ code: 'bad_dirtab' });
  } finally {
    site.remove();
  }
});

describe('nested catalogs', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await testSite();
    await beginTransaction(site.context, REPOSITORY, '');
  });
  afterEach(() => site.remove());

  const catalogs = () => {
    const repository = readRepository(site.paths.served, readFileSync(site.paths.publicKey, 'utf8'), new Date());
    return repository.tree().catalogs;
  };
  const paths = () =>
    catalogs()
      .map(({ path }) => path)
      .sort();
  const publishNow = async (weights: { most: number; least: number } | null = null) => {
    await publish(site.context, REPOSITORY, { tag: null, description: '', weights });
    await beginTransaction(site.context, REPOSITORY, '');
  };
  const SOFTWARE: Tree = {
    sw: 'dir 755',
    'sw/one': 'dir 755',
    'sw/one/f': 'file 644 1',
    'sw/two': 'dir 755',
    'sw/two/f': 'file 644 2',
    'sw/two/deep': 'dir 755',
    'sw/two/deep/g': 'file 644 3',
  };

  test('begin where the rules say, also in directories that come later, and only touched ones are written', async () => {
    makeTree(site.paths.mount, { ...SOFTWARE, '.cvmfsdirtab': 'file 644 /sw/*\n' });
    await publishNow();
    expect(paths()).toEqual(['', '/sw/one', '/sw/two']);
    const before = new Map(catalogs().map(({ path, hash }) => [path, hash]));
    makeTree(site.paths.mount, { 'sw/three': 'dir 755', 'sw/one/f': 'file 644 changed' });
    await publishNow();
    expect(paths()).toEqual(['', '/sw/one', '/sw/three', '/sw/two']);
    const same = catalogs().filter(({ path, hash }) => before.get(path) === hash);
    expect(same.map(({ path }) => path)).toEqual(['/sw/two']);
  });

  test('begin and end around others, with all that is in them', async () => {
    makeTree(site.paths.mount, { ...SOFTWARE, 'sw/two/deep/.cvmfscatalog': 'file 644 ' });
    await publishNow();
    makeTree(site.paths.mount, { 'sw/.cvmfscatalog': 'file 644 ', 'sw/two/.cvmfscatalog': 'file 644 ' });
    await publishNow();
    expect(paths()).toEqual(['', '/sw', '/sw/two', '/sw/two/deep']);
    rmSync(join(site.paths.mount, 'sw/two/.cvmfscatalog'));
    await publishNow();
    expect(paths()).toEqual(['', '/sw', '/sw/two/deep']);
    rmSync(join(site.paths.mount, 'sw'), { recursive: true });
    await publishNow();
    expect(paths()).toEqual(['']);
  });

  test('are made by weight on request', async () => {
    const files = Array.from({ length: 40 }, (_, i) => [`sw/two/f${i}`, `file 644 ${i}`]);
    makeTree(site.paths.mount, { ...SOFTWARE, ...Object.fromEntries(files) });
    await publishNow({ most: 30, least: 5 });
    expect(paths()).toEqual(['', '/sw/two']);
    expect(site.said.join('\n')).toContain("Automatic creation of nested catalog in '/sw/two'");
    await publishNow({ most: 30, least: 5 });
    expect(paths()).toEqual(['', '/sw/two']);
  });

  test.each([
    ['directory', 'dir 755'],
    ['symlink', 'link elsewhere'],
  ])('cannot be marked by a %s', async (type, what) => {
    makeTree(site.paths.mount, { sw: 'dir 755', 'sw/.cvmfscatalog': what });
    await expect(publishNow()).rejects.toMatchObject({ code: 'bad_marker', message: expect.stringContaining(type) });
  });

  test('cannot begin at the root', async () => {
    makeTree(site.paths.mount, { '.cvmfscatalog': 'file 644 ' });
    await expect(publishNow()).rejects.toMatchObject({ code: 'bad_marker' });
  });
});
