import { appendFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STREAM } from '@icefall/shared';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../test-support/directories.ts';
import { ManualClock } from '../test-support/manual-clock.ts';
import { KeptOutput } from '../test-support/process-host.ts';
import { LOG_POLL_MS, LogFollower } from './log-files.ts';

async function follow(names: Record<string, boolean>, prepare?: (directory: string) => Promise<void>) {
  const directory = await temporaryDirectory();
  await prepare?.(directory);
  const clock = new ManualClock();
  const output = new KeptOutput();
  const stop = new AbortController();
  let signs = 0;
  const files = Object.entries(names).map(([name, atEnd]) => ({ path: join(directory, name), follow: atEnd }));
  const follower = await LogFollower.begin(files, output, clock, () => {
    signs += 1;
  });
  onTestFinished(() => stop.abort());
  return {
    ...{ directory, output, stop },
    path: (name: string) => join(directory, name),
    text: (index = 0) => output.text(STREAM.firstLogFile + index),
    signs: () => signs,
    /** Lets it look once, and waits until it waits again. */
    poll: async () => {
      clock.advance(LOG_POLL_MS);
      while (clock.delays.length === 0) await new Promise(setImmediate);
    },
    finish: () => follower.finish(stop.signal),
  };
}

it('follows a file that appears late, piece by piece, to its end', async () => {
  const { path, text, poll, finish, signs } = await follow({ log: false });
  await poll();
  expect(signs()).toBe(0);
  await writeFile(path('log'), 'one\ntw');
  await poll();
  expect(text()).toBe('one\ntw');
  await appendFile(path('log'), 'o\n');
  await poll();
  expect(text()).toBe('one\ntwo\n');
  expect(signs()).toBe(2);
  await appendFile(path('log'), 'last, without a newline');
  await finish();
  expect(text()).toBe('one\ntwo\nlast, without a newline');
});

it('begins where the file is, or at its present end', async () => {
  const { path, text, finish } = await follow({ whole: false, new: true }, async (directory) => {
    await writeFile(join(directory, 'whole'), 'old\n');
    await writeFile(join(directory, 'new'), 'old\n');
  });
  await appendFile(path('whole'), 'more\n');
  await appendFile(path('new'), 'more\n');
  await finish();
  expect([text(0), text(1)]).toEqual(['old\nmore\n', 'more\n']);
});

it('begins anew where a file was cut off', async () => {
  const { path, text, poll, finish } = await follow({ log: false });
  await writeFile(path('log'), 'a long first life\n');
  await poll();
  await truncate(path('log'), 0);
  await appendFile(path('log'), 'second\n');
  await poll();
  await finish();
  expect(text()).toBe('a long first life\nsecond\n');
});

it('reads a file that was moved away to its end, and then the one in its place', async () => {
  const { path, text, poll, finish } = await follow({ log: false });
  await writeFile(path('log'), 'one\n');
  await poll();
  await appendFile(path('log'), 'two\n');
  await rename(path('log'), path('log.1'));
  await writeFile(path('log'), 'three\n');
  await poll();
  await finish();
  expect(text()).toBe('one\ntwo\nthree\n');
});

it('waits while the output is not taken, and reads the rest afterwards', async () => {
  const { output, path, text, poll, finish } = await follow({ log: false });
  output.congested = true;
  await writeFile(path('log'), 'x'.repeat(200_000));
  await poll();
  expect(text()).toBe('');
  const finished = finish();
  output.congested = false;
  await finished;
  expect(text()).toHaveLength(200_000);
});

it('does not wait for room when the command was stopped', async () => {
  const { output, stop, path, text, finish } = await follow({ log: false });
  output.congested = true;
  await writeFile(path('log'), 'x');
  const finished = finish();
  stop.abort();
  await finished;
  expect(text()).toBe('');
});

it('leaves directories and the like alone', async () => {
  const { text, poll, finish } = await follow({ '.': false });
  await poll();
  await finish();
  expect(text()).toBe('');
});
