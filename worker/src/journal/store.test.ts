import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../test-support/directories.ts';
import { JournalStore } from './store.ts';

const meta = { commandId: 7, epoch: 2, kind: 'shell', label: 'b/1 build', buildDirectory: 'b', acceptedAt: 1 };
const outcome = {
  reason: 'exited' as const,
  exitCode: 3,
  signal: null,
  error: null,
  values: { stdout: 'x' },
  startedAt: 1,
  finishedAt: 2,
};

it('has an identity that lasts as long as its directory', async () => {
  const directory = join(await temporaryDirectory(), 'journal');
  const { id } = await JournalStore.open(directory);
  expect((await JournalStore.open(directory)).id).toBe(id);
  await rm(directory, { recursive: true });
  expect((await JournalStore.open(directory)).id).not.toBe(id);
});

it('finds again what it was told of each command', async () => {
  const directory = await temporaryDirectory();
  const store = await JournalStore.open(directory);
  const running = await store.create(meta);
  const leader = { pid: 17, startTicks: 99, bootId: 'b' };
  await running.entry.writeLeader(leader);
  const finished = await store.create({ ...meta, commandId: 8 });
  await finished.entry.writeOutcome(outcome);
  const left = (await (await JournalStore.open(directory)).scan()).sort((a, b) => a.meta.commandId - b.meta.commandId);
  expect(left).toMatchObject([
    { meta, leader, outcome: null },
    { meta: { ...meta, commandId: 8 }, leader: null, outcome },
  ]);
});

it('takes away what is half made or half removed, and takes an unreadable outcome for none', async () => {
  const directory = await temporaryDirectory();
  const store = await JournalStore.open(directory);
  await mkdir(join(directory, '9-1'));
  await mkdir(join(directory, '10-1.removed'));
  const { entry } = await store.create(meta);
  await writeFile(join(entry.directory, 'exit.json'), '');
  expect(await store.scan()).toMatchObject([{ meta, outcome: null }]);
  expect((await readdir(directory)).sort()).toEqual(['7-2', 'store-id']);
});

it('is for the worker’s eyes only', async () => {
  const store = await JournalStore.open(join(await temporaryDirectory(), 'journal'));
  const { entry } = await store.create(meta);
  expect((await stat(store.directory)).mode & 0o777).toBe(0o700);
  expect((await stat(join(entry.directory, 'meta.json'))).mode & 0o777).toBe(0o600);
});
