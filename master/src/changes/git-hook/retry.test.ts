import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sendChangeSchema } from '@icefall/shared';
import { expect, test } from 'vitest';
import { installHook } from '../git-hook.ts';
import { TestRepository } from '../test-repository.ts';
import { RETRY_DELAYS_MS, retry } from './retry.ts';
import { Spool } from './spool.ts';
import { deadUrl, TestMaster } from './test-master.ts';

/** A repository with one change that waits for a master that is away; `sleeps` gets what it waited. */
async function setUp() {
  const repository = TestRepository.create();
  await installHook(repository.bare, { url: await deadUrl() });
  const state = join(repository.bare, 'icefall-hook');
  const spool = new Spool(state, () => 1);
  spool.keep(sendChangeSchema.parse({ repository: 'r', branch: 'main' }));
  const sleeps: number[] = [];
  const run = (onSleep: (count: number) => Promise<unknown> | undefined = () => undefined) =>
    retry(state, {
      now: () => 1,
      signal: new AbortController().signal,
      sleep: async (ms) => {
        sleeps.push(ms);
        expect(readFileSync(join(state, 'retrying'), 'utf8')).toBe(String(process.pid));
        await onSleep(sleeps.length);
      },
    });
  return { repository, state, spool, sleeps, run };
}

test('a master that comes back gets what waits, and the trying ends', async () => {
  const { repository, state, spool, sleeps, run } = await setUp();
  const master = await TestMaster.started();
  await run((count) => (count === 3 ? installHook(repository.bare, { url: master.url }) : undefined));
  expect(sleeps).toEqual([5000, 10_000, 20_000]);
  expect(master.changes.map(({ branch }) => branch)).toEqual(['main']);
  expect([spool.waiting(), existsSync(join(state, 'retrying'))]).toEqual([[], false]);
});

test('it is not tried for ever: the next push does it', async () => {
  const { state, spool, sleeps, run } = await setUp();
  await run();
  expect(sleeps).toEqual(RETRY_DELAYS_MS);
  expect(RETRY_DELAYS_MS.reduce((sum, ms) => sum + ms)).toBeLessThan(600_000);
  expect([spool.waiting().length, existsSync(join(state, 'retrying'))]).toEqual([1, false]);
});

test('it ends when the repository is gone', async () => {
  const { repository, sleeps, run } = await setUp();
  await run(async () => rmSync(repository.bare, { recursive: true }));
  expect(sleeps).toHaveLength(1);
});

test('only one process tries; one that died leaves its place', async () => {
  const { state, sleeps, run } = await setUp();
  writeFileSync(join(state, 'retrying'), String(process.ppid));
  await run();
  expect(sleeps).toEqual([]);
  // Above what Linux gives out.
  writeFileSync(join(state, 'retrying'), '99999999');
  await run();
  expect(sleeps).toHaveLength(RETRY_DELAYS_MS.length);
});
