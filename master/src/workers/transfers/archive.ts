import type { Stats } from 'node:fs';
import { extract, type ReadEntry, type Unpack } from 'tar';
import { TransferError } from './errors.ts';

/** More files than any build publishes; an archive with more is a mistake, or meant to fill the disk with inodes. */
const MAX_ENTRIES = 2_000_000;
const ALLOWED_TYPES = new Set(['File', 'OldFile', 'ContiguousFile', 'Directory', 'SymbolicLink', 'Link']);
/** A directory can always be written by the master itself, or it could not be put in place or removed. */
const OWN_DIRECTORY_MODE = 0o700;

interface Unpacking {
  /** Permission bits of the archive's root, if it has an entry. Known at the end. */
  readonly mode: number | null;
  take(source: AsyncIterable<Buffer>): Promise<void>;
}

/**
 * Unpacks a tar stream into an empty directory. Nothing in it may lie or point outside: no absolute or climbing paths,
 * no links to the outside, no devices; one such entry fails the whole archive. Owners and set-user-id bits are dropped.
 */
export function unpack(directory: string, maxBytes: number | null): Unpacking {
  let fault: TransferError | null = null;
  let entries = 0;
  let bytes = 0;
  let mode: number | null = null;
  const look = (path: string, entry: Stats | ReadEntry): void => {
    if (!('type' in entry) || fault !== null) return;
    entries += 1;
    bytes += entry.size;
    // Also of what was packed with compression, which tar finds out by itself.
    if (maxBytes !== null && bytes > maxBytes)
      fault = new TransferError(413, 'too_large', `the archive unpacks to more than the allowed ${maxBytes} bytes`);
    else if (entries > MAX_ENTRIES)
      fault = new TransferError(413, 'too_large', `the archive has more than ${MAX_ENTRIES} entries`);
    else fault = faultOf(path, entry);
    if (entry.mode !== undefined)
      entry.mode = (entry.mode & 0o777) | (entry.type === 'Directory' ? OWN_DIRECTORY_MODE : 0);
    if (/^(\.\/?)?$/.test(path) && entry.mode !== undefined) mode = entry.mode;
  };
  return {
    get mode() {
      return mode;
    },
    async take(source) {
      const target: Unpack = extract({
        ...{ cwd: directory, strict: true, preserveOwner: false, chmod: true },
        filter(path, entry) {
          look(path, entry);
          // A copy: tar writes a code of its own on what it is given.
          if (fault !== null) target.abort(new Error(fault.message));
          return fault === null;
        },
      });
      try {
        await pump(source, target);
      } catch (error) {
        if (fault !== null) throw fault;
        if (error instanceof Error && 'tarCode' in error)
          throw new TransferError(422, 'bad_archive', `the archive cannot be unpacked: ${error.message}`);
        throw error;
      }
    },
  };
}

/** Not `pipeline`: that waits for events which the unpacker does not send after an end before its time. */
async function pump(source: AsyncIterable<Buffer>, target: Unpack): Promise<void> {
  const closed = new Promise<void>((resolve, reject) => {
    target.on('close', resolve);
    target.on('error', reject);
  });
  // Told below, or after a fault of the source itself.
  closed.catch(() => {});
  let room = () => {};
  target.on('drain', () => room());
  for await (const piece of source) {
    const drained = new Promise<void>((resolve) => {
      room = resolve;
    });
    if (!target.write(piece)) await Promise.race([drained, closed]);
  }
  target.end();
  await closed;
}

function faultOf(path: string, entry: ReadEntry): TransferError | null {
  const unsafe = (why: string) => new TransferError(422, 'unsafe_archive', `the archive's entry "${path}" ${why}`);
  if (!ALLOWED_TYPES.has(entry.type)) return unsafe(`is a ${entry.type}, which is not taken`);
  const depth = depthOf(path);
  if (depth === null) return unsafe('lies outside of the directory');
  const target = entry.linkpath ?? '';
  if (entry.type === 'SymbolicLink' && !staysBelow(target, depth))
    return unsafe(`is a link to "${target}", which lies outside of the directory`);
  if (entry.type === 'Link' && depthOf(target) === null)
    return unsafe(`is a hard link to "${target}", which lies outside of the directory`);
  return null;
}

/** Directories between the root and the entry, or null for a path that leaves the root. */
function depthOf(path: string): number | null {
  const parts = path.split('/').filter((part) => part !== '.' && part !== '');
  if (path.startsWith('/') || parts.includes('..')) return null;
  return Math.max(0, parts.length - 1);
}

/**
 * True for a link that climbs no higher than the root, and only at its beginning: a `..` behind another link would climb
 * from wherever that one leads.
 */
function staysBelow(target: string, depth: number): boolean {
  if (target.startsWith('/')) return false;
  const parts = target.split('/').filter((part) => part !== '.' && part !== '');
  const climbs = parts.findIndex((part) => part !== '..');
  const leading = climbs === -1 ? parts.length : climbs;
  return leading <= depth && !parts.slice(leading).includes('..');
}
