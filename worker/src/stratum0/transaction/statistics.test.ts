import { copyFileSync, linkSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { existingRepository } from '../repository.ts';
import { makeTree, REPOSITORY, type TestSite, type Tree, testSite } from '../testing/site.ts';
import { beginTransaction } from '../verbs/begin.ts';
import { publish } from '../verbs/publish.ts';
import { noCounts, printStatistics } from './statistics.ts';

const TREE: Tree = {
  ...{ sw: 'dir 755', 'sw/one': 'file 644 12345', 'sw/same': 'file 644 12345', 'sw/link': 'link one' },
  ...{ 'sw/nested': 'dir 755', 'sw/nested/.cvmfscatalog': 'file 644 ', 'sw/nested/f': 'file 644 1234567' },
  ...{ 'sw/nested/in': 'dir 755', 'sw/nested/in/.cvmfscatalog': 'file 644 ', 'sw/nested/in/g': 'file 644 1' },
  ...{ 'sw/nested/in/l': 'link g', other: 'dir 755', 'other/h': 'file 644 xy' },
};

let site: TestSite;
beforeEach(async () => {
  site = await testSite();
  await beginTransaction(site.context, REPOSITORY, '');
});
afterEach(() => site.remove());

async function publishNow() {
  const published = await publish(site.context, REPOSITORY, { tag: null, description: '' });
  await beginTransaction(site.context, REPOSITORY, '');
  return published?.counts;
}

/** Those that are not 0, without what depends on how well catalogs are compressed. */
function some(counts: ReturnType<typeof noCounts> | undefined) {
  const { sz_catalog_bytes_uploaded, ...others } = counts ?? noCounts();
  expect(sz_catalog_bytes_uploaded).toBeGreaterThan(0);
  return Object.fromEntries(Object.entries(others).filter(([, value]) => value !== 0));
}

function printed(options: { separator?: string; table?: string } = {}): string[] {
  const said: string[] = [];
  const context = { ...site.context, say: (line: string) => said.push(line) };
  printStatistics(context, existingRepository(context, REPOSITORY), options);
  return said;
}

describe('what a publish has done is counted', () => {
  test('for a tree that is new, changes and goes', async () => {
    makeTree(site.paths.mount, TREE);
    expect(some(await publishNow())).toMatchObject({
      ...{ files_added: 7, directories_added: 4, symlinks_added: 2, catalogs_added: 3 },
      // Of equal files one is stored: the two of five bytes, and the two markers.
      ...{ chunks_added: 5, chunks_duplicated: 2, sz_bytes_added: 20 },
    });
    makeTree(site.paths.mount, { 'sw/one': 'file 644 123', 'sw/link': 'link same', other: 'file 644 now a file' });
    // By whole seconds it may have the same time still.
    utimesSync(join(site.paths.mount, 'sw'), 1, 1);
    expect(some(await publishNow())).toMatchObject({
      ...{ files_changed: 1, symlinks_changed: 1, files_added: 1, files_removed: 1, directories_removed: 1 },
      ...{ directories_changed: 1, catalogs_added: 1, sz_bytes_added: 13, sz_bytes_removed: 7 },
    });
    rmSync(join(site.paths.mount, 'sw'), { recursive: true });
    expect(some(await publishNow())).toEqual({
      ...{ files_removed: 6, directories_removed: 3, symlinks_removed: 2, sz_bytes_removed: 16, catalogs_added: 1 },
    });
  });

  test('for names of one file: each of them, and what is stored once', async () => {
    makeTree(site.paths.mount, { one: 'file 644 12345' });
    linkSync(join(site.paths.mount, 'one'), join(site.paths.mount, 'two'));
    expect(some(await publishNow())).toMatchObject({ files_added: 2, sz_bytes_added: 10, chunks_added: 1 });
  });
});

describe('the statistics of a repository', () => {
  test('are a table with a row for each publish, as cvmfs_server prints it', async () => {
    expect(printed()).toEqual([`No statistics database file for ${REPOSITORY} repository.`]);
    makeTree(site.paths.mount, { one: 'file 644 12345' });
    await publishNow();
    await publishNow();
    const [header = '', first = '', ...more] = printed();
    expect(header).toBe(
      'publish_id|start_time|finish_time|revision|files_added|files_removed|files_changed|chunks_added|chunks_duplicated|catalogs_added|directories_added|directories_removed|directories_changed|symlinks_added|symlinks_removed|symlinks_changed|sz_bytes_added|sz_bytes_removed|sz_bytes_uploaded|sz_catalog_bytes_uploaded|success',
    );
    expect(first).toMatch(
      /^1\|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\|\d{4}-.{14}\|2\|1\|0\|0\|1\|0\|1\|(0\|){6}5\|0\|13\|\d+\|1$/,
    );
    expect(more).toEqual([expect.stringMatching(/^2\|.*\|3\|0\|/)]);
    expect(printed({ separator: ' ' })[0]).toContain('publish_id start_time');
    expect(() => printed({ table: 'gc_statistics' })).toThrow(/no table "gc_statistics"/);
  });

  test('forget publishes of more than a year ago', async () => {
    await publishNow();
    const context = { ...site.context, now: () => Date.now() + 367 * 86_400_000 };
    site = { ...site, context };
    // Whitelists do not last that long.
    const { resign } = await import('../repository.ts');
    await resign(context, REPOSITORY, 30);
    await publishNow();
    expect(printed().map((row) => row.split('|')[3])).toEqual(['revision', '3']);
  });

  test('are said at the end of a publish where the site wants it', async () => {
    writeFileSync(site.paths.settings, 'CVMFS_PRINT_STATISTICS=true\n');
    makeTree(site.paths.mount, { one: 'file 644 12345' });
    await publishNow();
    expect(site.said).toEqual(
      expect.arrayContaining([
        'Name|Value|Description',
        'publish.n_files_added|1|Number of files added',
        'publish.revision|2|Published revision number',
        'publish.sz_added_bytes|5|Number of added bytes',
        expect.stringMatching(/^publish\.sz_uploaded_catalog_bytes\|\d+\|Number of uploaded catalog bytes$/),
      ]),
    );
  });

  test('are told as they were, where the publish that was writing them has died', async () => {
    await publishNow();
    const before = printed();
    const aside = join(site.directory, 'aside.db');
    copyFileSync(site.paths.statistics, aside);
    const writer = new DatabaseSync(aside);
    // Room for less than is written: so half of it is in the file, and in the journal how that was before.
    writer.exec('PRAGMA cache_size = 1; BEGIN; UPDATE publish_statistics SET revision = 99; CREATE TABLE big (x)');
    writer.exec(
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99) INSERT INTO big SELECT randomblob(999) FROM n',
    );
    for (const ending of ['', '-journal']) copyFileSync(`${aside}${ending}`, `${site.paths.statistics}${ending}`);
    writer.close();
    expect(printed()).toEqual(before);
  });

  test('that cannot be kept are a warning: what is published is published', async () => {
    writeFileSync(site.paths.statistics, 'no database, but long enough to look like a damaged one'.repeat(9));
    const before = readFileSync(site.paths.manifest);
    await publishNow();
    expect(readFileSync(site.paths.manifest)).not.toEqual(before);
    expect(site.said.join('\n')).toMatch(/Warning: the statistics of this publish are not kept: .*stats\.db/);
  });
});
