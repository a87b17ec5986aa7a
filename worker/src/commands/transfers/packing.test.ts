import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { link, mkdir, open, readFile, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { extract } from 'tar';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../test-support/directories.ts';
import { packed } from './packing.ts';

let base: string;
beforeEach(async () => {
  base = await temporaryDirectory();
  await mkdir(join(base, 'outside'));
  await writeFile(join(base, 'outside/key'), 'a key of somebody else');
  await mkdir(join(base, 'out/sub'), { recursive: true });
  await writeFile(join(base, 'out/sub/key'), 'mine');
});
const path = (name: string) => join(base, 'out', name);

/** The archive of `out`; `during` is done once the walk has told of an entry with this path and waits for a reader. */
async function archive(during: Readonly<Record<string, () => Promise<void>>> = {}, left: string[] = []) {
  const directory = await open(join(base, 'out'));
  onTestFinished(() => directory.close());
  const pieces: Buffer[] = [];
  for await (const piece of packed(directory, (name) => left.push(name))) {
    pieces.push(piece);
    const name = piece.subarray(0, 100).toString().replace(/\0.*$/s, '');
    await during[name]?.();
  }
  return Buffer.concat(pieces);
}

async function unpacked(bytes: Buffer): Promise<string> {
  const to = await temporaryDirectory();
  const target = extract({ cwd: to, strict: true });
  target.end(bytes);
  await once(target, 'close');
  return to;
}

/** A link to what is outside takes the place of something in the tree. */
const replaced = (name: string, to: string) => async () => {
  await rename(path(name), join(base, `${name.replaceAll('/', '-')}-before`));
  await symlink(to, path(name));
};

describe('a link that takes the place of something while its directory is packed', () => {
  it('a directory that is about to be opened: the link itself is packed, and nothing of what it leads to', async () => {
    await writeFile(path('a'), 'first');
    const bytes = await archive({ './a': replaced('sub', join(base, 'outside')) });
    expect(bytes.toString()).not.toContain('a key of somebody else');
  });

  it('a directory that is open: its own files are packed', async () => {
    const bytes = await archive({ './sub/': replaced('sub', join(base, 'outside')) });
    expect(bytes.toString()).not.toContain('a key of somebody else');
    expect(await readFile(join(await unpacked(bytes), 'sub/key'), 'utf8')).toBe('mine');
  });

  it('a file that is about to be opened', async () => {
    await writeFile(path('sub/a'), 'first');
    const bytes = await archive({ './sub/a': replaced('sub/key', join(base, 'outside/key')) });
    expect(bytes.toString()).not.toContain('a key of somebody else');
  });

  it('the directory itself', async () => {
    const swap = async () => {
      await rename(join(base, 'out'), join(base, 'before'));
      await symlink(join(base, 'outside'), join(base, 'out'));
    };
    const bytes = await archive({ './': swap });
    expect(bytes.toString()).not.toContain('a key of somebody else');
    expect(await readFile(join(await unpacked(bytes), 'sub/key'), 'utf8')).toBe('mine');
  });

  it('back and forth, at every moment: nothing outside is ever packed', async () => {
    await symlink(join(base, 'outside'), join(base, 'to-outside'));
    let over = false;
    const swapping = (async () => {
      while (!over) {
        await rename(path('sub'), join(base, 'kept'));
        await rename(join(base, 'to-outside'), path('sub'));
        await rename(path('sub'), join(base, 'to-outside'));
        await rename(join(base, 'kept'), path('sub'));
      }
    })();
    for (let i = 0; i < 100; i += 1) {
      const bytes = await archive().catch((error: unknown) => Buffer.from(String(error)));
      expect(bytes.toString()).not.toContain('a key of somebody else');
    }
    over = true;
    await swapping;
  });
});

describe('a directory that is packed', () => {
  it('comes with long names, links, empty files, several names of a file, modes and times', async () => {
    const long = `${'long '.repeat(40)}ü`;
    await mkdir(path(long));
    await writeFile(path(`${long}/${long}`), 'x'.repeat(1025), { mode: 0o750 });
    await utimes(path(`${long}/${long}`), 1_700_000_000, 1_700_000_000);
    await writeFile(path('empty'), '');
    await link(path('sub/key'), path('also'));
    await symlink('nowhere', path('away'));
    const to = join(await unpacked(await archive()));
    const facts = await stat(join(to, long, long));
    expect([facts.size, facts.mode & 0o777, facts.mtimeMs]).toEqual([1025, 0o750, 1_700_000_000_000]);
    expect((await stat(join(to, 'empty'))).size).toBe(0);
    expect(await readFile(join(to, 'also'), 'utf8')).toBe('mine');
    expect((await stat(join(to, 'also'))).ino).toBe((await stat(join(to, 'sub/key'))).ino);
    expect(execFileSync('readlink', [join(to, 'away')], { encoding: 'utf8' })).toBe('nowhere\n');
  });

  it('leaves out pipes, and says so', async () => {
    execFileSync('mkfifo', [path('pipe')]);
    const left: string[] = [];
    const to = await unpacked(await archive({}, left));
    expect(left).toEqual(['./pipe']);
    await expect(stat(join(to, 'pipe'))).rejects.toThrow('ENOENT');
  });

  it('fails where a file becomes shorter, or is no file any more', async () => {
    await writeFile(path('a'), 'x'.repeat(5000));
    await expect(archive({ './a': () => truncate(path('a'), 0) })).rejects.toMatchObject({ code: 'changed' });
    await writeFile(path('a'), 'x');
    await expect(archive({ './a': () => rm(path('sub'), { recursive: true }) })).rejects.toThrow('ENOENT');
  });

  it('fails where it is deeper than there are files to be held open', async () => {
    await mkdir(path('d/d/d/d'), { recursive: true });
    const directory = await open(join(base, 'out'));
    onTestFinished(() => directory.close());
    const pack = async (depth: number) => {
      for await (const _ of packed(directory, () => {}, depth));
    };
    await expect(pack(4)).resolves.toBeUndefined();
    await expect(pack(3)).rejects.toMatchObject({
      code: 'too_deep',
      message: expect.stringContaining('3 directories'),
    });
  });
});
