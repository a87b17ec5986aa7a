import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { typeErrors } from './type-errors.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icefall-type-errors-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

test('tells each mistake of a program and of what it imports, with its place', async () => {
  const parts = write('parts/linux.ts', `export const jobs: number = 'two';\n`);
  const site = write(
    'site.ts',
    `import { shell, worker } from '@icefall/master/config';
import { jobs } from './parts/linux.ts';
export const linux = worker({ name: 'linux', maxBuilds: jobs, colour: 'red' });
export const build = shell({ name: 'build', command: ['make'], locks: [linux.exclusive()] });
`,
  );
  const problems = (await typeErrors(site)) ?? [];
  expect(problems.map(({ place }) => place)).toEqual(
    expect.arrayContaining([
      { file: parts, line: 1 },
      { file: site, line: 3 },
      { file: site, line: 4 },
    ]),
  );
  expect(problems).toHaveLength(3);
  expect(problems.find(({ place }) => place?.line === 4)?.message).toMatch(/exclusive.*\(TS\d+\)$/);
});

test('takes a program for the module that it is, wherever it lies', async () => {
  write('names.json', '{ "title": "A site" }');
  const site = write(
    'site.ts',
    `import names from './names.json' with { type: 'json' };
const machines: string[] = await Promise.resolve([names.title, import.meta.dirname]);
console.log(machines);
`,
  );
  expect(await typeErrors(site)).toEqual([]);
});

test('has nothing against functions without types, the runtime of Node, or plain JavaScript', async () => {
  const site = write(
    'site.ts',
    `import { cpus } from 'node:os';
import { builder, factory, shell, worker } from '@icefall/master/config';
const linux = worker({ name: 'linux', maxBuilds: cpus().length });
const dir = (name) => \`/srv/\${name}\`;
export const b = builder({ name: 'b', workers: [linux], factory: factory([shell({ name: dir('x'), command: 'make' })]) });
`,
  );
  expect(await typeErrors(site)).toEqual([]);
  expect(await typeErrors(write('site.js', 'const x = y;'))).toBeNull();
});
