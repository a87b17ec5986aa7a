import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Context } from '../context.ts';
import { repositoryPaths } from '../paths.ts';
import { resign } from '../repository.ts';
import { makeTree, REPOSITORY, type TestSite, testSite, treeOnDisk, treePublished } from '../testing/site.ts';
import { beginTransaction } from '../verbs/begin.ts';
import { collectGarbage } from '../verbs/collect.ts';
import { makeRepository } from '../verbs/mkfs.ts';
import { publish } from '../verbs/publish.ts';
import { rollback } from '../verbs/rollback.ts';
import { addTag } from '../verbs/tags.ts';

const OTHER = 'other.icefall.example';
const PLAIN = { tag: null, description: '' };
let stranger: TestSite;
let site: TestSite;

beforeAll(async () => {
  stranger = await testSite();
  await makeRepository(stranger.context, OTHER);
});
afterAll(() => stranger.remove());
beforeEach(async () => {
  site = await testSite();
});
afterEach(() => site.remove());

/** The file of the same kind, of another repository. */
const strange = (kind: 'privateKey' | 'masterKey' | 'publicKey') => repositoryPaths(stranger.directory, OTHER)[kind];

describe('a key of another repository', () => {
  test.each<[string, (context: Context) => Promise<unknown>]>([
    ['a transaction', (context) => beginTransaction(context, REPOSITORY, '')],
    ['a tag', (context) => addTag(context, REPOSITORY, 'v1', '')],
    ['a rollback', (context) => rollback(context, REPOSITORY, 'trunk')],
    ['a collection of garbage', (context) => collectGarbage(context, REPOSITORY)],
  ])('ends %s before anything that is served is changed', async (_what, act) => {
    const served = () => [site.paths.manifest, site.paths.reflog].map((path) => readFileSync(path, 'base64'));
    const before = served();
    copyFileSync(strange('privateKey'), site.paths.privateKey);
    await expect(act(site.context)).rejects.toMatchObject({
      code: 'bad_key',
      message: expect.stringContaining(`${site.paths.privateKey} is not the key of the certificate`),
    });
    expect(served()).toEqual(before);
    expect(existsSync(site.paths.transaction)).toBe(false);
  });

  test('that came in the middle of a transaction ends its publish, which works once the right one is back', async () => {
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, { file: 'file 644 x' });
    const aside = join(site.directory, 'aside');
    renameSync(site.paths.privateKey, aside);
    copyFileSync(strange('privateKey'), site.paths.privateKey);
    await expect(publish(site.context, REPOSITORY, PLAIN)).rejects.toMatchObject({ code: 'bad_key' });
    expect(await treePublished(site)).toEqual({});
    renameSync(aside, site.paths.privateKey);
    await publish(site.context, REPOSITORY, PLAIN);
    expect(await treePublished(site)).toEqual(treeOnDisk(site.paths.mount));
  });

  test.each(['masterKey', 'publicKey'] as const)('(%s) signs no whitelist', async (kind) => {
    const before = readFileSync(site.paths.whitelist);
    copyFileSync(strange(kind), site.paths[kind]);
    await expect(resign(site.context, REPOSITORY, 10)).rejects.toMatchObject({
      code: 'bad_key',
      message: expect.stringContaining('is not the master key of'),
    });
    expect(readFileSync(site.paths.whitelist)).toEqual(before);
  });
});

test.each<[string, (path: string) => void]>([
  ['is missing', (path) => rmSync(path)],
  ['is no key', (path) => writeFileSync(path, 'secret')],
])('a key that %s is named', async (_what, damage) => {
  damage(site.paths.masterKey);
  await expect(resign(site.context, REPOSITORY, 10)).rejects.toMatchObject({
    code: 'bad_key',
    message: expect.stringContaining(site.paths.masterKey),
  });
});

describe('where keys are there before the repository is', () => {
  const { privateKey, certificate, masterKey, publicKey } = repositoryPaths('', OTHER);
  /** A stratum 0 with some of the keys that another one has made. */
  function withKeys(...kept: string[]): TestSite {
    mkdirSync(join(site.directory, 'keys'), { recursive: true });
    for (const path of kept) copyFileSync(join(stranger.directory, path), join(site.directory, path));
    return site;
  }

  test('each other half is made from them', async () => {
    const { context, directory } = withKeys(privateKey, masterKey);
    await makeRepository(context, OTHER);
    for (const path of [privateKey, masterKey, publicKey])
      expect(readFileSync(join(directory, path), 'utf8')).toBe(readFileSync(join(stranger.directory, path), 'utf8'));
    await beginTransaction(context, OTHER, '');
  });

  test.each([[publicKey], [certificate]])('%s alone is not replaced', async (path) => {
    const { context, directory } = withKeys(path);
    await expect(makeRepository(context, OTHER)).rejects.toMatchObject({ code: 'bad_key' });
    expect(readFileSync(join(directory, path))).toEqual(readFileSync(join(stranger.directory, path)));
  });
});
