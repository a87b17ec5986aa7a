import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { TestMaster } from '../support/master.ts';
import { run } from '../support/process.ts';
import { PROGRAMS } from '../support/programs.ts';
import { groundOfTest } from '../support/vitest.ts';

const SCRIPT = resolve(import.meta.dirname, '../../docker/files/backup.sh');
const KEPT = 2;

test('the side-car backs a running master up, keeps the newest, and what it made can be restored', async () => {
  const ground = groundOfTest();
  const site = join(import.meta.dirname, 'sites/behind-a-proxy.ts');
  const master = await TestMaster.start(ground, { site, env: { WORKER_TOKEN: 'a-token-of-this-test' } });
  await master.worker('north', { token: 'a-token-of-this-test' });
  const target = ground.path('backups');
  const bin = ground.path('bin');
  for (const folder of [target, bin]) mkdirSync(folder);
  writeFileSync(join(bin, 'icefall'), `#!/bin/sh\nexec ${PROGRAMS.icefall.join(' ')} "$@"\n`, { mode: 0o755 });
  const env = { PATH: `${bin}${delimiter}${process.env.PATH}`, ICEFALL_BACKUPS: String(KEPT) };
  const icefall = (...args: readonly string[]) =>
    run(ground, { name: 'icefall', command: [...PROGRAMS.icefall, ...args] });

  for (let builds = 1; builds <= KEPT + 1; builds += 1) {
    await master.api.finished(await master.api.force('greet'));
    const made = await run(ground, { name: 'backup', command: ['sh', SCRIPT, master.directory, target, 'once'], env });
    expect(made, made.stderr).toMatchObject({ code: 0 });
  }

  const newest = readFileSync(join(target, 'newest'), 'utf8').trim();
  const there = readdirSync(target)
    .filter((name) => name !== 'newest')
    .sort();
  expect([there.length, there.at(-1)]).toEqual([KEPT, newest]);
  const again = ground.path('again');
  expect(await icefall('restore', join(target, newest), '--to', again)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${KEPT + 1} builds`),
  });
  expect(await icefall('verify', again)).toMatchObject({ code: 0 });
});
