import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, formatProblem } from './problems.ts';
import { trySite } from './trial.ts';

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'icefall-trial-')));
});
afterAll(() => rmSync(folder, { recursive: true }));

const good = `import { builder, factory, shell, site, worker } from '@icefall/master/config';
const w = worker({ name: 'w' });
const b = builder({ name: 'b', workers: [w], factory: factory([shell({ name: 'hello', command: ['true'] })]) });
export default site({ title: 'Fine', workers: [w], builders: [b] });
`;

/** What came of a trial: the mistakes, or what is in the site. */
async function tried(name: string, text: string, limitMs?: number): Promise<unknown> {
  mkdirSync(join(folder, name));
  const file = join(folder, name, 'site.ts');
  writeFileSync(file, text);
  return trySite(file, { prints: false, ...(limitMs === undefined ? {} : { limitMs }) }).catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(formatProblem).map((line) => line.replace(`${join(folder, name)}/`, ''));
  });
}

describe.concurrent('a program that is tried', () => {
  test('tells what is in it, however much it prints and whatever it would do later', async () => {
    const noise = `console.log('x'.repeat(1e6));\nsetInterval(() => {}, 1000);\n${good}`;
    expect(await tried('fine', noise)).toEqual({
      title: 'Fine',
      timeZone: 'UTC',
      builders: ['b'],
      schedulers: [],
      workers: ['w'],
      locks: [],
    });
  });

  test('is told where it loops for ever', async () => {
    const text = `${good}\nfunction count() {\n  let i = 0;\n  for (;;) i += 1;\n}\ncount();\n`;
    expect(await tried('loop', text, 100)).toEqual([
      expect.stringMatching(/^site\.ts:[678]: it was not loaded within/),
    ]);
  });

  test('is told where it ends its process', async () => {
    expect(await tried('exit', `${good}\nprocess.exit(0);\n`)).toEqual([
      expect.stringMatching(/^site\.ts:6: the site's program ended the process .*exit code 0.*throw an Error/),
    ]);
  });

  test('is told that its process ended where nobody of it can be seen to have ended it', async () => {
    expect(await tried('later', `setImmediate(process.exit);\nawait new Promise(() => {});\n`)).toEqual([
      expect.stringMatching(/^site\.ts:1: .*ended without a word \(exit code 0\)/),
    ]);
  });

  test('is told that its process died', async () => {
    expect(await tried('killed', `process.kill(process.pid, 'SIGKILL');`)).toEqual([
      expect.stringMatching(/^site\.ts:1: the process in which it was tried ended without a word \(SIGKILL\)/),
    ]);
  });

  test('is told of a promise that is rejected beside it', async () => {
    expect(await tried('stray', `${good}Promise.reject(new Error('no list of machines'));\n`)).toEqual([
      'site.ts:5: no list of machines',
    ]);
  });

  test('is told all its mistakes, as by a load', async () => {
    expect(await tried('mistakes', `${good}worker({ name: 'a b' });\nworker({});\n`)).toEqual([
      expect.stringMatching(/^site\.ts:5: worker "a b"/),
      expect.stringMatching(/^site\.ts:6: worker: option "name": is missing/),
    ]);
  });
});
