import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { realDisk } from './disk.ts';
import { dyingDisk } from './testing/dying-disk.ts';
import { readRepository } from './testing/reader/repository.ts';
import {
  makeTree,
  REPOSITORY,
  revisionOf,
  siteAt,
  type TestSite,
  testSite,
  treeOnDisk,
  treePublished,
} from './testing/site.ts';
import { beginTransaction } from './verbs/begin.ts';
import { checkRepository } from './verbs/check.ts';
import { publish } from './verbs/publish.ts';

const PLAIN = { tag: null, description: '' };

function full(): never {
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}

function verify(site: TestSite): void {
  readRepository(site.paths.served, readFileSync(site.paths.publicKey, 'utf8'), new Date()).tree();
}

test('a disk that is full at any write of a publish leaves what is served whole, and the same publish works later', async () => {
  for (let calls = 0, isDone = false; !isDone; calls += 1) {
    const site = await testSite();
    try {
      await beginTransaction(site.context, REPOSITORY, '');
      makeTree(site.paths.mount, { a: 'dir 755', 'a/.cvmfscatalog': 'file 644 ', 'a/b': 'file 644 b' });
      const ended = await publish({ ...site.context, disk: dyingDisk(realDisk, calls, full) }, REPOSITORY, PLAIN).then(
        () => null,
        (error: unknown) => error,
      );
      isDone = ended === null;
      if (isDone) expect(calls).toBeGreaterThan(10);
      else expect(ended).toMatchObject({ code: 'disk_full', message: expect.stringContaining('make room') });
      verify(site);
      if (!isDone)
        await publish(site.context, REPOSITORY, PLAIN).catch((error: unknown) => {
          // Full only after the transaction had ended.
          expect(error).toMatchObject({ code: 'no_transaction' });
        });
      expect(await treePublished(site)).toEqual(treeOnDisk(site.paths.mount));
      await checkRepository(site.context, REPOSITORY);
    } finally {
      site.remove();
    }
  }
}, 120_000);

/** A small file system of its own; null where nobody may make one. */
function smallDisk(): string | null {
  const directory = mkdtempSync(join(tmpdir(), 'stratum0-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', directory], { stdio: 'ignore' });
    return directory;
  } catch {
    rmSync(directory, { recursive: true });
    return null;
  }
}

test('a small disk that runs full is named, and once there is room the publish goes through', async ({ skip }) => {
  const disk = smallDisk();
  if (disk === null) return skip('only root can make a small file system');
  const template = await testSite();
  try {
    cpSync(template.directory, disk, { recursive: true });
    const site = siteAt(disk);
    await beginTransaction(site.context, REPOSITORY, '');
    // Twice in the tree and once in the store is more than there is room for.
    for (const name of ['one', 'two']) writeFileSync(join(site.paths.mount, name), randomBytes(2_500_000));
    await expect(publish(site.context, REPOSITORY, PLAIN)).rejects.toMatchObject({ code: 'disk_full' });
    expect(await revisionOf(site)).toBe(1);
    verify(site);
    execFileSync('mount', ['-o', 'remount,size=64m', disk]);
    await publish(site.context, REPOSITORY, PLAIN);
    await checkRepository(site.context, REPOSITORY);
    expect(await treePublished(site)).toEqual(treeOnDisk(site.paths.mount));
  } finally {
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
    template.remove();
  }
}, 60_000);
