import { copyFileSync, linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeReflog } from '../history/reflog.ts';
import { objectName, objectStore, readObject } from '../objects/object-store.ts';
import { currentManifest, openServed } from '../repository.ts';
import { makeTree, REPOSITORY, type TestSite, testSite } from '../testing/site.ts';
import { withRepositoryLock } from '../transaction/lock.ts';
import { putManifest } from '../transaction/revision.ts';
import { beginTransaction } from './begin.ts';
import { checkRepository } from './check.ts';
import { publish } from './publish.ts';
import { addTag } from './tags.ts';

describe('check', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await testSite();
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, { one: 'file 644 one', two: 'file 644 two' });
    await publish(site.context, REPOSITORY, { tag: null, description: '' });
  });
  afterEach(() => site.remove());
  const objectOf = async (path: string) => {
    const entries = await (await openServed(site.context, site.paths)).entries();
    return join(site.paths.served, objectName(entries.find((entry) => entry.path === path)?.hash ?? '', ''));
  };

  test('finds nothing wrong in a sound repository', async () => {
    await checkRepository(site.context, REPOSITORY);
    expect(site.said.at(-1)).toContain('no problems found');
  });

  test('names every damaged and missing object', async () => {
    rmSync(await objectOf('one'));
    writeFileSync(await objectOf('two'), 'damaged');
    await expect(checkRepository(site.context, REPOSITORY)).rejects.toMatchObject({
      code: 'check_failed',
      message: expect.stringContaining('2 problems in 2 entries'),
    });
    expect(site.said.filter((line) => /^\/(one|two): .*data\//.test(line))).toHaveLength(2);
  });

  test('refuses a damaged catalog, certificate or history', async () => {
    const manifest = await currentManifest(site.paths);
    for (const [hash, suffix, code] of [
      [manifest.root, 'C', 'check_failed'],
      [manifest.certificate, 'X', 'damaged_object'],
      [manifest.history, 'H', 'check_failed'],
    ] as const) {
      const path = join(site.paths.served, objectName(hash, suffix));
      const sound = readFileSync(path);
      writeFileSync(path, sound.subarray(1));
      await expect(checkRepository(site.context, REPOSITORY)).rejects.toMatchObject({ code });
      writeFileSync(path, sound);
    }
    await checkRepository(site.context, REPOSITORY);
  });

  test('leaves nothing half-written behind', () => {
    expect(readdirSync(join(site.paths.served, 'data', 'txn'))).toEqual([]);
  });
});

describe('check of catalogs that are sound as objects', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await testSite();
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, {
      one: 'file 644 one',
      link: 'link one',
      sub: 'dir 755',
      'sub/.cvmfscatalog': 'file 644 ',
      'sub/two': 'file 644 two',
    });
    linkSync(join(site.paths.mount, 'one'), join(site.paths.mount, 'other'));
    await publish(site.context, REPOSITORY, { tag: null, description: '' });
  });
  afterEach(() => site.remove());

  /** Signs a revision whose root catalog was changed by hand. */
  async function plant(sql: string): Promise<void> {
    const manifest = await currentManifest(site.paths);
    const image = await readObject(site.paths.served, manifest.root, 'C');
    const database = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
    database.deserialize(image);
    database.exec(sql);
    const changed = database.serialize();
    database.close();
    const root = await objectStore(site.context.disk, site.paths.served, site.paths.unsettled, 'sha1').put(
      changed,
      'C',
    );
    await putManifest(site.context, site.paths, { ...manifest, root, rootSizeBytes: changed.byteLength });
  }

  test.each([
    [
      'a wrong counter',
      "UPDATE statistics SET value = value + 1 WHERE counter = 'self_regular'",
      /self_regular is 3, but 2/,
    ],
    [
      'a wrong sum',
      "UPDATE statistics SET value = 7 WHERE counter = 'subtree_file_size'",
      /subtree_file_size is 7, but 3/,
    ],
    [
      'an entry below nothing',
      "UPDATE catalog SET parent_1 = 1 WHERE name = 'one'",
      /1 entries belong to no directory/,
    ],
    ['a key that is not of the path', "UPDATE catalog SET name = 'uno' WHERE name = 'one'", /\/uno: its key/],
    [
      'a broken group of hard links',
      "UPDATE catalog SET hardlinks = 1 WHERE name = 'one'",
      /\/other: its link count is 2/,
    ],
    [
      'a wrong link count of a directory',
      "UPDATE catalog SET hardlinks = 9 WHERE name = ''",
      /: its link count is 9, not 3/,
    ],
    ['a wrong size of a link', "UPDATE catalog SET size = 9 WHERE name = 'link'", /\/link: its size is wrong/],
    ['a wrong size of a file', "UPDATE catalog SET size = 9 WHERE name = 'one'", /one: an object has 3 bytes/],
    [
      'a nested catalog that is not registered',
      'DELETE FROM nested_catalogs',
      /\/sub: its nested catalog is not registered/,
    ],
    [
      'a reference to another size',
      'UPDATE nested_catalogs SET size = 5',
      /catalog \/sub: .* has \d+ bytes, its reference says 5/,
    ],
    [
      'a border that differs',
      "UPDATE catalog SET mtime = 5 WHERE name = 'sub'",
      /\/sub: both catalogs that list it differ/,
    ],
    [
      'flags that do not fit',
      "UPDATE catalog SET flags = 1 WHERE name = 'link'",
      /has flags \(1\) that do not fit its mode/,
    ],
    ['an entry that is hidden', "UPDATE catalog SET flags = flags | 32768 WHERE name = 'one'", /are not supported/],
    ['names of one file that differ', "UPDATE catalog SET mtime = 5 WHERE name = 'one'", /it is not as .*a hard link/],
    [
      'a hard link of a directory',
      "UPDATE catalog SET hardlinks = hardlinks + (7 << 32) WHERE name = 'sub'",
      /\/sub: a directory cannot have hard links/,
    ],
    [
      'a chunk of no file',
      "INSERT INTO chunks VALUES (1, 2, 0, 5, x'0123456789012345678901234567890123456789')",
      /self_chunks is 0, but 1/,
    ],
    [
      'a nested catalog that nothing leads to',
      "INSERT INTO nested_catalogs SELECT '/gone', sha1, size FROM nested_catalogs",
      /\/gone: a nested catalog is registered, but no directory leads to it/,
    ],
    [
      'a nested catalog of another directory',
      "UPDATE properties SET value = '/sub' WHERE key = 'root_prefix'; INSERT OR REPLACE INTO properties VALUES ('root_prefix', '/sub')",
      /: the catalog is made for \/sub/,
    ],
    [
      'a name that no file can have',
      "UPDATE catalog SET name = 'a/b' WHERE name = 'one'",
      /a name that no file can have/,
    ],
    ['content of a link', "UPDATE catalog SET hash = x'01' WHERE name = 'link'", /\/link: it cannot have content/],
    ['a chunk that is missing', "UPDATE catalog SET flags = 68, hash = NULL WHERE name = 'one'", /one has no content/],
  ])('finds %s', async (_what, sql, message) => {
    await plant(sql);
    await expect(checkRepository(site.context, REPOSITORY)).rejects.toMatchObject({ code: 'check_failed' });
    expect(site.said.filter((line) => message.test(line))).not.toEqual([]);
  });

  test('finds that the whole content of a chunked file is missing, which older clients read', async () => {
    const served = (name: string) => join(site.paths.served, name);
    const entries = await (await openServed(site.context, site.paths)).entries();
    const whole = entries.find(({ path }) => path === 'one')?.hash ?? '';
    copyFileSync(served(objectName(whole, '')), served(objectName(whole, 'P')));
    const ofBoth = "WHERE name IN ('one', 'other')";
    await plant(`
      INSERT INTO chunks SELECT md5path_1, md5path_2, 0, size, hash FROM catalog ${ofBoth};
      UPDATE catalog SET flags = 68 ${ofBoth};
      UPDATE statistics SET value = 2 WHERE counter IN ('self_chunked', 'self_chunks');
      UPDATE statistics SET value = 6 WHERE counter = 'self_chunked_size'`);
    await checkRepository(site.context, REPOSITORY);
    rmSync(served(objectName(whole, '')));
    await expect(checkRepository(site.context, REPOSITORY)).rejects.toMatchObject({ code: 'check_failed' });
    expect(site.said.filter((line) => line.startsWith('/one: '))).toHaveLength(1);
  });

  test('finds a log of references that is another one, or forgot something', async () => {
    await plant("UPDATE properties SET value = value WHERE key = 'schema'");
    await checkRepository(site.context, REPOSITORY);
    writeFileSync(site.paths.reflog, encodeReflog(REPOSITORY, []));
    await expect(checkRepository(site.context, REPOSITORY)).rejects.toMatchObject({ code: 'check_failed' });
    expect(site.said.filter((line) => line.startsWith('reflog: '))).toHaveLength(5);
  });

  test('finds damage in what only the log of references leads to', async () => {
    const { history, metainfo } = await currentManifest(site.paths);
    const before = join(site.paths.served, objectName(history, 'H'));
    await addTag(site.context, REPOSITORY, 'v1', '');
    await checkRepository(site.context, REPOSITORY);
    copyFileSync(join(site.paths.served, objectName(metainfo ?? '', 'M')), before);
    await expect(checkRepository(site.context, REPOSITORY)).rejects.toMatchObject({ code: 'check_failed' });
    expect(site.said.at(-1)).toContain(`log of references: ${objectName(history, 'H')}`);
  });

  test('tells of a log of references that a publish left which died, and is content once that is put right', async () => {
    copyFileSync(site.paths.reflog, site.paths.reflogBefore);
    const { root, certificate, history, metainfo } = await currentManifest(site.paths);
    const newer = [
      { hash: root, type: 'catalog' as const, addedAt: 0 },
      { hash: certificate, type: 'certificate' as const, addedAt: 0 },
      { hash: history, type: 'history' as const, addedAt: 0 },
      { hash: metainfo ?? '', type: 'metainfo' as const, addedAt: 0 },
    ];
    writeFileSync(site.paths.reflog, encodeReflog(REPOSITORY, newer));
    // Before its manifest, as every publish does.
    await withRepositoryLock(site.context, site.paths, () => checkRepository(site.context, REPOSITORY));
    await expect(checkRepository(site.context, REPOSITORY)).rejects.toMatchObject({ code: 'check_failed' });
    expect(site.said.filter((line) => line.startsWith('reflog: '))).toEqual([
      expect.stringContaining('a publish died before its own was in place'),
    ]);
    await beginTransaction(site.context, REPOSITORY, '');
    await checkRepository(site.context, REPOSITORY);
  });
});
