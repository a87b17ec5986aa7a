import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layerFaults } from './layers.ts';
import { clockFaults, cycleFaults, exportFaults, linkFaults } from './rules.ts';
import { sourceFile } from './source-files.ts';

describe('the rules of the house tell', () => {
  it('a room that reaches for a door', () => {
    const file = sourceFile('master/src/locks/keeper.ts', "import { answer } from '../http/errors.ts';\n");
    expect(layerFaults([file])).toEqual([expect.stringMatching(/^master\/src\/locks\/keeper\.ts imports .*http/)]);
  });

  it('a room that is in no table, and a package that reaches into another', () => {
    const attic = sourceFile('master/src/attic/box.ts', '');
    const agent = sourceFile('worker/src/agent.ts', "import { type Core } from '../../master/src/engine/core.ts';\n");
    expect(layerFaults([attic, agent])).toEqual([
      expect.stringContaining('the room attic is not in the table'),
      expect.stringContaining('worker stands on its own'),
    ]);
  });

  it('nothing of types, of tests, of what the tables allow', () => {
    const files = [
      sourceFile('master/src/locks/keeper.ts', "import type { Answer } from '../http/errors.ts';\n"),
      sourceFile('master/src/locks/keeper.test.ts', "import { answer } from '../http/errors.ts';\n"),
      sourceFile('master/src/locks/table.ts', "import {\n  Core,\n} from '../engine/core.ts';\n"),
    ];
    expect(layerFaults(files)).toEqual([]);
  });

  it('files that import each other in a circle', () => {
    const circle = [
      sourceFile('a/one.ts', "import { two } from './two.ts';\n"),
      sourceFile('a/two.ts', "export { three } from './three.ts';\n"),
      sourceFile('a/three.ts', "import { one } from './one.ts';\n"),
      sourceFile('a/four.ts', "import { one } from './one.ts';\n"),
    ];
    expect(cycleFaults(circle)).toEqual(['a circle of imports: a/one.ts → a/two.ts → a/three.ts → a/one.ts']);
  });

  it('a clock outside the ports', () => {
    const here = sourceFile('master/src/builds/builds.ts', 'const now = Date.now();');
    const there = sourceFile('master/src/engine/real.ts', 'const now = Date.now();');
    expect(clockFaults([here, there])).toEqual([expect.stringMatching(/builds\.ts uses Date\.now/)]);
  });

  it('an export that nobody imports', () => {
    const files = [
      sourceFile('a/one.ts', 'export function used() {}\nexport const idle = 1;\nexport type Told = 1;\n'),
      sourceFile('a/two.ts', "import { used } from './one.ts';\n"),
    ];
    expect(exportFaults(files)).toEqual(['a/one.ts exports idle, which nobody imports']);
  });

  it('a link of a page that leads nowhere', () => {
    const root = mkdtempSync(join(tmpdir(), 'icefall-house-'));
    try {
      writeFileSync(join(root, 'page.md'), '[a](page.md#top) [b](gone.md) [c](https://example.org) [d](#here)');
      expect(linkFaults(root, 'page.md')).toEqual(['page.md links to gone.md, which is not there']);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
