import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realDisk } from '../disk.ts';
import { temporaryDirectory } from '../testing/site.ts';
import { hashOf } from '../trust/signing.ts';
import { compress } from './compress.ts';
import { objectName } from './names.ts';
import type { PackJob } from './pack.ts';
import { inlinePacker, type PackedFile, type Packer, threadedPacker } from './pool.ts';

const MIB = 1024 * 1024;

describe('the store of files', () => {
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory();
    for (let i = 0; i < 256; i += 1)
      mkdirSync(join(directory, 'data', i.toString(16).padStart(2, '0')), { recursive: true });
    mkdirSync(join(directory, 'data', 'txn'));
    mkdirSync(join(directory, 'tree'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function job(name: string, content: Buffer): PackJob {
    const path = join(directory, 'tree', name);
    writeFileSync(path, content);
    const { ino: inode, mtimeNs, ctimeNs, size } = lstatSync(path, { bigint: true });
    return {
      path: Buffer.from(path),
      label: name,
      algorithm: 'sha1',
      sizeBytes: Number(size),
      inode,
      mtimeNs,
      ctimeNs,
    };
  }

  async function run(packer: Packer, jobs: readonly PackJob[]): Promise<readonly PackedFile[]> {
    try {
      const half = jobs.length >> 1;
      const both = await Promise.all([packer.pack(jobs.slice(0, half)), packer.pack(jobs.slice(half))]);
      return both.flat();
    } finally {
      await packer.close();
    }
  }
  const inline = () => inlinePacker((name, bytes) => realDisk.putObject(join(directory, name), bytes));
  const contentOf = ({ hash, chunks }: PackedFile): Buffer => {
    const parts = hash === null ? chunks.map((chunk) => objectName(chunk.hash, 'P')) : [objectName(hash, '')];
    return Buffer.concat(parts.map((name) => inflateSync(readFileSync(join(directory, name)))));
  };

  test('names what the system refuses in one line, also from a thread', async () => {
    rmSync(join(directory, 'data'), { recursive: true });
    const failed = run(threadedPacker(directory, 1), [job('f', Buffer.from('f')), job('g', Buffer.from('g'))]);
    await expect(failed).rejects.toMatchObject({
      code: 'system_error',
      message: expect.stringMatching(/^ENOENT.*again$/),
    });
  });

  test('holds every file whole, small and large, whether threads or the caller put it there', async () => {
    const contents = [
      ...Array.from({ length: 150 }, (_, i) => Buffer.from(`file ${i % 100}`)),
      Buffer.alloc(0),
      randomBytes(21 * MIB),
      Buffer.alloc(33 * MIB, 'abc'),
      Buffer.alloc(4 * MIB),
    ];
    const jobs = contents.map((content, i) => job(`f${i}`, content));
    const packed = await run(threadedPacker(directory, 2), jobs);
    expect(packed.map((file) => hashOf(contentOf(file)))).toEqual(contents.map((content) => hashOf(content)));
    expect(packed.map(({ chunks }) => chunks.length > 1).lastIndexOf(true)).toBe(152);
    expect(packed.flatMap(({ newObjects }) => newObjects).length).toBe(
      new Set(packed.flatMap(({ newObjects }) => newObjects)).size,
    );
    const again = await run(inline(), jobs);
    expect(again.map(({ hash, chunks }) => ({ hash, chunks }))).toEqual(
      packed.map(({ hash, chunks }) => ({ hash, chunks })),
    );
    expect(again.flatMap(({ newObjects }) => newObjects)).toEqual([]);
  }, 120_000);

  test.each([1, 70])('names the file that changed or went away, among %i', async (count) => {
    const jobs = Array.from({ length: count }, (_, i) => job(`f${i}`, Buffer.from(`${i}`)));
    writeFileSync(join(directory, 'tree', 'f0'), 'longer than before');
    for (const packer of [inline(), threadedPacker(directory, 2)])
      await expect(run(packer, jobs)).rejects.toMatchObject({
        code: 'file_changed',
        message: expect.stringContaining('f0'),
      });
    rmSync(join(directory, 'tree', 'f0'));
    mkdirSync(join(directory, 'tree', 'f0'));
    for (const packer of [inline(), threadedPacker(directory, 2)])
      await expect(run(packer, jobs)).rejects.toMatchObject({ code: 'file_changed' });
    rmSync(join(directory, 'tree', 'f0'), { recursive: true });
    for (const packer of [inline(), threadedPacker(directory, 2)])
      await expect(run(packer, jobs)).rejects.toMatchObject({ code: 'unreadable_file' });
  });

  test('replaces what a crash left half-written under the right name', async () => {
    const content = Buffer.from('content '.repeat(50));
    const packed = compress(content);
    const name = objectName(hashOf(packed), '');
    writeFileSync(join(directory, name), packed.subarray(0, 9));
    const [file] = await run(inline(), [job('f', content)]);
    expect(file?.newObjects).toEqual([name]);
    expect(readFileSync(join(directory, name)).equals(packed)).toBe(true);
    expect(readdirSync(join(directory, 'data', 'txn'))).toEqual([]);
  });
});
