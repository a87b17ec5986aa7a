import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { beginTransaction } from './begin.ts';
import { checkRepository } from './check.ts';
import { objectName } from './object-store.ts';
import { publish } from './publish.ts';
import { currentManifest, openServed } from './repository.ts';
import { makeTree, REPOSITORY, type TestSite, testSite } from './testing/site.ts';

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
