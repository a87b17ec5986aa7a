import {
  chmodSync,
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { objectName } from '../objects/names.ts';
import { readRepository } from '../testing/reader/repository.ts';
import {
  makeTree,
  REPOSITORY,
  revisionOf,
  type TestSite,
  type Tree,
  testSite,
  treeOnDisk,
  treePublished,
} from '../testing/site.ts';
import { abort } from '../verbs/abort.ts';
import { beginTransaction } from '../verbs/begin.ts';
import { publish } from '../verbs/publish.ts';

const PLAIN = { tag: null, description: '' };
const TREE: Tree = {
  lib: 'dir 555',
  'lib/a': 'file 444 one',
  'lib/deep': 'dir 755',
  'lib/deep/b': 'file 600 two',
  link: 'link lib/a',
  empty: 'dir 700',
};

describe('abort in a tree of several catalogs', () => {
  const LARGER: Tree = {
    ...TREE,
    lib: 'dir 755',
    one: 'dir 755',
    'one/.cvmfscatalog': 'file 644 ',
    'one/f': 'file 644 f',
    'one/in': 'dir 755',
    'one/in/g': 'file 644 g',
    two: 'dir 755',
    'two/.cvmfscatalog': 'file 644 ',
    'two/f': 'file 644 F',
    'two/in': 'dir 755',
    'two/in/.cvmfscatalog': 'file 644 ',
    'two/in/g': 'file 644 G',
  };
  let site: TestSite;
  let before: ReturnType<typeof statsBelow>;
  beforeEach(async () => {
    site = await testSite();
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, LARGER);
    linkSync(join(site.paths.mount, 'one/f'), join(site.paths.mount, 'one/linked'));
    await publish(site.context, REPOSITORY, PLAIN);
    await beginTransaction(site.context, REPOSITORY, '');
    before = statsBelow(site.paths.mount);
  });
  afterEach(() => site.remove());

  /** Inode, mode, time of change of content in seconds, and links of each name. */
  function statsBelow(root: string) {
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
    return new Map(
      names.map((name) => {
        const { ino, mode, mtimeMs, nlink } = lstatSync(join(root, name));
        return [name, { ino, mode, mtime: Math.floor(mtimeMs / 1000), nlink }] as const;
      }),
    );
  }
  const withoutInodes = (stats: typeof before) => [...stats].map(([name, { ino: _, ...rest }]) => [name, rest]);

  test.each<[string, (mount: string) => void]>([
    ['a file that was written in place', (mount) => writeFileSync(join(mount, 'two/in/g'), 'changed')],
    ['one name of two that was replaced', (mount) => makeTree(mount, { 'one/linked': 'file 644 other' })],
    ['a directory that was moved', (mount) => renameSync(join(mount, 'one/in'), join(mount, 'two/moved'))],
    [
      'directories that were exchanged',
      (mount) => {
        renameSync(join(mount, 'one'), join(mount, 'x'));
        renameSync(join(mount, 'two'), join(mount, 'one'));
        renameSync(join(mount, 'x'), join(mount, 'two'));
      },
    ],
    [
      'a directory that was replaced by a copy',
      (mount) => {
        cpSync(join(mount, 'two'), join(mount, 'copy'), { recursive: true });
        rmSync(join(mount, 'two'), { recursive: true });
        renameSync(join(mount, 'copy'), join(mount, 'two'));
      },
    ],
    [
      'a link to a directory with the same names in place of a directory',
      (mount) => {
        renameSync(join(mount, 'two'), join(mount, '..', 'elsewhere'));
        makeTree(mount, { '../elsewhere/in/strange': 'file 644 stays', two: 'link ../elsewhere' });
      },
    ],
    ['a catalog that was removed', (mount) => rmSync(join(mount, 'two'), { recursive: true })],
    [
      'a marker that was removed, and one that was added',
      (mount) => {
        rmSync(join(mount, 'one/.cvmfscatalog'));
        makeTree(mount, { 'one/in/.cvmfscatalog': 'file 644 ' });
      },
    ],
    [
      'names in a new directory in an old one',
      (mount) => makeTree(mount, { 'one/in/n': 'dir 700', 'one/in/n/m': 'dir 700', 'one/in/n/m/f': 'file 644 x' }),
    ],
  ])('puts everything back after %s, times and links too', async (_what, change) => {
    change(site.paths.mount);
    await abort(site.context, REPOSITORY);
    expect(treeOnDisk(site.paths.mount)).toEqual({ ...LARGER, 'one/linked': 'file 644 f' });
    expect(withoutInodes(statsBelow(site.paths.mount))).toEqual(withoutInodes(before));
    await beginTransaction(site.context, REPOSITORY, '');
    expect((await publish(site.context, REPOSITORY, PLAIN))?.filesRead).toBe(0);
    expect(await treePublished(site)).toEqual({ ...LARGER, 'one/linked': 'file 644 f' });
  });

  test('touches nothing behind a link', async () => {
    const elsewhere = join(site.paths.mount, '..', 'elsewhere');
    cpSync(join(site.paths.mount, 'two'), elsewhere, { recursive: true });
    makeTree(elsewhere, { 'in/strange': 'file 600 stays' });
    const was = [...statsBelow(elsewhere)];
    makeTree(site.paths.mount, { two: 'link ../elsewhere' });
    await abort(site.context, REPOSITORY);
    expect([...statsBelow(elsewhere)]).toEqual(was);
    expect(treeOnDisk(site.paths.mount)).toEqual({ ...LARGER, 'one/linked': 'file 644 f' });
  });

  test('reads only catalogs of directories in which something has changed, and leaves the others alone', async () => {
    writeFileSync(join(site.paths.mount, 'one/in/g'), 'changed');
    const { catalogs } = readRepository(
      site.paths.served,
      readFileSync(site.paths.publicKey, 'utf8'),
      new Date(),
    ).tree();
    for (const { path, hash } of catalogs)
      if (path.startsWith('/two')) rmSync(join(site.paths.served, objectName(hash, 'C')));
    await abort(site.context, REPOSITORY);
    expect(site.said.at(-1)).toContain('1 entries put back');
    const after = statsBelow(site.paths.mount);
    const others = [...after].filter(([name]) => name !== 'one/in/g');
    expect(others).toEqual([...before].filter(([name]) => name !== 'one/in/g'));
  });
});

describe('abort', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await testSite();
    await beginTransaction(site.context, REPOSITORY, '');
    mkdirSync(join(site.paths.mount, 'lib'));
    makeTree(site.paths.mount, { ...TREE, lib: 'dir 755' });
    chmodSync(join(site.paths.mount, 'lib'), 0o555);
    await publish(site.context, REPOSITORY, PLAIN);
    await beginTransaction(site.context, REPOSITORY, '');
  });
  afterEach(() => site.remove());

  test.each<[string, (mount: string) => void]>([
    ['nothing', () => {}],
    ['a changed file', (mount) => writeFileSync(join(mount, 'lib/deep/b'), 'TWO')],
    ['a changed mode', (mount) => chmodSync(join(mount, 'empty'), 0o777)],
    ['added names', (mount) => makeTree(mount, { extra: 'dir 700', 'extra/x': 'file 644 x', 'extra/y': 'link x' })],
    [
      'everything removed',
      (mount) =>
        ['lib', 'link', 'empty'].forEach((name) => {
          rmSync(join(mount, name), { recursive: true });
        }),
    ],
    ['a file where a directory was', (mount) => makeTree(mount, { lib: 'file 644 x' })],
    [
      'a directory where a file and a link were',
      (mount) => makeTree(mount, { link: 'dir 755', 'lib/a': 'dir 755', 'lib/a/inner': 'file 644 x' }),
    ],
    ['a link to a directory in place of the directory', (mount) => makeTree(mount, { lib: 'link /tmp' })],
  ])('puts the published state back after %s', async (_what, change) => {
    change(site.paths.mount);
    await abort(site.context, REPOSITORY);
    expect(treeOnDisk(site.paths.mount)).toEqual(TREE);
    expect(await revisionOf(site)).toBe(2);
    await beginTransaction(site.context, REPOSITORY, '');
    const next = await publish(site.context, REPOSITORY, PLAIN);
    expect(next?.filesRead).toBe(0);
    expect(await treePublished(site)).toEqual(TREE);
  });

  test('puts back times before 1970', async () => {
    const file = join(site.paths.mount, 'lib/deep/b');
    const then = new Date('1955-11-05T06:15:00Z');
    utimesSync(file, then, then);
    await publish(site.context, REPOSITORY, PLAIN);
    await beginTransaction(site.context, REPOSITORY, '');
    rmSync(file);
    await abort(site.context, REPOSITORY);
    expect(lstatSync(file).mtime).toEqual(then);
  });

  test('is refused without a transaction', async () => {
    await abort(site.context, REPOSITORY);
    await expect(abort(site.context, REPOSITORY)).rejects.toMatchObject({ code: 'no_transaction', exitCode: 22 });
    await expect(publish(site.context, REPOSITORY, PLAIN)).rejects.toMatchObject({ code: 'no_transaction' });
  });

  test('and publish make a damaged index anew', async () => {
    const whole = readFileSync(site.paths.mountIndex);
    // All but the first two pages, which are read when it is opened.
    const damaged = Buffer.concat([whole.subarray(0, 8192), Buffer.alloc(whole.length - 8192)]);
    writeFileSync(site.paths.mountIndex, damaged);
    makeTree(site.paths.mount, { more: 'file 644 m' });
    await abort(site.context, REPOSITORY);
    expect(site.said.join()).toContain('is damaged');
    expect(treeOnDisk(site.paths.mount)).toEqual(TREE);
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, { more: 'file 644 m' });
    writeFileSync(site.paths.mountIndex, damaged);
    await publish(site.context, REPOSITORY, PLAIN);
    expect(await treePublished(site)).toEqual({ ...TREE, more: 'file 644 m' });
  });
});
