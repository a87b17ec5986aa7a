import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { objectName } from '../objects/names.ts';
import { readRepository } from '../testing/reader/repository.ts';
import { makeTree, REPOSITORY, type TestSite, testSite } from '../testing/site.ts';
import { beginTransaction } from './begin.ts';
import { checkRepository } from './check.ts';
import { collectGarbage } from './collect.ts';
import { publish } from './publish.ts';
import { rollback } from './rollback.ts';
import { removeTag } from './tags.ts';

const DAY_MS = 86_400_000;

describe('garbage collection', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await testSite();
    for (const tag of ['one', 'two', 'three']) {
      await beginTransaction(site.context, REPOSITORY, '');
      makeTree(site.paths.mount, {
        same: 'file 644 same',
        [tag]: `dir 755`,
        [`${tag}/.cvmfscatalog`]: 'file 644 ',
        content: `file 644 only in ${tag}`,
      });
      await publish(site.context, REPOSITORY, { tag, description: '' });
    }
  });
  afterEach(() => site.remove());

  const later = () => ({ ...site.context, now: () => Date.now() + 10 * DAY_MS });
  const read = () => readRepository(site.paths.served, readFileSync(site.paths.publicKey, 'utf8'), new Date());
  const objects = () =>
    readdirSync(join(site.paths.served, 'data'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /^..\/./.test(name),
    );
  const treeOf = (name: string) => {
    const tag = read().tags.find((found) => found.name === name);
    return read().tree({ hash: tag?.root ?? '', size: tag?.size ?? 0 });
  };

  test('removes nothing that a tag, the current or a recent revision needs', async () => {
    const before = ['one', 'two', 'three'].map((tag) => [...treeOf(tag).entries]);
    await collectGarbage(later(), REPOSITORY);
    expect(['one', 'two', 'three'].map((tag) => [...treeOf(tag).entries])).toEqual(before);
    await removeTag(site.context, REPOSITORY, 'one');
    const names = objects();
    await collectGarbage(site.context, REPOSITORY);
    // Nor the history before the removal: the manifest of before, which a mirror may have read just now, names it.
    expect(objects()).toEqual(names);
    expect(read().references.size).toBeGreaterThan(4);
  });

  test('removes histories of before once nobody can be reading them any more', async () => {
    const before = read().fields.get('H') ?? '';
    await removeTag(site.context, REPOSITORY, 'one');
    const now = read().fields.get('H') ?? '';
    await collectGarbage(later(), REPOSITORY);
    const left = new Set(objects());
    const stored = (hash: string) => left.has(objectName(hash, 'H').slice('data/'.length));
    expect([stored(before), stored(now)]).toEqual([false, true]);
    expect([read().references.has(before), read().references.has(now)]).toEqual([false, true]);
  });

  test('keeps what was published long ago, but current until now', async () => {
    const context = later();
    const before = read();
    await rollback(context, REPOSITORY, 'one');
    await removeTag(context, REPOSITORY, 'one');
    await collectGarbage(context, REPOSITORY);
    const left = new Set(objects());
    for (const [field, kind] of [
      ['C', 'C'],
      ['H', 'H'],
    ] as const)
      expect(left).toContain(objectName(before.fields.get(field) ?? '', kind).slice('data/'.length));
    before.tree();
    await collectGarbage({ ...context, now: () => context.now() + 4 * DAY_MS }, REPOSITORY);
    expect(objects().length).toBeLessThan(left.size);
  });

  test('removes what only revisions without a name need, once they are old', async () => {
    const { catalogs } = treeOf('one');
    await removeTag(site.context, REPOSITORY, 'one');
    await collectGarbage(later(), REPOSITORY);
    const left = new Set(objects());
    const root = catalogs[0]?.hash ?? '';
    expect(left.has(objectName(root, 'C').slice('data/'.length))).toBe(false);
    expect(read().references.has(root)).toBe(false);
    expect(read().fields.get('Y')).toBe(read().reflogHash);
    for (const tag of ['two', 'three']) treeOf(tag);
    await checkRepository(site.context, REPOSITORY);
    expect(readFileSync(join(site.paths.served, '.cvmfs_status.json'), 'utf8')).toMatch(
      /"last_gc": "\w{3} \w{3} \d\d /,
    );
    const { length } = objects();
    await collectGarbage(later(), REPOSITORY);
    expect(objects().length).toBe(length);
  });

  test('tells monitors when it ran, and leaves what else they are told', async () => {
    const status = join(site.paths.served, '.cvmfs_status.json');
    const read = () => JSON.parse(readFileSync(status, 'utf8'));
    const checked = { last_check: 'Sat Nov 21 03:48:44 UTC 2026', check_status: 'succeeded' };
    writeFileSync(status, JSON.stringify({ ...checked, last_gc: 'long ago' }));
    await collectGarbage(site.context, REPOSITORY);
    expect(read()).toEqual({ ...checked, last_gc: expect.stringMatching(/ UTC \d{4}$/) });
    writeFileSync(status, 'cut of');
    await collectGarbage(site.context, REPOSITORY);
    expect(Object.keys(read())).toEqual(['last_gc']);
  });

  test('removes nothing at all where a catalog is missing', async () => {
    const { catalogs } = treeOf('two');
    const nested = catalogs.find(({ path }) => path === '/two');
    rmSync(join(site.paths.served, objectName(nested?.hash ?? '', 'C')));
    const { length } = objects();
    await expect(collectGarbage(later(), REPOSITORY)).rejects.toMatchObject({ code: 'missing_object' });
    expect(objects().length).toBe(length);
  });

  test('waits for the end of a transaction', async () => {
    await beginTransaction(site.context, REPOSITORY, '');
    await expect(collectGarbage(later(), REPOSITORY)).rejects.toMatchObject({ code: 'in_transaction' });
  });
});
