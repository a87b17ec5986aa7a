import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { create } from 'tar';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Context } from './context.ts';
import { realDisk } from './disk.ts';
import { resign } from './repository.ts';
import { Death, dyingDisk } from './testing/dying-disk.ts';
import { readRepository } from './testing/reader/repository.ts';
import {
  makeTree,
  REPOSITORY,
  revisionOf,
  type TestSite,
  type Tree,
  temporaryDirectory,
  testSite,
  treeOnDisk,
  treePublished,
} from './testing/site.ts';
import { abort } from './verbs/abort.ts';
import { beginTransaction } from './verbs/begin.ts';
import { collectGarbage } from './verbs/collect.ts';
import { ingest } from './verbs/ingest.ts';
import { makeRepository } from './verbs/mkfs.ts';
import { publish } from './verbs/publish.ts';
import { rollback } from './verbs/rollback.ts';
import { addTag } from './verbs/tags.ts';

const PLAIN = { tag: null, description: '' };
const OLD: Tree = { kept: 'file 644 same', changed: 'file 644 old', gone: 'dir 755', 'gone/x': 'file 600 x' };
const NEW: Tree = {
  kept: 'file 644 same',
  changed: 'file 755 new',
  added: 'dir 700',
  'added/link': 'link ../kept',
  'added/.cvmfscatalog': 'file 644 ',
};

async function publishedSite(): Promise<TestSite> {
  const site = await testSite();
  await beginTransaction(site.context, REPOSITORY, '');
  makeTree(site.paths.mount, OLD);
  await publish(site.context, REPOSITORY, PLAIN);
  return site;
}

function change(site: TestSite): void {
  const gone = { gone: 'file 644 ', ...NEW };
  makeTree(site.paths.mount, gone);
  spawnSync('rm', ['-rf', join(site.paths.mount, 'gone')]);
}

/** Runs `work` on ever new sites, dying one change (or `stride`) to the disk later each time, until it lives to its end. */
async function dieEverywhere(
  prepare: () => Promise<TestSite>,
  work: (context: Context) => Promise<unknown>,
  inspect: (site: TestSite) => Promise<void>,
  stride = 1,
): Promise<number> {
  for (let calls = 0; ; calls += stride) {
    const site = await prepare();
    try {
      const died = await work({ ...site.context, disk: dyingDisk(realDisk, calls) }).then(
        () => false,
        (error: unknown) => {
          if (!(error instanceof Death)) throw error;
          return true;
        },
      );
      if (!died) return calls;
      await inspect(site);
    } finally {
      site.remove();
    }
  }
}

/** A second opinion: all that is served, down to the last object; and the log of references, once it is settled. */
function verify(site: TestSite, isSettled: boolean): void {
  const repository = readRepository(site.paths.served, readFileSync(site.paths.publicKey, 'utf8'), new Date());
  repository.tree();
  if (isSettled) expect(repository.reflogHash).toBe(repository.fields.get('Y'));
}

/** The next transaction, after what an operator does about one that was left open. */
async function publishNext(site: TestSite): Promise<void> {
  await abort(site.context, REPOSITORY).catch((error: unknown) => {
    expect(error).toMatchObject({ code: 'no_transaction' });
  });
  expect(treeOnDisk(site.paths.mount)).toEqual(await treePublished(site));
  verify(site, true);
  await beginTransaction(site.context, REPOSITORY, '');
  makeTree(site.paths.mount, { later: 'file 644 later' });
  await publish(site.context, REPOSITORY, PLAIN);
  expect((await treePublished(site)).later).toBe('file 644 later');
  expect(treeOnDisk(site.paths.mount)).toEqual(await treePublished(site));
  verify(site, true);
}

describe('a death at any change to the disk', () => {
  const sites: TestSite[] = [];
  afterEach(() => {
    for (const site of sites.splice(0)) site.remove();
  });

  test('during publish leaves the old or the new revision served whole, and the next publish is right', async () => {
    const prepare = async () => {
      const site = await publishedSite();
      await beginTransaction(site.context, REPOSITORY, '');
      change(site);
      return site;
    };
    const seen = new Set<number>();
    const calls = await dieEverywhere(
      prepare,
      (context) => publish(context, REPOSITORY, PLAIN),
      async (site) => {
        const revision = await revisionOf(site);
        seen.add(revision);
        verify(site, false);
        expect(await treePublished(site)).toEqual(revision === 2 ? OLD : NEW);
        await publishNext(site);
      },
    );
    expect(calls).toBeGreaterThan(20);
    expect([...seen]).toEqual([2, 3]);
  }, 120_000);

  test('during publish can also be followed by the same publish', async () => {
    const prepare = async () => {
      const site = await publishedSite();
      await beginTransaction(site.context, REPOSITORY, '');
      change(site);
      return site;
    };
    await dieEverywhere(
      prepare,
      (context) => publish(context, REPOSITORY, PLAIN),
      async (site) => {
        await publish(site.context, REPOSITORY, PLAIN).catch((error: unknown) =>
          expect(error).toMatchObject({ code: 'no_transaction' }),
        );
        expect(await revisionOf(site)).toBe(3);
        expect(await treePublished(site)).toEqual(NEW);
      },
    );
  }, 120_000);

  test('during abort leaves a transaction that can be aborted again', async () => {
    const prepare = async () => {
      const site = await publishedSite();
      await beginTransaction(site.context, REPOSITORY, '');
      change(site);
      return site;
    };
    await dieEverywhere(
      prepare,
      (context) => abort(context, REPOSITORY),
      async (site) => {
        expect(await treePublished(site)).toEqual(OLD);
        await publishNext(site);
      },
    );
  }, 120_000);

  test('during transaction, resign, tag and mkfs leaves something to go on from', async () => {
    await dieEverywhere(publishedSite, (context) => beginTransaction(context, REPOSITORY, ''), publishNext);
    await dieEverywhere(publishedSite, (context) => resign(context, REPOSITORY, 10), publishNext);
    await dieEverywhere(publishedSite, (context) => addTag(context, REPOSITORY, 'v1', ''), publishNext);
    const empty = await testSite();
    sites.push(empty);
    const name = 'second.icefall.example';
    for (let calls = 0; calls < 300; calls += 29)
      await makeRepository({ ...empty.context, disk: dyingDisk(realDisk, calls) }, name).catch((error: unknown) =>
        expect(error).toBeInstanceOf(Death),
      );
    await makeRepository(empty.context, name);
    await beginTransaction(empty.context, name, '');
  }, 120_000);

  test('during rollback leaves the newer or the older revision, and the next command finishes it', async () => {
    const prepare = async () => {
      const site = await publishedSite();
      await beginTransaction(site.context, REPOSITORY, '');
      change(site);
      await publish(site.context, REPOSITORY, PLAIN);
      return site;
    };
    await dieEverywhere(
      prepare,
      (context) => rollback(context, REPOSITORY, 'trunk-previous'),
      async (site) => {
        expect(await treePublished(site)).toEqual((await revisionOf(site)) === 3 ? NEW : OLD);
        await publishNext(site);
      },
    );
  }, 120_000);

  test('during garbage collection loses nothing that is needed', async () => {
    await dieEverywhere(
      publishedSite,
      (context) => collectGarbage({ ...context, now: () => Date.now() + 10 * 86_400_000 }, REPOSITORY),
      async (site) => {
        expect(await treePublished(site)).toEqual(OLD);
        await publishNext(site);
      },
    );
  }, 120_000);

  test('during ingest leaves what was published, or all that was in the archive', async () => {
    const archive = await archiveOf(ARCHIVE);
    await dieEverywhere(
      publishedSite,
      (context) => ingest(context, REPOSITORY, { base: 'in/deep', archive }, PLAIN),
      async (site) => {
        const published = await treePublished(site);
        const all = { in: 'dir 755', 'in/deep': 'dir 755', ...below('in/deep', ARCHIVE) };
        expect(published).toEqual('in' in published ? { ...OLD, ...all } : OLD);
        await publishNext(site);
      },
      // Its parts die at every change elsewhere.
      3,
    );
  }, 120_000);

  /** In a transaction where the verb needs one; each of them with something to do. */
  async function preparedFor(verb: string): Promise<TestSite> {
    const site = await publishedSite();
    sites.push(site);
    if (['publish', 'abort', 'rollback'].includes(verb)) {
      await beginTransaction(site.context, REPOSITORY, '');
      change(site);
      if (verb === 'rollback') await publish(site.context, REPOSITORY, PLAIN);
    }
    if (verb === 'ingest') {
      copyFileSync(await archiveOf(ARCHIVE), join(site.directory, 'archive.tar'));
    }
    return site;
  }

  test.each([
    ['publish', [1, 8, 14]],
    ['transaction', [2]],
    ['abort', [6]],
    ['ingest', [7]],
    ['resign', [2]],
    ['tag', [5]],
    ['rollback', [9]],
    ['gc', [4]],
  ])('during %s by SIGKILL is the same: the lock goes with the process', async (verb, moments) => {
    for (const calls of moments) {
      const site = await preparedFor(verb);
      const script = join(import.meta.dirname, 'testing', 'killed.ts');
      const child = spawnSync(process.execPath, [script, site.directory, REPOSITORY, verb, String(calls)], {
        encoding: 'utf8',
      });
      expect([child.signal, child.stderr]).toEqual(['SIGKILL', '']);
      await publishNext(site);
    }
  });
});

const ARCHIVE: Tree = { file: 'file 644 of the archive', dir: 'dir 755', 'dir/f': 'file 644 f' };

function below(directory: string, tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).map(([path, what]) => [`${directory}/${path}`, what]));
}

/** A tar archive with such a tree. */
async function archiveOf(tree: Tree): Promise<string> {
  const directory = temporaryDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'source'));
  makeTree(join(directory, 'source'), tree);
  const archive = join(directory, 'archive.tar');
  await create({ cwd: join(directory, 'source'), file: archive }, ['.']);
  return archive;
}
