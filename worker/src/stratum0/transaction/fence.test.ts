import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../cli.ts';
import type { Context } from '../context.ts';
import { realDisk } from '../disk.ts';
import { resign } from '../repository.ts';
import { Death, dyingDisk } from '../testing/dying-disk.ts';
import { makeTree, REPOSITORY, revisionOf, type TestSite, testSite } from '../testing/site.ts';
import { abort } from '../verbs/abort.ts';
import { beginTransaction } from '../verbs/begin.ts';
import { checkRepository } from '../verbs/check.ts';
import { collectGarbage } from '../verbs/collect.ts';
import { describeRepository, listRepositories } from '../verbs/describe.ts';
import { ingest } from '../verbs/ingest.ts';
import { publish } from '../verbs/publish.ts';
import { rollback } from '../verbs/rollback.ts';
import { addTag, removeTag } from '../verbs/tags.ts';
import { readFence } from './fence.ts';

const PLAIN = { tag: null, description: '' };
let site: TestSite;
beforeEach(async () => {
  site = await testSite();
});
afterEach(() => site.remove());

/** A command that runs under a grant. */
const under = (fence: number | null): Context => ({ ...site.context, fence });

const VERBS: readonly (readonly [string, (context: Context) => Promise<unknown>])[] = [
  ['transaction', (context) => beginTransaction(context, REPOSITORY, '')],
  ['transaction on a path', (context) => beginTransaction(context, REPOSITORY, 'some/path')],
  ['publish', (context) => publish(context, REPOSITORY, PLAIN)],
  ['abort', (context) => abort(context, REPOSITORY)],
  ['ingest', (context) => ingest(context, REPOSITORY, { base: 'x', archive: '/nowhere.tar' }, PLAIN)],
  ['resign', (context) => resign(context, REPOSITORY, 1)],
  ['tag -a', (context) => addTag(context, REPOSITORY, 'v1', '')],
  ['tag -r', (context) => removeTag(context, REPOSITORY, 'v1')],
  ['rollback', (context) => rollback(context, REPOSITORY, 'trunk')],
  ['gc', (context) => collectGarbage(context, REPOSITORY)],
];

describe('a command of a build that has lost its lock', () => {
  test.each(VERBS)('%s is refused, and changes nothing', async (_name, act) => {
    await beginTransaction(under(8), REPOSITORY, '');
    makeTree(site.paths.mount, { file: 'file 644 of the new holder' });
    const served = readFileSync(site.paths.manifest);
    const whitelist = readFileSync(site.paths.whitelist);
    await expect(act(under(7))).rejects.toMatchObject({ code: 'stale_fence', exitCode: 116 });
    expect(readFileSync(site.paths.manifest)).toEqual(served);
    expect(readFileSync(site.paths.whitelist)).toEqual(whitelist);
    await publish(under(8), REPOSITORY, PLAIN);
    expect(readFileSync(join(site.paths.mount, 'file'), 'utf8')).toBe('of the new holder');
  });

  test('is refused in the middle of its transaction, which the new holder can end', async () => {
    await beginTransaction(under(7), REPOSITORY, '');
    await abort(under(9), REPOSITORY);
    await expect(publish(under(7), REPOSITORY, PLAIN)).rejects.toMatchObject({ code: 'stale_fence' });
    await beginTransaction(under(9), REPOSITORY, '');
    await publish(under(9), REPOSITORY, PLAIN);
    expect(await revisionOf(site)).toBe(2);
  });

  test('is refused too where the new holder died while it was told', async () => {
    await resign(under(7), REPOSITORY, 1);
    for (let calls = 0; ; calls += 1) {
      const disk = dyingDisk(realDisk, calls);
      const newer = 8 + calls;
      const error = await resign({ ...under(newer), disk }, REPOSITORY, 2).catch((died: unknown) => died);
      if (!(error instanceof Death)) break;
      // Before it had done anything it was not remembered; from its first act on it was.
      const isKnown = readFileSync(site.paths.fence, 'utf8') === `${newer}\n`;
      const older = resign(under(newer - 1), REPOSITORY, 3);
      if (isKnown) await expect(older).rejects.toMatchObject({ code: 'stale_fence' });
      else await older;
    }
  });
});

describe('a fence', () => {
  test('lets the same grant and newer ones pass, and what only reads', async () => {
    await beginTransaction(under(7), REPOSITORY, '');
    await publish(under(7), REPOSITORY, PLAIN);
    await addTag(under(20), REPOSITORY, 'v1', '');
    await checkRepository(under(3), REPOSITORY);
    await describeRepository(under(3), REPOSITORY);
    await listRepositories(under(3));
  });

  test('is not there for people, and not lowered by them', async () => {
    await resign(under(null), REPOSITORY, 1);
    expect(existsSync(site.paths.fence)).toBe(false);
    await resign(under(7), REPOSITORY, 1);
    await resign(under(null), REPOSITORY, 1);
    await expect(resign(under(6), REPOSITORY, 1)).rejects.toMatchObject({ code: 'stale_fence' });
  });

  test('that cannot be read is named, with what to do', async () => {
    writeFileSync(site.paths.fence, 'x');
    await expect(resign(under(6), REPOSITORY, 1)).rejects.toMatchObject({
      code: 'bad_state',
      message: expect.stringContaining('remove it'),
    });
  });

  test('comes from the environment', async () => {
    expect([readFence(undefined), readFence(''), readFence('1795269600000')]).toEqual([null, null, 1_795_269_600_000]);
    const errors: string[] = [];
    const resignUnder = (fence: string) =>
      run(['resign', REPOSITORY], {
        environment: { ICEFALL_STRATUM0_DIR: site.directory, ICEFALL_FENCE: fence },
        out: () => {},
        error: (line) => errors.push(line),
        input: process.stdin,
        stop: AbortSignal.abort(),
      });
    expect(await resignUnder('8')).toBe(0);
    expect(await resignUnder('7')).toBe(116);
    expect(await resignUnder('-1')).toBe(1);
    expect(await resignUnder('soon')).toBe(1);
    expect(errors).toEqual([
      expect.stringMatching(/granted as number 7, and 8 has worked on .* since; nothing was done.*\[stale_fence\]$/),
      expect.stringContaining('must be a whole number, not "-1"'),
      expect.stringContaining('must be a whole number, not "soon"'),
    ]);
  });
});
