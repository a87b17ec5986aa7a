import { existsSync, linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTree, REPOSITORY, type TestSite, testSite } from './testing/site.ts';
import { beginTransaction } from './verbs/begin.ts';
import { checkRepository } from './verbs/check.ts';
import { collectGarbage } from './verbs/collect.ts';
import { publish } from './verbs/publish.ts';

/** Two chunks, quickly compressed. */
const LARGE = 17_000_000;

/**
 * A repository with every kind of object: whole files and chunks, nested catalogs two deep, hard links, two revisions with a
 * name of which the older has files, chunks and catalogs of its own. Garbage is collected: whatever lies there is needed.
 */
async function fullSite(): Promise<TestSite> {
  const site = await testSite();
  const at = (path: string) => join(site.paths.mount, path);
  const commit = (tag: string) => publish(site.context, REPOSITORY, { tag, description: tag });
  await beginTransaction(site.context, REPOSITORY, '');
  makeTree(site.paths.mount, {
    ...{ one: 'file 644 one', link: 'link one', sub: 'dir 755', 'sub/.cvmfscatalog': 'file 644 ' },
    ...{
      'sub/two': 'file 644 two',
      'sub/in': 'dir 755',
      'sub/in/.cvmfscatalog': 'file 644 ',
      'sub/in/old': 'file 644 old',
    },
  });
  linkSync(at('one'), at('other'));
  writeFileSync(at('large'), Buffer.alloc(LARGE, 'v1'));
  await commit('v1');
  await beginTransaction(site.context, REPOSITORY, '');
  rmSync(at('sub/in/old'));
  writeFileSync(at('large'), Buffer.alloc(LARGE, 'v2'));
  makeTree(site.paths.mount, { 'sub/two': 'file 644 changed' });
  await commit('v2');
  await collectGarbage({ ...site.context, now: () => Date.now() + 5 * 86_400_000 }, REPOSITORY);
  return site;
}

const DAMAGES: readonly (readonly [string, (path: string, sound: Buffer) => void])[] = [
  ['is missing', (path) => rmSync(path)],
  ['is empty', (path) => writeFileSync(path, '')],
  ['ends too early', (path, sound) => writeFileSync(path, sound.subarray(0, -1))],
  ['has a bit flipped', (path, sound) => writeFileSync(path, flipped(sound, sound.length >> 1))],
  ['holds something else', (path) => writeFileSync(path, deflateSync('something else'))],
];

function flipped(sound: Buffer, at: number): Buffer {
  const damaged = Buffer.from(sound);
  damaged[at] = (damaged[at] ?? 0) ^ 1;
  return damaged;
}

describe('check finds', () => {
  let site: TestSite;
  beforeAll(async () => {
    site = await fullSite();
  });
  afterAll(() => site.remove());

  /** Null: nothing is wrong. */
  const verdict = () =>
    checkRepository(site.context, REPOSITORY).then(
      () => null,
      (error: { readonly code?: string }) => error.code ?? String(error),
    );

  /** Damages a file, and puts it back. */
  async function verdictWith(path: string, damage: (path: string, sound: Buffer) => void): Promise<string | null> {
    const aside = `${path}.aside`;
    const sound = readFileSync(path);
    renameSync(path, aside);
    writeFileSync(path, sound);
    try {
      damage(path, sound);
      return await verdict();
    } finally {
      renameSync(aside, path);
    }
  }

  const objects = () =>
    readdirSync(site.paths.served, { recursive: true, encoding: 'utf8' })
      .filter((name) => /^data\/..\/.{38}/.test(name))
      .sort();

  test('nothing in what is whole, which has every kind of object', async () => {
    expect(await verdict()).toBeNull();
    const kinds = new Set(objects().map((name) => name.replace(/^.*[0-9a-f]/, '')));
    expect([...kinds].sort()).toEqual(['', 'C', 'H', 'M', 'P', 'X']);
  });

  test.each(DAMAGES)('every object that %s', async (_what, damage) => {
    const unfound: string[] = [];
    for (const name of objects())
      if ((await verdictWith(join(site.paths.served, name), damage)) === null) unfound.push(name);
    expect(unfound).toEqual([]);
  });

  test('every changed line, and every changed signature, of manifest and whitelist', async () => {
    for (const path of [site.paths.manifest, site.paths.whitelist]) {
      const sound = readFileSync(path);
      const places = [...sound.subarray(0, sound.indexOf('--\n')).entries()].filter(([, byte]) => byte === 0x0a);
      for (const at of [...places.map(([place]) => place - 1), sound.indexOf('--\n') + 5, sound.length - 1])
        expect([path, at, await verdictWith(path, () => writeFileSync(path, flipped(sound, at)))]).toEqual([
          path,
          at,
          expect.stringMatching(/^(bad_|damaged_|missing_)/),
        ]);
      expect(await verdictWith(path, () => rmSync(path))).toMatch(/^(bad_manifest|missing_object)$/);
    }
  });

  test('a log of references that is damaged or gone', async () => {
    const { reflog } = site.paths;
    expect(await verdictWith(reflog, () => rmSync(reflog))).toBe('check_failed');
    expect(await verdictWith(reflog, (path, sound) => writeFileSync(path, flipped(sound, 5000)))).toBe('check_failed');
    expect(await verdictWith(reflog, (path) => writeFileSync(path, 'no database'))).toBe('check_failed');
  });

  test('a public key, and a whitelist, that are of another repository', async () => {
    const other = await testSite();
    try {
      const { publicKey } = site.paths;
      const another = readFileSync(join(other.directory, 'keys', `${REPOSITORY}.crt`));
      expect(existsSync(publicKey)).toBe(true);
      expect(await verdictWith(publicKey, (path) => writeFileSync(path, another))).toMatch(/^bad_/);
      expect(await verdictWith(publicKey, (path) => writeFileSync(path, 'no key'))).toMatch(/^bad_key$/);
    } finally {
      other.remove();
    }
  });
});
