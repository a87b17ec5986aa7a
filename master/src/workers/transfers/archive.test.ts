import { lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../test-room.ts';
import { unpack } from './archive.ts';

interface Entry {
  readonly path: string;
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'FIFO';
  readonly linkpath?: string;
  readonly content?: string;
  readonly mode?: number;
}

/** A tar archive by hand, as no honest program would make it. */
function archiveOf(...entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, type = 'File', linkpath = '', content = '', mode = 0o644 }) => {
    const header = new Header({ path, type, linkpath, mode, size: content.length, mtime: new Date(0), uid: 0, gid: 0 });
    const head = Buffer.alloc(512);
    header.encode(head, 0);
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    body.write(content);
    return [head, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

async function take(archive: Buffer, maxBytes: number | null = null): Promise<string> {
  const directory = join(temporaryDirectory(), 'to');
  mkdirSync(directory);
  async function* source() {
    for (let at = 0; at < archive.length; at += 700) yield archive.subarray(at, at + 700);
  }
  await unpack(directory, maxBytes).take(source());
  return directory;
}

describe('an archive', () => {
  test('is unpacked with its files, directories and links, without owners and set-user-id', async () => {
    const directory = await take(
      archiveOf(
        { path: './', type: 'Directory', mode: 0o755 },
        { path: './sub/', type: 'Directory', mode: 0o500 },
        { path: './sub/tool', content: 'hello', mode: 0o4755 },
        { path: './sub/link', type: 'SymbolicLink', linkpath: '../sub/tool' },
        { path: './hard', type: 'Link', linkpath: './sub/tool' },
      ),
    );
    expect(readdirSync(directory).sort()).toEqual(['hard', 'sub']);
    expect(readFileSync(join(directory, 'sub', 'link'), 'utf8')).toBe('hello');
    expect(lstatSync(join(directory, 'sub', 'tool')).mode & 0o7777).toBe(0o755);
    expect(lstatSync(join(directory, 'sub')).mode & 0o7777).toBe(0o700);
  });

  const unsafe: readonly [string, Entry[]][] = [
    ['an absolute path', [{ path: '/tmp/evil', content: 'x' }]],
    ['a climbing path', [{ path: '../evil', content: 'x' }]],
    ['a path that climbs in its middle', [{ path: 'a/../../evil', content: 'x' }]],
    ['an absolute link', [{ path: 'l', type: 'SymbolicLink', linkpath: '/etc/passwd' }]],
    ['a climbing link', [{ path: 'd/l', type: 'SymbolicLink', linkpath: '../../evil' }]],
    [
      'a link that climbs behind another one',
      [
        { path: 's/t/', type: 'Directory', mode: 0o755 },
        { path: 's/t/up', type: 'SymbolicLink', linkpath: '../..' },
        { path: 'l', type: 'SymbolicLink', linkpath: 's/t/up/../evil' },
      ],
    ],
    ['a hard link to the outside', [{ path: 'l', type: 'Link', linkpath: '../evil' }]],
    [
      'a file behind a link',
      [
        { path: 'd/', type: 'Directory', mode: 0o755 },
        { path: 'l', type: 'SymbolicLink', linkpath: 'd' },
        { path: 'l/evil', content: 'x' },
      ],
    ],
    ['a device', [{ path: 'null', type: 'CharacterDevice' }]],
    ['a pipe', [{ path: 'pipe', type: 'FIFO' }]],
  ];
  test.each(unsafe)('with %s is not taken', async (what, entries) => {
    await expect(take(archiveOf({ path: 'first', content: 'fine' }, ...entries))).rejects.toMatchObject({
      status: 422,
      // What only the unpacker can know, it refuses itself.
      code: what === 'a file behind a link' ? 'bad_archive' : 'unsafe_archive',
    });
  });

  test('that breaks off is not taken', async () => {
    const archive = archiveOf({ path: 'f', content: 'x'.repeat(5000) });
    await expect(take(archive.subarray(0, 3000))).rejects.toMatchObject({ status: 422, code: 'bad_archive' });
  });

  test('is measured by what it unpacks to, compressed or not', async () => {
    const archive = archiveOf({ path: 'f', content: 'x'.repeat(5000) });
    await expect(take(archive, 5000)).resolves.toBeTypeOf('string');
    await expect(take(gzipSync(archive), 4999)).rejects.toMatchObject({ status: 413 });
  });
});
