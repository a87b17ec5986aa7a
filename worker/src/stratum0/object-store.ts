import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { access, type FileHandle, open, readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createDeflate, deflate, inflate } from 'node:zlib';
import { type Disk, type DiskFile, finishWith, removeIfThere } from './disk.ts';
import { Stratum0Error, systemCode } from './errors.ts';
import { hashOf } from './signing.ts';

/** What an object is, by the letter after its hash: C a snapshot, X a certificate, H a history; none for a file's content. */
export type ObjectSuffix = '' | 'C' | 'X' | 'H';

export interface StoredObject {
  /** SHA-1 of the compressed bytes: the object's name. */
  readonly hash: string;
  readonly sizeBytes: number;
  readonly storedBytes: number;
  /** False: an object of this name was there already. */
  readonly isNew: boolean;
}

/**
 * Content-addressed objects below `data/`: zlib-compressed, named by the SHA-1 of what is stored, in 256 directories by
 * the first byte (CernVM-FS technical documentation, "Content Addressable Storage").
 */
export interface ObjectStore {
  put(content: Buffer, suffix: ObjectSuffix): Promise<StoredObject>;
  /** Stores a file's content. Throws `file_changed` when somebody writes to it meanwhile, `unreadable_file`. */
  putFile(path: Buffer, label: string): Promise<StoredObject & { readonly stat: BigIntStats }>;
  /** Makes the names of all objects put so far durable. */
  settle(): Promise<void>;
}

/** Larger files are compressed as a stream instead of in one piece. */
const STREAM_FROM_BYTES = 4 * 1024 * 1024;
const deflateAll = promisify(deflate);
const inflateAll = promisify<Buffer, Buffer>(inflate);

export function objectName(hash: string, suffix: ObjectSuffix): string {
  return `data/${hash.slice(0, 2)}/${hash.slice(2)}${suffix}`;
}

/** The store of one repository; `served` is the directory that holds `data/`. */
export function objectStore(disk: Disk, served: string): ObjectStore {
  const touched = new Set<string>();
  let serial = 0;

  async function keep(write: (file: DiskFile) => Promise<string>, suffix: ObjectSuffix) {
    serial += 1;
    const temporary = `${served}/data/txn/${process.pid}-${serial}`;
    await removeIfThere(disk, temporary);
    const file = await disk.create(temporary, 0o644);
    let hash = '';
    await finishWith(file, async () => {
      hash = await write(file);
    });
    const path = `${served}/${objectName(hash, suffix)}`;
    const isNew = !(await exists(path));
    if (isNew) {
      await disk.rename(temporary, path);
      touched.add(path.slice(0, path.lastIndexOf('/')));
    } else await disk.remove(temporary);
    return { hash, isNew };
  }

  async function put(content: Buffer, suffix: ObjectSuffix): Promise<StoredObject> {
    const packed = await deflateAll(content);
    const hash = hashOf(packed);
    const base = { hash, sizeBytes: content.length, storedBytes: packed.length };
    if (await exists(`${served}/${objectName(hash, suffix)}`)) return { ...base, isNew: false };
    const { isNew } = await keep(async (file) => {
      await file.write(packed);
      return hash;
    }, suffix);
    return { ...base, isNew };
  }

  async function putStream(source: FileHandle): Promise<StoredObject> {
    let sizeBytes = 0;
    let storedBytes = 0;
    const { hash, isNew } = await keep(async (file) => {
      const digest = createHash('sha1');
      await pipeline(
        source.createReadStream({ autoClose: false, start: 0 }),
        async function* count(chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            sizeBytes += chunk.length;
            yield chunk;
          }
        },
        createDeflate(),
        async (chunks: AsyncIterable<Buffer>) => {
          for await (const chunk of chunks) {
            digest.update(chunk);
            storedBytes += chunk.length;
            await file.write(chunk);
          }
        },
      );
      return digest.digest('hex');
    }, '');
    return { hash, sizeBytes, storedBytes, isNew };
  }

  return {
    put,
    async putFile(path, label) {
      const source = await openToRead(path, label);
      try {
        const before = await source.stat({ bigint: true });
        const stored =
          before.size > STREAM_FROM_BYTES ? await putStream(source) : await put(await source.readFile(), '');
        const stat = await source.stat({ bigint: true });
        if (stat.mtimeNs !== before.mtimeNs || BigInt(stored.sizeBytes) !== stat.size)
          throw new Stratum0Error(
            'file_changed',
            `${label} was written to while it was read; let its writer finish first`,
          );
        return { ...stored, stat };
      } finally {
        await source.close();
      }
    },
    async settle() {
      for (const directory of touched) await disk.syncDirectory(directory);
      touched.clear();
    },
  };
}

async function openToRead(path: Buffer, label: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    throw new Stratum0Error(
      'unreadable_file',
      `${label} cannot be read (${systemCode(error)}): make it readable or remove it`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Checks an object's bytes against its name and unpacks them. Throws `damaged_object`. */
export async function unpackObject(packed: Buffer, hash: string, suffix: ObjectSuffix): Promise<Buffer> {
  if (hashOf(packed) !== hash)
    throw new Stratum0Error(
      'damaged_object',
      `${objectName(hash, suffix)} does not have the content that its name says`,
    );
  try {
    return await inflateAll(packed);
  } catch {
    throw new Stratum0Error('damaged_object', `${objectName(hash, suffix)} cannot be decompressed`);
  }
}

/** Reads and checks an object from a served directory. Throws `missing_object` or `damaged_object`. */
export async function readObject(served: string, hash: string, suffix: ObjectSuffix): Promise<Buffer> {
  let packed: Buffer;
  try {
    packed = await readFile(`${served}/${objectName(hash, suffix)}`);
  } catch (error) {
    throw new Stratum0Error('missing_object', `${objectName(hash, suffix)} cannot be read (${systemCode(error)})`);
  }
  return unpackObject(packed, hash, suffix);
}
