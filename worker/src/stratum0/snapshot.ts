import { asText, type BytePath, bytePath } from './byte-path.ts';
import { Stratum0Error } from './errors.ts';

/** One name in the published tree. */
export interface SnapshotEntry {
  /** Below the repository's root; the root itself is the empty path. */
  readonly path: BytePath;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Permission bits, with set-user-id, set-group-id and sticky. */
  readonly mode: number;
  /** Of a file, in bytes; of a symbolic link, the length of its target; 0 for a directory. */
  readonly sizeBytes: number;
  /** Nanoseconds since the epoch. */
  readonly mtimeNs: bigint;
  /** Of a file: the object that holds its content. */
  readonly hash: string | null;
  /** Of a symbolic link. */
  readonly target: BytePath | null;
}

/**
 * A snapshot is the listing of a whole tree, as text: a line that names the form, then one JSON object a line for each
 * entry, in the order of the bytes of their paths, so that a directory comes before what is in it. Names that are
 * not UTF-8 are given in base64. (The real CernVM-FS catalogs take this object's place when they come.)
 */
const FORM = 'icefall-snapshot 1';

const LETTERS = { file: 'f', directory: 'd', symlink: 'l' } as const;
const TYPES: Readonly<Record<string, SnapshotEntry['type']>> = { f: 'file', d: 'directory', l: 'symlink' };

/** Entries must be in the order of {@link compareEntries}. */
export function encodeSnapshot(entries: readonly SnapshotEntry[]): Buffer {
  const lines = entries.map((entry) =>
    JSON.stringify({
      ...nameField('p', entry.path),
      t: LETTERS[entry.type],
      m: entry.mode,
      n: String(entry.mtimeNs),
      ...(entry.type === 'file' ? { s: entry.sizeBytes, h: entry.hash } : {}),
      ...(entry.target === null ? {} : nameField('l', entry.target)),
    }),
  );
  return Buffer.from(`${[FORM, ...lines].join('\n')}\n`);
}

function nameField(key: string, path: BytePath): Record<string, string> {
  const text = asText(path);
  return text === null ? { [`${key}64`]: Buffer.from(path, 'latin1').toString('base64') } : { [key]: text };
}

/** Throws `bad_snapshot` for anything that {@link encodeSnapshot} does not write. */
export function decodeSnapshot(bytes: Buffer): SnapshotEntry[] {
  const [form, ...lines] = bytes.toString('utf8').trimEnd().split('\n');
  if (form !== FORM)
    throw new Stratum0Error('bad_snapshot', `the snapshot begins with "${form?.slice(0, 60)}", not "${FORM}"`);
  return lines.map((line, i) => {
    const entry = decodeEntry(line);
    if (entry === null)
      throw new Stratum0Error('bad_snapshot', `line ${i + 2} of the snapshot is not an entry: ${line.slice(0, 200)}`);
    return entry;
  });
}

function decodeEntry(line: string): SnapshotEntry | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const fields = new Map<string, unknown>(Object.entries(value));
  const path = readName(fields, 'p');
  const target = readName(fields, 'l');
  const type = TYPES[String(fields.get('t'))];
  const mode = fields.get('m');
  const mtime = fields.get('n');
  const size = fields.get('s') ?? target?.length ?? 0;
  const hash = fields.get('h') ?? null;
  if (path === null || !isSafe(path) || type === undefined) return null;
  if (typeof mode !== 'number' || mode < 0 || mode > 0o7777) return null;
  if (typeof mtime !== 'string' || !/^-?\d{1,20}$/.test(mtime) || typeof size !== 'number') return null;
  if (type === 'file' ? typeof hash !== 'string' || !/^[0-9a-f]{40}$/.test(hash) : hash !== null) return null;
  if ((type === 'symlink') !== (target !== null)) return null;
  return {
    path,
    type,
    mode,
    sizeBytes: size,
    mtimeNs: BigInt(mtime),
    hash: typeof hash === 'string' ? hash : null,
    target,
  };
}

function readName(fields: ReadonlyMap<string, unknown>, key: string): BytePath | null {
  const text = fields.get(key);
  if (typeof text === 'string') return bytePath(text);
  const base64 = fields.get(`${key}64`);
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString('latin1') : null;
}

/** A path that stays below the root it is put under. */
function isSafe(path: BytePath): boolean {
  if (path === '') return true;
  return !path.includes('\0') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** By the bytes of the paths. */
export function compareEntries(a: { readonly path: BytePath }, b: { readonly path: BytePath }): number {
  if (a.path === b.path) return 0;
  return a.path < b.path ? -1 : 1;
}

/** Whether two entries say the same of the same path. */
export function sameEntry(a: SnapshotEntry, b: SnapshotEntry): boolean {
  return (
    a.type === b.type &&
    a.mode === b.mode &&
    a.mtimeNs === b.mtimeNs &&
    a.sizeBytes === b.sizeBytes &&
    a.hash === b.hash &&
    a.target === b.target
  );
}
