import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCatalog, loadCatalog } from '../catalog/catalog.ts';
import { DIRECTORY_SIZE } from '../catalog/entry.ts';
import { decodeAttributes, encodeAttributes } from '../catalog/xattrs.ts';
import { readRepository } from '../testing/reader/repository.ts';
import { makeTree, REPOSITORY, type TestSite, testSite } from '../testing/site.ts';
import { abort } from '../verbs/abort.ts';
import { beginTransaction } from '../verbs/begin.ts';
import { checkRepository } from '../verbs/check.ts';
import { publish } from '../verbs/publish.ts';
import { rollback } from '../verbs/rollback.ts';

const noTools = spawnSync('getfattr', ['--version']).status !== 0;

describe('the list of extended attributes', () => {
  test('has version, number, and each name and value behind their lengths, in the order of names', () => {
    const list = encodeAttributes(
      new Map([
        ['user.b', '\xff\0'],
        ['user.a', ''],
      ]),
      () => {},
    );
    expect(list).toBe('\x01\x02\x06\x00user.a\x06\x02user.b\xff\0');
    expect([...decodeAttributes(list ?? '', 'f')]).toEqual([
      ['user.a', ''],
      ['user.b', '\xff\0'],
    ]);
  });

  test('leaves out what does not fit, and says so', () => {
    const left: string[] = [];
    const long = 'x'.repeat(256);
    expect(encodeAttributes(new Map([['user.a', long]]), (name) => left.push(name))).toBeNull();
    expect(left).toEqual(['user.a']);
    const many = new Map(Array.from({ length: 300 }, (_, i) => [`user.${i}`, '']));
    expect(decodeAttributes(encodeAttributes(many, () => {}) ?? '', 'f').size).toBe(255);
  });

  test('is read with long values, and refused when it is cut off', () => {
    const long = 'x'.repeat(300);
    expect(decodeAttributes(`\x02\x01\x06\x2c\x01user.a${long}`, 'f').get('user.a')).toBe(long);
    for (const broken of ['\x01\x02\x06\x00user.a', '\x03\x00', '\x01'])
      expect(() => decodeAttributes(broken, 'f')).toThrow('"f"');
  });

  test('stays in a catalog with its entry, and is counted', () => {
    const catalog = createCatalog('');
    const base = { uid: 0, gid: 0, mtime: 1, mtimeNanoseconds: null, hash: null, chunks: [], target: null };
    const directory = { ...base, type: 'directory' as const, mode: 0o755, sizeBytes: DIRECTORY_SIZE, linkCount: 2 };
    const entry = {
      ...directory,
      path: '',
      attributes: '\x01\x01\x06\x00user.a',
      linkGroup: 0,
      border: 'none' as const,
    };
    catalog.put(entry);
    const again = loadCatalog('', catalog.image(), 'it');
    expect(again.lookup('')).toEqual(entry);
    expect(again.countSelf().xattr).toBe(1);
  });
});

describe('settings of a repository', () => {
  test('that are not understood are named', async () => {
    const site = await testSite();
    writeFileSync(site.paths.settings, '# ours\nCVMFS_INCLUDE_XATTRS=perhaps\n');
    await beginTransaction(site.context, REPOSITORY, '');
    await expect(publish(site.context, REPOSITORY, { tag: null, description: '' })).rejects.toMatchObject({
      code: 'bad_state',
      message: expect.stringContaining('"CVMFS_INCLUDE_XATTRS=perhaps"'),
    });
    site.remove();
  });
});

const title = `extended attributes of files${noTools ? ' (skipped: no getfattr here)' : ''}`;
describe.skipIf(noTools)(title, () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await testSite();
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, {
      dir: 'dir 755',
      'dir/.cvmfscatalog': 'file 644 ',
      'dir/f': 'file 444 f',
      'a b\n\\': 'file 644 g',
    });
    set('dir/f', 'user.note', 'said "so"\n');
    set('dir/f', 'user.a', '');
    set('a b\n\\', 'user.odd=name', 'x');
    set('dir', 'user.dir', 'd');
  });
  afterEach(() => site.remove());

  const set = (path: string, name: string, value: string): void => {
    execFileSync('setfattr', ['-n', name, '-v', value, join(site.paths.mount, path)]);
  };
  const publishNow = (tag: string) => publish(site.context, REPOSITORY, { tag, description: '' });
  /** Of all rows of all catalogs, by names. */
  const published = () => {
    const { catalogs } = readRepository(
      site.paths.served,
      readFileSync(site.paths.publicKey, 'utf8'),
      new Date(),
    ).tree();
    const rows = catalogs.flatMap(({ content }) => content.rows).filter(({ attributes }) => attributes !== null);
    return rows.map(({ name, attributes }) => [name, Buffer.from(attributes ?? '', 'hex').toString('latin1')]).sort();
  };
  const ALL = [
    ['a b\n\\', '\x01\x01\x0d\x01user.odd=namex'],
    ['dir', '\x01\x01\x08\x01user.dird'],
    ['dir', '\x01\x01\x08\x01user.dird'],
    ['f', '\x01\x02\x06\x00user.a\x09\x0auser.notesaid "so"\n'],
  ];

  test('are not published unless the site says so', async () => {
    await publishNow('v1');
    expect(published()).toEqual([]);
  });

  test('are published, follow changes, and come back with abort and rollback', async () => {
    writeFileSync(site.paths.settings, 'CVMFS_INCLUDE_XATTRS=true\n');
    await publishNow('v1');
    expect(published()).toEqual(ALL);
    await checkRepository(site.context, REPOSITORY);
    await beginTransaction(site.context, REPOSITORY, '');
    execFileSync('setfattr', ['-x', 'user.a', join(site.paths.mount, 'dir/f')]);
    await publishNow('v2');
    expect(published().find(([name]) => name === 'f')?.[1]).toBe('\x01\x01\x09\x0auser.notesaid "so"\n');
    await beginTransaction(site.context, REPOSITORY, '');
    rmSync(join(site.paths.mount, 'dir'), { recursive: true });
    await abort(site.context, REPOSITORY);
    await rollback(site.context, REPOSITORY, 'v1');
    await beginTransaction(site.context, REPOSITORY, '');
    // Looked at anew: the same as what was published.
    makeTree(site.paths.mount, { new: 'file 644 new' });
    await publishNow('v4');
    expect(published()).toEqual(ALL);
    const dump = execFileSync('getfattr', ['-d', '--absolute-names', join(site.paths.mount, 'dir/f')], {
      encoding: 'utf8',
    });
    expect(dump).toContain('user.note="said \\"so\\"\\012"');
    await checkRepository(site.context, REPOSITORY);
  });

  test('need their programs', async () => {
    writeFileSync(site.paths.settings, 'CVMFS_INCLUDE_XATTRS=true\n');
    const { PATH } = process.env;
    process.env.PATH = '/nowhere';
    try {
      await expect(publishNow('v1')).rejects.toMatchObject({ message: expect.stringContaining('package attr') });
    } finally {
      process.env.PATH = PATH;
    }
  });
});
