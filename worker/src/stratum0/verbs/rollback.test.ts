import { lstatSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readRepository } from '../testing/reader/repository.ts';
import {
  makeTree,
  REPOSITORY,
  type TestSite,
  type Tree,
  testSite,
  treeOnDisk,
  treePublished,
} from '../testing/site.ts';
import { beginTransaction } from './begin.ts';
import { checkRepository } from './check.ts';
import { publish } from './publish.ts';
import { rollback } from './rollback.ts';
import { addTag, removeTag } from './tags.ts';

const OLD: Tree = { kept: 'file 644 same', dir: 'dir 755', 'dir/.cvmfscatalog': 'file 644 ', 'dir/x': 'file 600 x' };

describe('tags and rollback', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await testSite();
    await change({ tag: 'old' }, () => makeTree(site.paths.mount, OLD));
    await change({ tag: 'newer' }, () => makeTree(site.paths.mount, { kept: 'file 644 changed', added: 'dir 700' }));
    await change({ tag: 'newest' }, () => rmSync(join(site.paths.mount, 'dir'), { recursive: true }));
  });
  afterEach(() => site.remove());

  async function change({ tag }: { tag: string }, work: () => void): Promise<void> {
    await beginTransaction(site.context, REPOSITORY, '');
    work();
    await publish(site.context, REPOSITORY, { tag, description: '' });
  }
  const read = () => readRepository(site.paths.served, readFileSync(site.paths.publicKey, 'utf8'), new Date());
  const names = () => read().tags.map(({ name, revision }) => `${revision} ${name.replace(/-2.*/, '')}`);

  test('a rollback publishes the old revision as the newest, and the mount tree follows', async () => {
    const rootBefore = read().fields.get('C');
    await rollback(site.context, REPOSITORY, 'old');
    expect(await treePublished(site)).toEqual(OLD);
    expect(treeOnDisk(site.paths.mount)).toEqual(OLD);
    expect(names()).toEqual(['1 generic', '5 old', '5 trunk']);
    const { catalogs } = read().tree();
    expect(catalogs[0]?.content.properties.get('revision')).toBe('5');
    // Who goes back in time comes by the revisions that were rolled back.
    expect(catalogs[0]?.content.properties.get('previous_revision')).toBe(rootBefore);
    await checkRepository(site.context, REPOSITORY);
    await change({ tag: 'later' }, () => makeTree(site.paths.mount, { later: 'file 644 later' }));
    expect(await treePublished(site)).toEqual({ ...OLD, later: 'file 644 later' });
  });

  test('a rollback without a tag undoes one publish, once', async () => {
    await rollback(site.context, REPOSITORY, 'trunk-previous');
    expect(names()).toEqual(['1 generic', '2 old', '3 newer', '5 trunk']);
    await expect(rollback(site.context, REPOSITORY, 'trunk-previous')).rejects.toMatchObject({ code: 'no_tag' });
    await checkRepository(site.context, REPOSITORY);
  });

  test('a rollback to the newest revision itself leaves all names', async () => {
    await rollback(site.context, REPOSITORY, 'newest');
    expect(names()).toEqual(['1 generic', '2 old', '3 newer', '4 trunk-previous', '5 newest', '5 trunk']);
  });

  test('a rollback leaves files alone that are the same in both revisions', async () => {
    await change({ tag: 'another' }, () =>
      makeTree(site.paths.mount, { steady: 'file 644 steady', moving: 'file 644 1' }),
    );
    await change({ tag: 'last' }, () => makeTree(site.paths.mount, { moving: 'file 644 2' }));
    const inode = (name: string) => lstatSync(join(site.paths.mount, name)).ino;
    const before = [inode('steady'), inode('moving')];
    await rollback(site.context, REPOSITORY, 'another');
    expect(inode('steady')).toBe(before[0]);
    expect(readFileSync(join(site.paths.mount, 'moving'), 'utf8')).toBe('1');
    await beginTransaction(site.context, REPOSITORY, '');
    expect((await publish(site.context, REPOSITORY, { tag: null, description: '' }))?.filesRead).toBe(0);
  });

  test('a tag names the current revision, and can be taken away', async () => {
    await addTag(site.context, REPOSITORY, 'second-name', 'Grüße');
    expect(read().tags.find(({ name }) => name === 'second-name')).toMatchObject({ revision: 4, description: 'Grüße' });
    await expect(addTag(site.context, REPOSITORY, 'old', '')).rejects.toMatchObject({ code: 'tag_exists' });
    await removeTag(site.context, REPOSITORY, 'old');
    expect(names()).not.toContain('2 old');
    await expect(removeTag(site.context, REPOSITORY, 'old')).rejects.toMatchObject({ code: 'no_tag' });
    await expect(removeTag(site.context, REPOSITORY, 'trunk')).rejects.toMatchObject({ code: 'usage' });
    await checkRepository(site.context, REPOSITORY);
    expect(read().fields.get('Y')).toBe(read().reflogHash);
  });

  test('neither works while a transaction is open, or on a tag that is not there', async () => {
    await expect(rollback(site.context, REPOSITORY, 'nothing')).rejects.toMatchObject({ code: 'no_tag' });
    await beginTransaction(site.context, REPOSITORY, '');
    await expect(rollback(site.context, REPOSITORY, 'old')).rejects.toMatchObject({ code: 'in_transaction' });
    await expect(addTag(site.context, REPOSITORY, 'a', '')).rejects.toMatchObject({ code: 'in_transaction' });
  });
});
