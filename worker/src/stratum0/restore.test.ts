import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { abort } from './abort.ts';
import { beginTransaction } from './begin.ts';
import { publish } from './publish.ts';
import {
  makeTree,
  REPOSITORY,
  revisionOf,
  type TestSite,
  type Tree,
  testSite,
  treeOnDisk,
  treePublished,
} from './testing/site.ts';

const PLAIN = { tag: null, description: '' };
const TREE: Tree = {
  lib: 'dir 555',
  'lib/a': 'file 444 one',
  'lib/deep': 'dir 755',
  'lib/deep/b': 'file 600 two',
  link: 'link lib/a',
  empty: 'dir 700',
};

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

  test('is refused without a transaction', async () => {
    await abort(site.context, REPOSITORY);
    await expect(abort(site.context, REPOSITORY)).rejects.toMatchObject({ code: 'no_transaction', exitCode: 22 });
    await expect(publish(site.context, REPOSITORY, PLAIN)).rejects.toMatchObject({ code: 'no_transaction' });
  });
});
