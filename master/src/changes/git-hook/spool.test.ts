import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sendChangeSchema } from '@icefall/shared';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../test-repository.ts';
import { flush } from './send.ts';
import { MOST_REFUSED, MOST_WAITING, Spool } from './spool.ts';
import { deadUrl, TestMaster } from './test-master.ts';

const signal = new AbortController().signal;

function setUp() {
  const like = temporaryDirectory();
  const state = join(temporaryDirectory(), 'state');
  Spool.prepare(state, like);
  const clock = { now: 1000 };
  const spool = new Spool(state, () => clock.now);
  const keep = (branch: string) => spool.keep(sendChangeSchema.parse({ repository: 'r', branch }));
  const branches = () => spool.waiting().map((name) => spool.read(name)?.branch);
  const settings = (url: string) => ({ url, repository: 'r', codebase: '', project: '' });
  return { state, clock, spool, keep, branches, settings };
}

test('changes wait in the order in which they came, also when the clock is set back', () => {
  const { clock, keep, branches } = setUp();
  for (const [branch, now] of [
    ['a', 5000],
    ['b', 5000],
    ['c', 10],
    ['d', 999_999],
  ] as const) {
    clock.now = now;
    keep(branch);
  }
  expect(branches()).toEqual(['a', 'b', 'c', 'd']);
});

test('two hooks at once never give two changes one name', () => {
  const { state, spool, keep } = setUp();
  keep('a');
  spool.forget(spool.waiting()[0] ?? '');
  keep('b');
  const [name] = spool.waiting();
  spool.forget(name ?? '');
  keep('c');
  expect(spool.waiting()).not.toContain(name);
  expect(readdirSync(join(state, 'changes'))).toHaveLength(1);
});

test('pushes are read oldest first; what is not whole yet is not read', () => {
  const { state, spool } = setUp();
  const write = (name: string, text: string, seconds: number) => {
    writeFileSync(join(state, 'pushes', name), text);
    utimesSync(join(state, 'pushes', name), seconds, seconds);
  };
  write('10-7.push', 'b\n', 20);
  write('9-8.push', 'a\nc\n', 10);
  write('10-9.push', 'd\n', 20);
  write('1-1.tmp', 'half', 1);
  expect(spool.pushes()).toEqual([
    { name: '9-8.push', lines: ['a', 'c'] },
    { name: '10-7.push', lines: ['b'] },
    { name: '10-9.push', lines: ['d'] },
  ]);
  spool.forgetPush('9-8.push');
  spool.forgetPush('9-8.push');
  expect(spool.pushes()).toHaveLength(2);
});

test('when too many wait the oldest are given up, and that is told', () => {
  const { state, keep, branches } = setUp();
  for (let i = 0; i < MOST_WAITING; i += 1)
    writeFileSync(
      join(state, 'changes', `${String(i).padStart(15, '0')}-1-1.json`),
      JSON.stringify({ branch: `b${i}` }),
    );
  expect(keep('new')).toBe(1);
  expect([branches().length, branches()[0], branches().at(-1)]).toEqual([MOST_WAITING, 'b1', 'new']);
});

test('of refused changes the newest are kept', () => {
  const { state, spool, keep } = setUp();
  for (let i = 0; i < MOST_REFUSED; i += 1)
    writeFileSync(join(state, 'refused', `${String(i).padStart(15, '0')}-1-1.json`), '{}');
  keep('a');
  const [name = ''] = spool.waiting();
  spool.refuse(name);
  const refused = readdirSync(join(state, 'refused')).sort();
  expect([refused.length, refused[0], refused.at(-1)]).toEqual([MOST_REFUSED, '000000000000001-1-1.json', name]);
});

test('a change that cannot be read is put aside, and the others are sent', async () => {
  const { state, keep, spool, settings } = setUp();
  const master = await TestMaster.started();
  writeFileSync(join(state, 'changes', '000000000000001-1-1.json'), '{"half');
  keep('a');
  const report = await flush(spool, settings(master.url), signal);
  expect(report).toMatchObject({ sent: 1, left: 0, refused: [expect.stringContaining('cannot be read')] });
  expect(master.changes.map(({ branch }) => branch)).toEqual(['a']);
  expect(spool.waiting()).toEqual([]);
});

test('the first that cannot be sent keeps the later ones back, so that their order stays', async () => {
  const { keep, spool, settings } = setUp();
  keep('a');
  keep('b');
  expect(await flush(spool, settings(await deadUrl()), signal)).toMatchObject({ sent: 0, left: 2 });
});

test('what is not sent in time waits', async () => {
  const { keep, spool, settings } = setUp();
  const master = await TestMaster.started();
  keep('a');
  const report = await flush(spool, settings(master.url), AbortSignal.abort());
  expect(report).toMatchObject({ sent: 0, left: 1, why: 'no answer in time' });
});
