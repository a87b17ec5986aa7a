import { execFileSync } from 'node:child_process';
import { appendFileSync, linkSync, renameSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytePath } from '../byte-path.ts';
import { readPublished } from '../published.ts';
import { currentManifest, keyOfManifest, openServed, repositoryNames, writeManifest } from '../repository.ts';
import {
  makeTree,
  REPOSITORY,
  revisionOf,
  type TestSite,
  type Tree,
  testSite,
  treeOnDisk,
  treePublished,
} from '../testing/site.ts';
import { readPublicKey } from '../trust/keys.ts';
import { abort } from './abort.ts';
import { beginTransaction } from './begin.ts';
import { checkRepository } from './check.ts';
import { publish } from './publish.ts';

const PLAIN = { tag: null, description: '' };
const TREE: Tree = {
  bin: 'dir 755',
  'bin/tool': 'file 4755 #!/bin/sh',
  'bin/alias': 'link tool',
  empty: 'dir 1777',
  'empty file': 'file 640 ',
  'name with "quotes", % and \n line end': 'file 600 strange',
  'Käse-日本': 'file 444 read only',
  dangling: 'link /nowhere/$(ARCH)/x',
};

describe('publish', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await testSite();
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, TREE);
  });
  afterEach(() => site.remove());

  test('publishes files, modes, symbolic links, empty directories and strange names as they are', async () => {
    await publish(site.context, REPOSITORY, PLAIN);
    expect(await treePublished(site)).toEqual(TREE);
    expect(treeOnDisk(site.paths.mount)).toEqual(TREE);
  });

  test('keeps modification times to the second, as the stock tools do', async () => {
    const path = join(site.paths.mount, 'bin/tool');
    execFileSync('touch', ['-d', '2001-02-03T04:05:06.123456789Z', path]);
    await publish(site.context, REPOSITORY, PLAIN);
    const entries = await (await openServed(site.context, site.paths)).entries();
    expect(entries.find((entry) => entry.path === 'bin/tool')?.mtime).toBe(981173106);
  });

  test('never dates a revision before the one it follows, though the clock was set back', async () => {
    await publish(site.context, REPOSITORY, PLAIN);
    const before = await currentManifest(site.paths);
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, { later: 'file 644 later' });
    const back = { ...site.context, now: () => site.context.now() - 3_600_000 };
    await publish(back, REPOSITORY, PLAIN);
    const after = await currentManifest(site.paths);
    expect([after.revision, after.publishedAt]).toEqual([before.revision + 1, before.publishedAt]);
  });

  test('keeps the time to live that the repository has', async () => {
    const before = await currentManifest(site.paths);
    const key = await keyOfManifest(site.paths, before);
    await writeManifest(site.context, site.paths, { ...before, ttlSeconds: 900 }, key);
    await publish(site.context, REPOSITORY, PLAIN);
    expect((await currentManifest(site.paths)).ttlSeconds).toBe(900);
    const root = await (await openServed(site.context, site.paths)).catalog();
    expect(root.property('TTL')).toBe('900');
    root.close();
  });

  test('publishes names that are not UTF-8', async () => {
    const name = Buffer.from([0x66, 0xff, 0xfe]);
    writeFileSync(Buffer.concat([Buffer.from(`${site.paths.mount}/`), name]), 'bytes');
    await publish(site.context, REPOSITORY, PLAIN);
    const found = [];
    for await (const entry of readPublished(site.paths.served, await readPublicKey(site.paths.publicKey)))
      if (entry.pathBytes.equals(name)) found.push(entry.content?.toString());
    expect(found).toEqual(['bytes']);
  });

  test('reads only what changed since the last revision', async () => {
    await publish(site.context, REPOSITORY, PLAIN);
    await beginTransaction(site.context, REPOSITORY, '');
    appendFileSync(join(site.paths.mount, 'bin/tool'), '\nexit 1');
    const second = await publish(site.context, REPOSITORY, PLAIN);
    expect(second?.filesRead).toBe(1);
    expect((await treePublished(site))['bin/tool']).toBe('file 4755 #!/bin/sh\nexit 1');
  });

  test('sees a change that kept size and modification time', async () => {
    await publish(site.context, REPOSITORY, PLAIN);
    await beginTransaction(site.context, REPOSITORY, '');
    const path = join(site.paths.mount, 'Käse-日本');
    const { atime, mtime } = statSync(path);
    writeFileSync(`${path}.new`, 'READ ONLY', { mode: 0o444 });
    utimesSync(`${path}.new`, atime, mtime);
    renameSync(`${path}.new`, path);
    await publish(site.context, REPOSITORY, PLAIN);
    expect((await treePublished(site))['Käse-日本']).toBe('file 444 READ ONLY');
  });

  test('publishes removals, and a directory that became a file', async () => {
    await publish(site.context, REPOSITORY, PLAIN);
    await beginTransaction(site.context, REPOSITORY, '');
    unlinkSync(join(site.paths.mount, 'dangling'));
    makeTree(site.paths.mount, { bin: 'file 644 not a directory now' });
    await publish(site.context, REPOSITORY, PLAIN);
    const tree = await treePublished(site);
    expect(tree.bin).toBe('file 644 not a directory now');
    expect(Object.keys(tree).filter((path) => path.startsWith('bin/') || path === 'dangling')).toEqual([]);
  });

  test('stores equal content once and large files as a stream', async () => {
    const large = 'x'.repeat(5 * 1024 * 1024);
    makeTree(site.paths.mount, { one: `file 644 ${large}`, two: `file 644 ${large}`, three: 'file 644 #!/bin/sh' });
    await publish(site.context, REPOSITORY, PLAIN);
    const entries = await (await openServed(site.context, site.paths)).entries();
    const hashOf = (path: string) => entries.find((entry) => entry.path === path)?.hash;
    expect(hashOf('one')).toBe(hashOf('two'));
    expect(hashOf('three')).toBe(hashOf('bin/tool'));
    expect((await treePublished(site)).one).toBe(`file 644 ${large}`);
  });

  test('counts revisions up and lists named ones', async () => {
    await publish(site.context, REPOSITORY, { tag: 'v1', description: 'The first' });
    await beginTransaction(site.context, REPOSITORY, '');
    await publish(site.context, REPOSITORY, PLAIN);
    expect(await revisionOf(site)).toBe(3);
    const tags = await (await openServed(site.context, site.paths)).tags();
    expect(tags.map((tag) => `${tag.name} ${tag.revision}`)).toEqual([
      expect.stringMatching(/^generic-.*Z 3$/),
      'trunk 3',
      'trunk-previous 2',
      'v1 2',
      expect.stringMatching(/^generic-.*Z 1$/),
    ]);
    await beginTransaction(site.context, REPOSITORY, '');
    await expect(publish(site.context, REPOSITORY, { tag: 'v1', description: '' })).rejects.toThrow('already in use');
  });

  test('refuses what a repository cannot hold, naming it, and leaves the old revision and the transaction', async () => {
    execFileSync('mkfifo', [join(site.paths.mount, 'bin/pipe')]);
    await expect(publish(site.context, REPOSITORY, PLAIN)).rejects.toMatchObject({
      code: 'unsupported_file',
      message: expect.stringContaining('bin/pipe'),
    });
    expect(await revisionOf(site)).toBe(1);
    rmSync(join(site.paths.mount, 'bin/pipe'));
    // What the stock tools take for a file with content that is stored elsewhere would be published without it.
    const graft = join(site.paths.mount, 'bin/.cvmfsgraft-tool');
    writeFileSync(graft, `size=1\nchecksum=${'a'.repeat(40)}\n`);
    await expect(publish(site.context, REPOSITORY, PLAIN)).rejects.toMatchObject({
      code: 'unsupported_file',
      message: expect.stringContaining('bin/.cvmfsgraft-tool'),
    });
    rmSync(graft);
    await publish(site.context, REPOSITORY, PLAIN);
    expect(await treePublished(site)).toEqual(TREE);
  });

  test('looks only at the path of the transaction; what changed elsewhere waits for a publish that looks there', async () => {
    await publish(site.context, REPOSITORY, PLAIN);
    await beginTransaction(site.context, REPOSITORY, 'new/area');
    makeTree(site.paths.mount, {
      ...{ new: 'dir 755', 'new/area': 'dir 755', 'new/area/x': 'file 644 x' },
      ...{ 'new/other': 'dir 755', 'bin/tool': 'file 644 other', dropped: 'dir 755', 'dropped/y': 'file 644 y' },
    });
    await publish(site.context, REPOSITORY, PLAIN);
    const inside = { new: 'dir 755', 'new/area': 'dir 755', 'new/area/x': 'file 644 x' };
    expect(await treePublished(site)).toEqual({ ...TREE, ...inside });
    await checkRepository(site.context, REPOSITORY);
    await beginTransaction(site.context, REPOSITORY, '');
    await publish(site.context, REPOSITORY, PLAIN);
    expect(await treePublished(site)).toEqual(treeOnDisk(site.paths.mount));
    await checkRepository(site.context, REPOSITORY);
  });

  test('looks only at the paths that are said to have changed, at their neighbours, and at all below new directories', async () => {
    await publish(site.context, REPOSITORY, PLAIN);
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, {
      ...{ 'bin/tool': 'file 644 said', 'bin/alias': 'link neighbour', 'empty file': 'file 600 unsaid' },
      ...{ 'empty/new': 'dir 755', 'empty/new/deep': 'dir 755', 'empty/new/deep/x': 'file 644 x' },
    });
    unlinkSync(join(site.paths.mount, 'dangling'));
    await publish(site.context, REPOSITORY, {
      ...PLAIN,
      changed: ['bin/tool', './empty/', 'gone/for/good'].map(bytePath),
    });
    const { 'empty file': unsaid = '', ...others } = treeOnDisk(site.paths.mount);
    expect(unsaid).toContain('unsaid');
    expect(await treePublished(site)).toEqual({ ...others, 'empty file': 'file 640 ', dangling: TREE.dangling });
    await checkRepository(site.context, REPOSITORY);
    await beginTransaction(site.context, REPOSITORY, '');
    await publish(site.context, REPOSITORY, PLAIN);
    expect(await treePublished(site)).toEqual(treeOnDisk(site.paths.mount));
  });

  test('looks for nothing where no file can be that is said to have changed', async () => {
    makeTree(site.paths.mount, { f: 'file 644 f' });
    await publish(site.context, REPOSITORY, { ...PLAIN, changed: ['f', 'x'.repeat(256), `f/${'y/'.repeat(3000)}`] });
    expect(await treePublished(site)).toMatchObject({ f: 'file 644 f' });
  });

  test('keeps a group of hard links one group when its names change and their number does not', async () => {
    const at = (name: string) => join(site.paths.mount, 'bin', name);
    linkSync(at('tool'), at('other'));
    await publish(site.context, REPOSITORY, PLAIN);
    await beginTransaction(site.context, REPOSITORY, '');
    renameSync(at('other'), at('renamed'));
    await publish(site.context, REPOSITORY, PLAIN);
    await checkRepository(site.context, REPOSITORY);
    const entries = await (await openServed(site.context, site.paths)).entries();
    const groups = ['bin/renamed', 'bin/tool'].map((name) => entries.find(({ path }) => path === name)?.linkGroup);
    expect(new Set(groups).size).toBe(1);
  });

  test('keeps groups of hard links whole when only one of their names is said', async () => {
    await publish(site.context, REPOSITORY, PLAIN);
    await beginTransaction(site.context, REPOSITORY, '');
    linkSync(join(site.paths.mount, 'bin/tool'), join(site.paths.mount, 'bin/twin'));
    await publish(site.context, REPOSITORY, { ...PLAIN, changed: [bytePath('bin/twin')] });
    await checkRepository(site.context, REPOSITORY);
    await beginTransaction(site.context, REPOSITORY, 'bin/twin');
    unlinkSync(join(site.paths.mount, 'bin/twin'));
    await expect(publish(site.context, REPOSITORY, PLAIN)).rejects.toMatchObject({ code: 'outside_path' });
    await publish(site.context, REPOSITORY, { ...PLAIN, changed: [] });
    await beginTransaction(site.context, REPOSITORY, '');
    await publish(site.context, REPOSITORY, PLAIN);
    expect(await treePublished(site)).toEqual(TREE);
    await checkRepository(site.context, REPOSITORY);
  });

  test('refuses paths that are said to have changed outside the path of the transaction', async () => {
    await abort(site.context, REPOSITORY);
    await beginTransaction(site.context, REPOSITORY, 'a');
    makeTree(site.paths.mount, { a: 'dir 755', b: 'file 644 b' });
    const changed = ['a', 'b'].map(bytePath);
    await expect(publish(site.context, REPOSITORY, { ...PLAIN, changed })).rejects.toMatchObject({
      code: 'outside_path',
      message: expect.stringContaining('b was changed'),
    });
  });

  test('refuses a second transaction, saying whose the first is and since when', async () => {
    await expect(beginTransaction({ ...site.context, owner: 'build 7' }, REPOSITORY, '')).rejects.toMatchObject({
      code: 'in_transaction',
      exitCode: 17,
      message: expect.stringMatching(/opened by a tester on host .* at \d{4}-/),
    });
  });

  test('lets one of two publishers at once through and refuses the other', async () => {
    const ends = await Promise.allSettled([
      publish(site.context, REPOSITORY, PLAIN),
      publish(site.context, REPOSITORY, PLAIN),
    ]);
    const refused = ends.filter((end) => end.status === 'rejected');
    expect(refused.map((end) => end.reason.code)).toEqual(['busy']);
    expect(await revisionOf(site)).toBe(2);
    expect(await treePublished(site)).toEqual(TREE);
  });

  test('refuses to begin or publish under an expired whitelist', async () => {
    const later = { ...site.context, now: () => Date.now() + 31 * 86_400_000 };
    await expect(publish(later, REPOSITORY, PLAIN)).rejects.toMatchObject({ code: 'whitelist_expired' });
    await abort(site.context, REPOSITORY);
    await expect(beginTransaction(later, REPOSITORY, '')).rejects.toMatchObject({ code: 'whitelist_expired' });
  });

  test('knows its repositories', () => {
    expect(repositoryNames(site.context)).toEqual([REPOSITORY]);
  });
});
