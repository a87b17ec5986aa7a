import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realContext } from '../context.ts';
import { realDisk } from '../disk.ts';
import { repositoryPaths } from '../paths.ts';
import { entriesOnDisk, withNamedLinks } from '../testing/disk-tree.ts';
import { Death, dyingDisk } from '../testing/dying-disk.ts';
import { readRepository } from '../testing/reader/repository.ts';
import {
  makeTree,
  REPOSITORY,
  siteAt,
  type TestSite,
  temporaryDirectory,
  testSite,
  treeOnDisk,
} from '../testing/site.ts';
import { STOCK_TIME, stockRepository } from '../testing/stock.ts';
import { beginTransaction } from './begin.ts';
import { checkRepository } from './check.ts';
import { importRepository } from './import.ts';
import { publish } from './publish.ts';

const PLAIN = { tag: null, description: '' };
const AS_IT_IS = { keys: null, signsWhitelist: false, makesKey: false };

describe('import', () => {
  let site: TestSite;
  /** Where the repository comes from: its store and keys only. */
  let old: TestSite;
  beforeEach(async () => {
    old = await testSite();
    await beginTransaction(old.context, REPOSITORY, '');
    makeTree(old.paths.mount, {
      kept: 'file 640 same',
      dir: 'dir 750',
      'dir/.cvmfscatalog': 'file 644 ',
      link: 'link kept',
    });
    await publish(old.context, REPOSITORY, { tag: 'v1', description: '' });
    site = siteAt(temporaryDirectory());
    cpSync(old.paths.served, site.paths.served, { recursive: true });
  });
  afterEach(() => {
    old.remove();
    site.remove();
  });
  const keys = () => join(old.directory, 'keys');
  const read = () => readRepository(site.paths.served, readFileSync(site.paths.publicKey, 'utf8'), new Date());

  /** The repository can be worked with from here on. */
  async function goOn(): Promise<void> {
    expect(treeOnDisk(site.paths.mount)).toEqual(treeOnDisk(old.paths.mount));
    await checkRepository(site.context, REPOSITORY);
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, { later: 'file 644 later' });
    expect((await publish(site.context, REPOSITORY, PLAIN))?.filesRead).toBe(1);
    expect(withNamedLinks(read().tree().entries)).toEqual(entriesOnDisk(site.paths.mount));
    await checkRepository(site.context, REPOSITORY);
  }

  test('takes over store, keys and tree, and goes on from there', async () => {
    await importRepository(site.context, REPOSITORY, { ...AS_IT_IS, keys: keys() });
    expect(read().fields.get('S')).toBe('2');
    await goOn();
    expect(read().tags.map(({ name }) => name)).toContain('v1');
    await expect(importRepository(site.context, REPOSITORY, AS_IT_IS)).rejects.toMatchObject({
      code: 'repository_exists',
    });
  });

  test('makes a new whitelist and a new key on request', async () => {
    rmSync(site.paths.whitelist);
    const before = readFileSync(join(keys(), `${REPOSITORY}.crt`), 'utf8');
    await importRepository(site.context, REPOSITORY, { keys: keys(), signsWhitelist: true, makesKey: true });
    expect(readFileSync(site.paths.certificate, 'utf8')).not.toBe(before);
    await goOn();
  });

  test('can die anywhere and be done again', async () => {
    for (let calls = 0, isDone = false; !isDone; calls += calls > 255 && calls < 520 ? 51 : calls > 12 ? 7 : 1) {
      const next = siteAt(temporaryDirectory());
      cpSync(old.paths.served, next.paths.served, { recursive: true });
      const options = { ...AS_IT_IS, keys: keys(), signsWhitelist: true };
      try {
        await importRepository({ ...next.context, disk: dyingDisk(realDisk, calls) }, REPOSITORY, options);
        isDone = true;
      } catch (error) {
        expect(error).toBeInstanceOf(Death);
        await importRepository(next.context, REPOSITORY, options).catch((again: unknown) => {
          // Nothing but the end of the transaction was left to do.
          expect(again).toMatchObject({ code: 'repository_exists' });
        });
      }
      expect(treeOnDisk(next.paths.mount)).toEqual(treeOnDisk(old.paths.mount));
      await beginTransaction(next.context, REPOSITORY, '');
      next.remove();
    }
  }, 120_000);

  test.each([
    ['there is no repository', 'no_repository', () => rmSync(site.paths.manifest)],
    ['a key is missing', 'bad_key', () => rmSync(join(keys(), `${REPOSITORY}.key`))],
    [
      'the key is another',
      'bad_key',
      () => renameSync(join(keys(), `${REPOSITORY}.masterkey`), join(keys(), `${REPOSITORY}.key`)),
    ],
    ['the manifest was changed', 'bad_signature', () => writeFileSync(site.paths.manifest, 'Cnothing\n--\n')],
  ])('refuses when %s, and changes nothing that is served', async (_, code, damage) => {
    damage();
    await expect(importRepository(site.context, REPOSITORY, { ...AS_IT_IS, keys: keys() })).rejects.toMatchObject({
      code,
    });
    expect(existsSync(site.paths.mount)).toBe(false);
  });

  test('refuses a new key without a new whitelist', async () => {
    const options = { keys: keys(), signsWhitelist: false, makesKey: true };
    await expect(importRepository(site.context, REPOSITORY, options)).rejects.toMatchObject({ code: 'usage' });
  });
});

test('takes over what the stock tools made, under keys of its own, and publishes on top of it', async () => {
  const stock = stockRepository();
  const keys = await testSite();
  const site = siteAt(temporaryDirectory());
  const name = 'sample.icefall.example';
  try {
    for (const ending of ['masterkey', 'pub'])
      cpSync(join(keys.directory, 'keys', `${REPOSITORY}.${ending}`), join(keys.directory, `${name}.${ending}`));
    cpSync(stock.directory, join(site.directory, 'srv', name), { recursive: true });
    const context = realContext(site.directory, 'test', () => {});
    const later = { ...context, now: () => Date.now() + 60_000 };
    await importRepository(context, name, { keys: keys.directory, signsWhitelist: true, makesKey: true });
    await checkRepository(context, name);
    const paths = repositoryPaths(site.directory, name);
    const read = () => readRepository(paths.served, readFileSync(paths.publicKey, 'utf8'), new Date());
    const theirs = readRepository(stock.directory, stock.masterKey, STOCK_TIME).tree().entries;
    expect(withNamedLinks(read().tree().entries)).toEqual(withNamedLinks(theirs));
    // Only root can give files to those who had them.
    if (process.getuid?.() === 0) expect(entriesOnDisk(paths.mount)).toEqual(withNamedLinks(theirs));
    await beginTransaction(later, name, '');
    writeFileSync(join(paths.mount, 'nested', 'added'), 'ours');
    expect((await publish(later, name, PLAIN))?.filesRead).toBe(1);
    await checkRepository(later, name);
    if (process.getuid?.() === 0) expect(withNamedLinks(read().tree().entries)).toEqual(entriesOnDisk(paths.mount));
    expect(read().tags.map((tag) => tag.name)).toEqual(expect.arrayContaining(['first', 'second']));
  } finally {
    site.remove();
    keys.remove();
    stock.remove();
  }
});
