import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytePath } from '../byte-path.ts';
import { temporaryDirectory } from '../testing/site.ts';
import { type Survey, surveyTree } from './survey.ts';

let root: string;
beforeEach(() => {
  root = temporaryDirectory();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (path: string) => Buffer.from(`${root}/${path}`, 'latin1');
const put = (path: string, content = 'text') => writeFileSync(at(path), content);

/** `expected`: as if there were so many names that several processes are worth it, or only few. */
async function survey(top = '', expected = 1_000_000): Promise<Survey> {
  const found = await surveyTree(root, top, { expected });
  if (found === null) throw new Error('find is not there');
  return found;
}

/** Directories of which both say something else, or only one says anything. */
function different(before: Survey, after: Survey): string[] {
  const all = new Set([...before.digests.keys(), ...after.digests.keys()]);
  return [...all].filter((path) => before.digests.get(path) !== after.digests.get(path)).sort();
}

/** `packages` directories, with directories in them, at some depth. */
function makePackages(above: string, packages: number): void {
  mkdirSync(at(above), { recursive: true });
  for (let i = 0; i < packages; i += 1) {
    mkdirSync(at(`${above}/p${i}/d`), { recursive: true });
    for (const name of ['a', 'b', 'c']) put(`${above}/p${i}/d/${name}`);
    symlinkSync('d/a', at(`${above}/p${i}/link`));
  }
}

describe('a survey', () => {
  test.each([
    ['one directory', 'sw', 1],
    ['few directories, some levels down', 'sw/arch/os', 3],
    ['many directories', 'sw', 60],
  ])('of %s has every directory and name, and is the same while nothing changes', async (_what, above, packages) => {
    makePackages(above, packages);
    const found = await survey();
    const levels = above.split('/').length;
    expect(found.digests.size).toBe(1 + levels + 2 * packages);
    expect(found.names).toBe(levels + 6 * packages);
    expect(found.digests.has(`${above}/p0/d`)).toBe(true);
    expect(different(found, await survey())).toEqual([]);
    const alone = await survey('', 0);
    expect(alone.names).toBe(found.names);
    expect(different(alone, found)).toEqual([]);
  });

  test('of an empty tree has the directory at the top', async () => {
    expect([...(await survey()).digests.keys()]).toEqual(['']);
  });

  const inPackage = (path: string) => `sw/p1/${path}`;
  test.each<[string, () => void, string[]]>([
    ['content of the same size and times', replaceUnseen, [inPackage('d')]],
    ['a mode', () => chmodSync(at(inPackage('d/a')), 0o600), [inPackage('d')]],
    ['the mode of a directory', () => chmodSync(at(inPackage('d')), 0o700), ['sw/p1']],
    ['a time', () => lutimesSync(at(inPackage('link')), 1, 1), ['sw/p1']],
    ['a name that is gone', () => rmSync(at(inPackage('d/a'))), ['sw/p1', inPackage('d')]],
    ['a new directory', () => mkdirSync(at(inPackage('d/new'))), ['sw/p1', inPackage('d'), inPackage('d/new')]],
    ['a further link to it elsewhere', () => linkSync(at('sw/p2/d/b'), at('sw/p2/b')), ['sw', 'sw/p2', 'sw/p2/d']],
    ['a name with an end of line', () => put('sw/p3/d/a\nf9 b'), ['sw/p3', 'sw/p3/d']],
    [
      'directories that have changed places',
      () => {
        renameSync(at('sw/p4/d'), at('sw/p4/e'));
        renameSync(at('sw/p5/d'), at('sw/p4/d'));
        renameSync(at('sw/p4/e'), at('sw/p5/d'));
      },
      ['sw', 'sw/p4', 'sw/p4/d', 'sw/p5', 'sw/p5/d'],
    ],
  ])('shows %s', async (_what, change, expected) => {
    makePackages('sw', 6);
    const before = await survey();
    change();
    expect(different(before, await survey())).toEqual(expected);
  });

  test('takes names as bytes, whatever they are', async () => {
    const names = ['\xff\xfe', 'with space', '-rf', bytePath('日本'), "'", 'd0 1 2 3'];
    for (const name of names) {
      mkdirSync(at(`${name}/below \xff`), { recursive: true });
      put(`${name}/below \xff/f`);
    }
    const found = await survey();
    expect([...found.digests.keys()].sort()).toEqual(
      ['', ...names.flatMap((name) => [name, `${name}/below \xff`])].sort(),
    );
  });

  test('can be of a part of the tree', async () => {
    makePackages('sw', 3);
    makePackages('other', 3);
    const whole = await survey();
    const part = await survey('sw/p1');
    expect([...part.digests.keys()].sort()).toEqual(['sw/p1', 'sw/p1/d']);
    for (const [path, digest] of part.digests) expect(digest).toBe(whole.digests.get(path));
  });

  test('is not made where the program is missing, fails or finds nothing there', async () => {
    expect(await surveyTree(root, '', { program: '/nowhere/find' })).toBeNull();
    expect(await surveyTree(root, '', { program: 'false' })).toBeNull();
    expect(await surveyTree(root, 'gone')).toBeNull();
    expect(await surveyTree(`${root}/gone`, '')).toBeNull();
  });
});

function replaceUnseen(): void {
  const path = `${root}/sw/p1/d/a`;
  const { atime, mtime } = lstatSync(path);
  writeFileSync(path, 'TEXT');
  utimesSync(path, atime, mtime);
}
