import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '@icefall/master/cli/program';
import { fakeTerminal } from '@icefall/master/cli/testing/fake-terminal';
import { expect, onTestFinished, test } from 'vitest';
import { blocksOf } from './examples/blocks.ts';

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const PARTS = '...dataParts]';

/** A copy of the shipped site, which finds the packages of this one. */
function copyOfSite(): string {
  const folder = mkdtempSync(join(tmpdir(), 'icefall-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const site = join(ROOT, 'config');
  cpSync(site, folder, { recursive: true, filter: (path) => !/\/(node_modules|embedded)$/.test(path) });
  symlinkSync(join(site, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

test('the builder that the README adds to the shipped site is one, as it is written there', async () => {
  const folder = copyOfSite();
  const [hello] = blocksOf(README);
  writeFileSync(join(folder, 'hello.ts'), hello?.text ?? '');
  const site = readFileSync(join(folder, 'site.ts'), 'utf8');
  expect(site).toContain(PARTS);
  const added = site.replace(PARTS, `${PARTS.slice(0, -1)}, helloPart]`);
  writeFileSync(join(folder, 'site.ts'), `import { helloPart } from './hello.ts';\n${added}`);
  const terminal = fakeTerminal({ cwd: folder });
  expect(await run(['check', '--no-types', '--json'], terminal), terminal.written.err).toBe(0);
  expect(terminal.written.out).toContain('force_hello');
});
