import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { deflate, inflate, inflateSync } from 'node:zlib';
import type { Disk } from '../disk.ts';
import { Stratum0Error, systemCode } from '../errors.ts';
import { contentHash, type HashAlgorithm, hasHash } from './hashes.ts';
import { type ObjectSuffix, objectName } from './names.ts';

export { type ObjectSuffix, objectName } from './names.ts';

/**
 * Content-addressed objects below `data/`: zlib-compressed, named by the hash of what is stored, in 256 directories by
 * the first byte (CernVM-FS technical documentation, "Content Addressable Storage"). What is in files is stored by
 * `objects/pool.ts`; this is for all else.
 */
export interface ObjectStore {
  /** Compresses and stores content; gives the object's hash. */
  put(content: Uint8Array, suffix: ObjectSuffix): Promise<string>;
  /** Counts objects in that were stored otherwise; names as of {@link objectName}. */
  add(names: readonly string[]): void;
  /** Catalogs that were put and were not there, and their bytes as they are stored. */
  readonly catalogs: { readonly count: number; readonly bytes: number };
  /** Many objects are there already: begins to make them durable, while there is other work. */
  hasten(): void;
  /** Makes all objects durable that were put or added so far. */
  settle(): Promise<void>;
}

/** The most objects that are made durable each on its own. */
const SYNC_ONE_BY_ONE = 16;

/** Certificate and description: mirrors compress them themselves, and must come to the same bytes. */
const MADE_ANEW: ReadonlySet<ObjectSuffix> = new Set(['X', 'M']);

const deflateAll = promisify<Uint8Array, Buffer>(deflate);
const inflateAll = promisify<Buffer, Buffer>(inflate);

/**
 * The store of one repository; `served` is the directory that holds `data/`. The file `unsettled` is there from now until
 * all is settled. Where it was there already, an earlier writer has died or failed: what it left may be found and used again
 * without ever having been made durable, so then everything is.
 */
export function objectStore(disk: Disk, served: string, unsettled: string, algorithm: HashAlgorithm): ObjectStore {
  let fresh: string[] = [];
  const catalogs = { count: 0, bytes: 0 };
  const hastened: Promise<void>[] = [];
  /** All is made durable, not only what is known. */
  let isAll = existsSync(unsettled);
  const add = (path: string): void => {
    if (!isAll) fresh.push(path);
    // A few objects are made durable one by one; many at once, which costs less, and their names need not be kept.
    if (fresh.length <= SYNC_ONE_BY_ONE) return;
    isAll = true;
    fresh = [];
  };
  writeFileSync(unsettled, '');
  return {
    catalogs,
    async put(content, suffix) {
      const packed = await compressed(content, suffix);
      const hash = contentHash(algorithm, packed);
      const path = `${served}/${objectName(hash, suffix)}`;
      if (!disk.putObject(path, packed)) return hash;
      add(path);
      if (suffix === 'C') {
        catalogs.count += 1;
        catalogs.bytes += packed.length;
      }
      return hash;
    },
    add(names) {
      for (const name of names) add(`${served}/${name}`);
    },
    hasten() {
      hastened.push(disk.hastenStore(served));
    },
    async settle() {
      await Promise.all(hastened.splice(0));
      if (isAll) await disk.syncTree(`${served}/data`);
      else await disk.syncObjects(fresh);
      fresh = [];
      isAll = false;
      rmSync(unsettled, { force: true });
    },
  };
}

/** Only who makes a repository, or gives it another certificate, needs the other compressor. */
async function compressed(content: Uint8Array, suffix: ObjectSuffix): Promise<Buffer> {
  if (!MADE_ANEW.has(suffix)) return deflateAll(content);
  const { canonicalZlib } = await import('./canonical.ts');
  return canonicalZlib(content);
}

function checkHash(packed: Buffer, hash: string, suffix: ObjectSuffix): void {
  if (!hasHash(packed, hash))
    throw new Stratum0Error(
      'damaged_object',
      `${objectName(hash, suffix)} does not have the content that its name says`,
    );
}

function cannotUnpack(hash: string, suffix: ObjectSuffix): Stratum0Error {
  return new Stratum0Error('damaged_object', `${objectName(hash, suffix)} cannot be decompressed`);
}

/** Checks an object's bytes against its name and unpacks them. Throws `damaged_object`. */
export async function unpackObject(packed: Buffer, hash: string, suffix: ObjectSuffix): Promise<Buffer> {
  checkHash(packed, hash, suffix);
  return inflateAll(packed).catch(() => {
    throw cannotUnpack(hash, suffix);
  });
}

/** As {@link unpackObject}, at once. */
export function unpackObjectSync(packed: Buffer, hash: string, suffix: ObjectSuffix): Buffer {
  checkHash(packed, hash, suffix);
  try {
    return inflateSync(packed);
  } catch {
    throw cannotUnpack(hash, suffix);
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
