import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openServed } from '../repository.ts';
import {
  makeTree,
  REPOSITORY,
  type TestSite,
  type Tree,
  testSite,
  treeOnDisk,
  treePublished,
} from '../testing/site.ts';
import { abort } from '../verbs/abort.ts';
import { beginTransaction } from '../verbs/begin.ts';
import { type PublishOptions, publish } from '../verbs/publish.ts';
import { mirrorOf } from './mirror.ts';
import { lookOut, type Outlook } from './outlook.ts';

const PACKAGES: Tree = {
  ...{ sw: 'dir 755', 'sw/a': 'dir 755', 'sw/a/f': 'file 644 a', 'sw/b': 'dir 755', 'sw/b/f': 'file 644 b' },
  ...{ 'sw/b/c': 'dir 755', 'sw/b/c/g': 'file 644 g', new: 'dir 755' },
};
const DIRECTORIES = ['', 'sw', 'sw/a', 'sw/b', 'sw/b/c', 'new'];

let site: TestSite;
beforeEach(async () => {
  site = await testSite();
  await beginTransaction(site.context, REPOSITORY, '');
  makeTree(site.paths.mount, PACKAGES);
  await publishNow();
});
afterEach(() => site.remove());

async function publishNow(options: Partial<PublishOptions> = {}): Promise<void> {
  await publish(site.context, REPOSITORY, { tag: null, description: '', ...options });
  await beginTransaction(site.context, REPOSITORY, '');
}

async function outlook(options: Partial<PublishOptions> = {}): Promise<Outlook> {
  const index = await mirrorOf(site.context, site.paths, await openServed(site.context, site.paths));
  try {
    return await lookOut({ paths: site.paths, index, scope: '' }, options);
  } finally {
    index.close();
  }
}

/** The directories that a publish would list. */
async function listed(): Promise<string[]> {
  const { isSettled } = await outlook();
  return DIRECTORIES.filter((path) => !isSettled(path));
}

describe('a publish lists the names', () => {
  test('of the root only, after a publish that has seen everything', async () => {
    expect(await listed()).toEqual(['']);
  });

  test('of directories in which something changed, once', async () => {
    appendFileSync(join(site.paths.mount, 'sw/b/c/g'), 'more');
    expect(await listed()).toEqual(['', 'sw/b/c']);
    makeTree(site.paths.mount, { 'sw/a/new': 'file 644 n' });
    expect(await listed()).toEqual(['', 'sw', 'sw/a', 'sw/b/c']);
    await publishNow();
    expect(await treePublished(site)).toEqual(treeOnDisk(site.paths.mount));
    expect(await listed()).toEqual(['']);
  });

  test('of directories with what was changed so shortly before that it could change again unseen', async () => {
    site = { ...site, context: { ...site.context, now: () => Date.now() } };
    appendFileSync(join(site.paths.mount, 'sw/a/f'), 'more');
    await publishNow();
    expect(await listed()).toEqual(['', 'sw/a']);
  });

  test('of directories that were left out of a list of changes, or were on it', async () => {
    makeTree(site.paths.mount, { 'sw/a/f': 'file 644 said', 'sw/b/c/g': 'file 644 unsaid' });
    await publishNow({ changed: ['sw/a/f'] });
    expect(await listed()).toEqual(expect.arrayContaining(['', 'sw/a', 'sw/b/c']));
    await publishNow();
    expect(await treePublished(site)).toEqual(treeOnDisk(site.paths.mount));
    expect(await listed()).toEqual(['']);
  });

  test('of directories that an abort has put back', async () => {
    makeTree(site.paths.mount, { 'sw/a/f': 'file 644 dropped' });
    await abort(site.context, REPOSITORY);
    await beginTransaction(site.context, REPOSITORY, '');
    expect(await listed()).toEqual(expect.arrayContaining(['', 'sw/a']));
    expect(await listed()).not.toContain('sw/b/c');
    await publishNow();
    expect(await listed()).toEqual(['']);
  });

  test('everywhere where rules for nested catalogs are new, also if a list of changes told so before', async () => {
    makeTree(site.paths.mount, { '.cvmfsdirtab': 'file 644 /sw/a\n' });
    expect((await outlook()).place.look).toBe('all');
    await publishNow();
    expect(Object.keys(await treePublished(site))).toContain('sw/a/.cvmfscatalog');
    // The marker was put after the survey.
    expect(await listed()).toEqual(['', 'sw', 'sw/a']);
    makeTree(site.paths.mount, { '.cvmfsdirtab': 'file 644 /sw/a\n/sw/b/c\n' });
    await publishNow({ changed: ['.cvmfsdirtab'] });
    expect(await listed()).toEqual(DIRECTORIES);
    await publishNow();
    expect(Object.keys(await treePublished(site))).toContain('sw/b/c/.cvmfscatalog');
  });

  test('everywhere where catalogs are to be split by weight, and where there is no program to survey with', async () => {
    expect((await outlook({ weights: { most: 10, least: 1 } })).place.look).toBe('all');
    const { PATH } = process.env;
    process.env.PATH = '/nowhere';
    try {
      expect(await outlook()).toMatchObject({ place: { look: 'all' }, survey: null });
      makeTree(site.paths.mount, { 'sw/a/f': 'file 644 without' });
      await publishNow();
    } finally {
      process.env.PATH = PATH;
    }
    expect(await treePublished(site)).toEqual(treeOnDisk(site.paths.mount));
  });
});
