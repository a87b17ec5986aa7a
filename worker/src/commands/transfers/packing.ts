import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink } from 'node:fs/promises';
import { Header, Pax } from 'tar';
import { Failure, systemCode } from '../../failure.ts';
import { pathOf } from '../confinement.ts';

/** Larger pieces than a stream's usual ones: a transfer is to be bound by the disk and the wire. */
const PIECE_BYTES = 512 * 1024;
/** Directories below each other; each is held open while what is in it is read. */
const MOST_DEPTH = 256;
/** Tar's unit: headers and contents are filled up to it. */
const BLOCK_BYTES = 512;
const NO_LINKS = constants.O_RDONLY | constants.O_NOFOLLOW;

/** Where the walk is: a directory that is open, and its path in the archive. */
interface Place {
  readonly handle: FileHandle;
  readonly path: string;
  readonly depth: number;
}

/**
 * Packs what is in an open directory, as a tar stream. Every directory is opened within the one above it, and every file
 * within its directory, none through a link: whatever is put in the place of what while it is read, nothing outside of the
 * directory is packed. Sockets, pipes and devices are left out; `leftOut` hears of them. Throws {@link Failure} `changed`,
 * `too_deep`, or the system's error.
 */
export async function* packed(
  directory: FileHandle,
  leftOut: (path: string) => void,
  mostDepth = MOST_DEPTH,
): AsyncGenerator<Buffer> {
  const links = new Map<string, string>();
  const pack = { links, leftOut, mostDepth };
  yield* headerOf({ path: './', type: 'Directory' }, await directory.stat());
  yield* packedIn({ handle: directory, path: './', depth: 0 }, pack);
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

interface Packing {
  /** Paths of files that have several names, by what they are. */
  readonly links: Map<string, string>;
  readonly leftOut: (path: string) => void;
  readonly mostDepth: number;
}

async function* packedIn(place: Place, pack: Packing): AsyncGenerator<Buffer> {
  if (place.depth > pack.mostDepth)
    throw new Failure(
      'too_deep',
      `${place.path} is more than ${pack.mostDepth} directories deep; pack it in the build instead`,
    );
  const here = pathOf(place.handle);
  for (const name of (await readdir(here)).sort()) {
    const path = `${place.path}${name}`;
    const facts = await lstat(`${here}/${name}`);
    if (facts.isSymbolicLink())
      yield* headerOf({ path, type: 'SymbolicLink', linkpath: await readlink(`${here}/${name}`) }, facts);
    else if (facts.isDirectory()) yield* packedDirectory(place, name, pack);
    else if (facts.isFile()) yield* packedFile(place, name, pack);
    else pack.leftOut(path);
  }
}

async function* packedDirectory(above: Place, name: string, pack: Packing): AsyncGenerator<Buffer> {
  await using handle = await openIn(above, name, NO_LINKS | constants.O_DIRECTORY);
  const path = `${above.path}${name}/`;
  yield* headerOf({ path, type: 'Directory' }, await handle.stat());
  yield* packedIn({ handle, path, depth: above.depth + 1 }, pack);
}

async function* packedFile(directory: Place, name: string, { links }: Packing): AsyncGenerator<Buffer> {
  const path = `${directory.path}${name}`;
  // A pipe that was put in its place would be waited for.
  await using handle = await openIn(directory, name, NO_LINKS | constants.O_NONBLOCK);
  const facts = await handle.stat();
  if (!facts.isFile()) throw changed(path);
  const identity = `${facts.dev}:${facts.ino}`;
  const linkpath = facts.nlink > 1 ? links.get(identity) : undefined;
  if (linkpath !== undefined) {
    yield* headerOf({ path, type: 'Link', linkpath }, facts);
    return;
  }
  if (facts.nlink > 1) links.set(identity, path);
  yield* headerOf({ path, type: 'File', size: facts.size }, facts);
  yield* contentOf(handle, facts.size, path);
}

/** Exactly as many bytes as were announced. */
async function* contentOf(handle: FileHandle, size: number, path: string): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size - at));
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) throw changed(path);
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
  const rest = size % BLOCK_BYTES;
  if (rest !== 0) yield Buffer.alloc(BLOCK_BYTES - rest);
}

async function openIn({ handle, path }: Place, name: string, flags: number): Promise<FileHandle> {
  try {
    return await open(`${pathOf(handle)}/${name}`, flags);
  } catch (error) {
    if (['ELOOP', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw changed(`${path}${name}`);
    throw error;
  }
}

function changed(path: string): Failure {
  return new Failure('changed', `${path} changed while it was packed; upload it when nothing writes there any more`);
}

interface EntryData {
  readonly path: string;
  readonly type: 'File' | 'Directory' | 'SymbolicLink' | 'Link';
  readonly linkpath?: string;
  readonly size?: number;
}

/** An entry's header, before it another one for what does not fit into it: long names, large sizes. */
function* headerOf(entry: EntryData, { mode, mtime }: Stats): Generator<Buffer> {
  const data = { size: 0, ...entry, mode: mode & 0o7777, mtime };
  const header = new Header(data);
  if (header.encode()) yield new Pax(data).encode();
  if (header.block !== undefined) yield header.block;
}
