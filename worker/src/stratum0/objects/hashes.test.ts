import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repositoryPaths } from '../paths.ts';
import { readPublished } from '../published.ts';
import { entriesOnDisk, withNamedLinks } from '../testing/disk-tree.ts';
import { readRepository } from '../testing/reader/repository.ts';
import { makeTree, testSite } from '../testing/site.ts';
import { readPublicKey } from '../trust/keys.ts';
import { beginTransaction } from '../verbs/begin.ts';
import { checkRepository } from '../verbs/check.ts';
import { collectGarbage } from '../verbs/collect.ts';
import { makeRepository } from '../verbs/mkfs.ts';
import { publish } from '../verbs/publish.ts';
import { rollback } from '../verbs/rollback.ts';
import { addTag } from '../verbs/tags.ts';
import { algorithmOf, contentHash, HASH_ALGORITHMS } from './hashes.ts';

// Of "abc": FIPS 180, the page of RIPEMD-160's authors, and 20 bytes of SHAKE-128.
test.each([
  ['sha1', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['rmd160', '8eb208f7e05d987a9b044a8e98c6b087f15a0bfc-rmd160'],
  ['shake128', '5881092dd818bf5cf8a3ddb793fbcba74097d5c5-shake128'],
] as const)('%s names its hashes', (algorithm, hash) => {
  expect(contentHash(algorithm, Buffer.from('abc'))).toBe(hash);
  expect(algorithmOf(hash)).toBe(algorithm);
});

describe.each(HASH_ALGORITHMS.slice(1))('a repository with %s', (algorithm) => {
  test('is published, read, checked, tagged, rolled back and collected', async () => {
    const site = await testSite();
    const name = 'hashed.icefall.example';
    const { context } = site;
    try {
      await makeRepository(context, name, algorithm);
      const paths = repositoryPaths(site.directory, name);
      await beginTransaction(context, name, '');
      makeTree(paths.mount, {
        dir: 'dir 755',
        'dir/.cvmfscatalog': 'file 644 ',
        'dir/f': 'file 644 f',
        link: 'link dir/f',
      });
      writeFileSync(join(paths.mount, 'large'), randomBytes(20_000_000));
      await publish(context, name, { tag: 'v1', description: '' });
      await beginTransaction(context, name, '');
      rmSync(join(paths.mount, 'large'));
      await publish(context, name, { tag: null, description: '' });
      await rollback(context, name, 'v1');
      await addTag(context, name, 'v3', '');
      await collectGarbage({ ...context, now: () => Date.now() + 10 * 86_400_000 }, name);
      await checkRepository(context, name);
      const read = readRepository(paths.served, readFileSync(paths.publicKey, 'utf8'), new Date());
      expect(withNamedLinks(read.tree().entries)).toEqual(entriesOnDisk(paths.mount));
      expect(read.fields.get('Y')).toBe(read.reflogHash);
      for (const letter of ['C', 'X', 'H', 'M', 'Y'])
        expect(algorithmOf(read.fields.get(letter) ?? '')).toBe(algorithm);
      for (const tag of read.tags) expect(algorithmOf(tag.root)).toBe(algorithm);
      const data = join(paths.served, 'data');
      for (const file of readdirSync(data).flatMap((directory) => readdirSync(join(data, directory))))
        expect(file).toMatch(new RegExp(`^[0-9a-f]{38}-${algorithm}[A-Z]?$`));
      for await (const entry of readPublished(paths.served, await readPublicKey(paths.publicKey)))
        expect(existsSync(join(paths.mount, entry.path))).toBe(true);
    } finally {
      site.remove();
    }
  }, 60_000);
});
