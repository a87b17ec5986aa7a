import type { BytePath } from '../byte-path.ts';
import { joinPath, parentPath } from '../byte-path.ts';
import { Stratum0Error } from '../errors.ts';
import { algorithmOf, type ContentHash, HASH_ALGORITHMS, hashBytes, namedHash } from '../objects/hashes.ts';
import type { CatalogEntry, Chunk } from './entry.ts';
import { bytes, hexadecimal, integer, type Row, toText } from './memory-database.ts';
import { hashPath, NO_PARENT } from './path-hash.ts';
import { FLAGS } from './schema.ts';

/** File types in `mode` (inode(7)). */
const TYPE_MASK = 0o170000;
const TYPES = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const;
const PERMISSIONS = 0o7777;
/**
 * The link count is in the lower 32 bits of `hardlinks`, the group in the upper 32; they are read one by one, since both
 * together may be more than a number holds exactly.
 */
const GROUP_UNIT = 2n ** 32n;
/** The group of hard links of a row; 0: none. */
export const LINK_GROUP = '((hardlinks >> 32) & 4294967295)';

/** Names and link targets are bytes, not text: they are read and bound as such. */
export const COLUMNS = `hardlinks & 4294967295 AS linkCount, ${LINK_GROUP} AS linkGroup, hash, size, mode, mtime, mtimens, flags, CAST(name AS BLOB) AS name, CAST(symlink AS BLOB) AS symlink, uid, gid, xattr`;

export function nameOf(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** An entry as the values of `INSERT` into `catalog`: path, parent, then as the table has them. */
export function toValues(entry: CatalogEntry) {
  const path = hashPath(entry.path);
  const parent = entry.path === '' ? NO_PARENT : hashPath(parentPath(entry.path));
  return [
    path.first,
    path.second,
    parent.first,
    parent.second,
    entry.linkGroup === 0 ? entry.linkCount : hardlinksOf(entry),
    entry.hash === null ? null : hashBytes(entry.hash),
    entry.sizeBytes,
    TYPES[entry.type] | entry.mode,
    entry.mtime,
    entry.mtimeNanoseconds,
    flagsOf(entry),
    toText(nameOf(entry.path)),
    toText(entry.target ?? ''),
    entry.uid,
    entry.gid,
    entry.attributes === null ? null : Buffer.from(entry.attributes, 'latin1'),
  ];
}

/** As the signed integer that SQLite can hold. */
function hardlinksOf({ linkGroup, linkCount }: CatalogEntry): bigint {
  return BigInt.asIntN(64, BigInt(linkGroup) * GROUP_UNIT + BigInt(linkCount));
}

function flagsOf(entry: CatalogEntry): number {
  if (entry.type === 'symlink') return FLAGS.file | FLAGS.symlink;
  if (entry.type === 'file') {
    const hash = entry.hash ?? entry.chunks[0]?.hash ?? '';
    const algorithm = HASH_ALGORITHMS.indexOf(algorithmOf(hash)) * FLAGS.hashUnit;
    return FLAGS.file | (entry.chunks.length > 0 ? FLAGS.chunked : 0) | algorithm;
  }
  if (entry.border === 'none') return FLAGS.directory;
  return FLAGS.directory | (entry.border === 'root' ? FLAGS.nestedRoot : FLAGS.transition);
}

/**
 * The entry that a row holds, `parent` being the path of its directory (null: it is the repository's root). `chunksOf` is
 * asked for those of a chunked file, with the bare digits of their hashes. Throws `damaged_object` for a row that no catalog of ours or of the default stock
 * configuration can hold.
 */
export function fromRow(row: Row, parent: BytePath | null, chunksOf: (path: BytePath) => Chunk[]): CatalogEntry {
  const name = bytes(row.name);
  const path = parent === null ? '' : joinPath(parent, name);
  const flags = integer(row.flags);
  const mode = integer(row.mode);
  const refuse = (what: string): never => {
    throw new Stratum0Error('damaged_object', `a catalog's entry "${path}" ${what}`);
  };
  if (parent !== null && (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)))
    refuse('has a name that no file can have');
  const algorithm = algorithmOfFlags(flags);
  if (algorithm === undefined || (flags & ~SUPPORTED_FLAGS) !== 0)
    refuse(
      `has flags (${flags}) that are not supported: another hash or compression, or a special, external or hidden entry`,
    );
  const type = typeOf(flags);
  if ((mode & TYPE_MASK) !== TYPES[type]) refuse(`has flags (${flags}) that do not fit its mode (${mode})`);
  return {
    path,
    type,
    mode: mode & PERMISSIONS,
    uid: integer(row.uid),
    gid: integer(row.gid),
    sizeBytes: integer(row.size),
    mtime: integer(row.mtime),
    mtimeNanoseconds: row.mtimens === null ? null : integer(row.mtimens),
    hash: hashOfRow(row),
    chunks:
      (flags & FLAGS.chunked) === 0
        ? []
        : chunksOf(path).map((chunk) => ({ ...chunk, hash: namedHash(algorithm ?? 'sha1', chunk.hash) })),
    target: type === 'symlink' ? bytes(row.symlink) : null,
    attributes: row.xattr === null ? null : bytes(row.xattr),
    linkCount: integer(row.linkCount),
    linkGroup: integer(row.linkGroup),
    border: borderOf(flags),
  };
}

/** Whatever else an entry may have would be lost when it is written again. */
const SUPPORTED_FLAGS =
  FLAGS.directory |
  FLAGS.transition |
  FLAGS.file |
  FLAGS.symlink |
  FLAGS.nestedRoot |
  FLAGS.chunked |
  FLAGS.hashAlgorithm;

const algorithmOfFlags = (flags: number) => HASH_ALGORITHMS[(flags & FLAGS.hashAlgorithm) / FLAGS.hashUnit];

/** The hash in a row with its entry's flags; null where there is none. */
export function hashOfRow(row: Row): ContentHash | null {
  const digits = hexadecimal(row.hash);
  return digits === null ? null : namedHash(algorithmOfFlags(integer(row.flags)) ?? 'sha1', digits);
}

function typeOf(flags: number): CatalogEntry['type'] {
  if ((flags & FLAGS.directory) !== 0) return 'directory';
  return (flags & FLAGS.symlink) !== 0 ? 'symlink' : 'file';
}

function borderOf(flags: number): CatalogEntry['border'] {
  if ((flags & FLAGS.nestedRoot) !== 0) return 'root';
  return (flags & FLAGS.transition) !== 0 ? 'transition' : 'none';
}
