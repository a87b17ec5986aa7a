/** Written as the property `schema`; 2.5 is what all clients since 2.1 read. */
export const SCHEMA = '2.5';
/** The property `schema_revision`: compatible additions to the schema (7: `bind_mountpoints`, nanoseconds). */
export const SCHEMA_REVISION = '7';
/** Pages of the stock tools' databases. */
export const PAGE_BYTES = 1024;
/** `previous_revision` of a catalog that is the first of its path. */
export const NO_HASH = '0'.repeat(40);

/**
 * Bits of the column `flags` (CernVM-FS technical documentation, "File Catalog", table of the flags; the values are those
 * of the stock tools' catalogs). The three bits from 2^8 name the hash algorithm, 0 is SHA-1, 1 RIPEMD-160, 2 SHAKE-128; those from 2^11 the
 * compression, 0 is zlib.
 */
export const FLAGS = {
  directory: 1,
  transition: 2,
  file: 4,
  /** Together with `file`. */
  symlink: 8,
  special: 16,
  nestedRoot: 32,
  chunked: 64,
  external: 128,
  hashAlgorithm: 0x700,
  hashUnit: 0x100,
  compression: 0x3800,
  bindMountpoint: 0x4000,
  hidden: 0x8000,
} as const;

/** The tables of a file catalog, column for column as the stock tools make them. */
export const CATALOG_TABLES = `
CREATE TABLE properties (key TEXT, value TEXT, CONSTRAINT pk_properties PRIMARY KEY (key));
CREATE TABLE catalog (md5path_1 INTEGER, md5path_2 INTEGER, parent_1 INTEGER, parent_2 INTEGER, hardlinks INTEGER, hash BLOB, size INTEGER, mode INTEGER, mtime INTEGER, mtimens INTEGER, flags INTEGER, name TEXT, symlink TEXT, uid INTEGER, gid INTEGER, xattr BLOB,  CONSTRAINT pk_catalog PRIMARY KEY (md5path_1, md5path_2));
CREATE INDEX idx_catalog_parent ON catalog (parent_1, parent_2);
CREATE TABLE chunks (md5path_1 INTEGER, md5path_2 INTEGER, offset INTEGER, size INTEGER,  hash BLOB,  CONSTRAINT pk_chunks PRIMARY KEY (md5path_1, md5path_2, offset, size),  FOREIGN KEY (md5path_1, md5path_2) REFERENCES    catalog(md5path_1, md5path_2));
CREATE TABLE nested_catalogs (path TEXT, sha1 TEXT, size INTEGER, CONSTRAINT pk_nested_catalogs PRIMARY KEY (path));
CREATE TABLE bind_mountpoints (path TEXT, sha1 TEXT, size INTEGER, CONSTRAINT pk_bind_mountpoints PRIMARY KEY (path));
CREATE TABLE statistics (counter TEXT, value INTEGER, CONSTRAINT pk_statistics PRIMARY KEY (counter));
`;
