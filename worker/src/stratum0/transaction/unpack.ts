import { existsSync, lstatSync } from 'node:fs';
import { chmod, lchown, lutimes, mkdir, symlink, unlink, utimes } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, type ReadEntry } from 'tar';
import { Stratum0Error } from '../errors.ts';

/** What is still to be done with a name, once all of an archive is unpacked. */
interface Unfinished {
  readonly mode: number | undefined;
  readonly isDirectory: boolean;
  readonly mtime: Date | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Where a symbolic link leads to; null: it is none. */
  readonly target: string | null;
}

/** Of a directory that the archive leaves out. */
const UNSAID = { mode: 0o755, isDirectory: true, mtime: undefined, uid: undefined, gid: undefined, target: null };

/** What stands for a link's target while others could still be unpacked through it. */
const PLACEHOLDER = '.';

/**
 * Unpacks a tar archive into a directory of the mount tree, which is made where it is not there. What leads out of it is
 * refused, and whatever else cannot be unpacked as it is; `tar` sees to that. It knows umask and modes of files that were
 * there before, changes directories while it fills them, and takes no links that lead elsewhere, which a repository may
 * hold: modes, times and links are put right afterwards.
 */
export async function unpackArchive(source: NodeJS.ReadableStream, mount: string, base: string): Promise<void> {
  const directory = await makeBase(mount, base);
  const isRoot = process.getuid?.() === 0;
  const rest = new Rest(directory);
  // Strict: whatever cannot be unpacked as it is, is an error.
  const onReadEntry = (entry: ReadEntry) => rest.take(entry);
  const extraction = extract({ cwd: directory, strict: true, preserveOwner: isRoot, onReadEntry });
  // Without a word, strict or not.
  extraction.on('ignoredEntry', ({ type, path }: ReadEntry) => {
    if (type !== 'TapeVolumeHeader') rest.refuse(`"${path}" is of a kind that is not supported (${type})`);
  });
  await pipeline(source, extraction);
  if (rest.refusal !== null) throw new Error(`${rest.refusal}; put it into a transaction's tree instead`);
  for (const [path, what] of rest.inwards()) await finish(join(directory, path), what, isRoot);
}

/** What is left to do when all is unpacked. */
class Rest {
  readonly #directory: string;
  readonly #unfinished = new Map<string, Unfinished>();
  /** Directories of which it is known whether they were there before. */
  readonly #known = new Set(['.']);
  /** Why the archive cannot be taken; null: it can. */
  refusal: string | null = null;
  constructor(directory: string) {
    this.#directory = directory;
  }

  refuse(why: string): void {
    this.refusal ??= why;
  }

  /** Notes an entry, before it is unpacked: of a link only a placeholder is. */
  take(entry: ReadEntry): void {
    const cannot = refusalOf(entry);
    if (cannot !== null) this.refuse(cannot);
    const path = withinArchive(entry.path);
    this.#takeParents(path);
    const linked = entry.type === 'Link' ? this.#unfinished.get(withinArchive(entry.linkpath ?? '')) : undefined;
    // GNU tar packs further names of one symbolic link as hard links, which `tar` takes for a way through it.
    if (linked !== undefined && linked.target !== null) {
      entry.type = 'SymbolicLink';
      entry.linkpath = linked.target;
    }
    const { mode, mtime, uid, gid, type } = entry;
    const target = type === 'SymbolicLink' ? (entry.linkpath ?? '') : null;
    const isDirectory = type === 'Directory' || type === 'GNUDumpDir';
    // Other names of a file have its mode and times.
    if (type === 'Link') this.#unfinished.delete(path);
    else if (path !== '') this.#unfinished.set(path, { mode, mtime, uid, gid, target, isDirectory });
    if (target !== null) entry.linkpath = PLACEHOLDER;
  }

  #takeParents(path: string): void {
    for (let above = posix.dirname(path); !this.#known.has(above); above = posix.dirname(above)) {
      this.#known.add(above);
      if (!this.#unfinished.has(above) && !existsSync(join(this.#directory, above)))
        this.#unfinished.set(above, UNSAID);
    }
  }

  /** What is in a directory comes before the directory, of which the mode may not let others in. */
  inwards(): [path: string, what: Unfinished][] {
    return [...this.#unfinished].sort(([a], [b]) => (a < b ? 1 : -1));
  }
}

/** A name in an archive, from where it is unpacked. */
function withinArchive(name: string): string {
  return posix.join('/', name).replace(/\/$/, '').slice(1);
}

/** What of an entry would silently become something else; null: nothing. */
function refusalOf({ path, linkpath }: ReadEntry): string | null {
  // Names come as text: what is not UTF-8 would become another name, perhaps that of its neighbour.
  if (`${path}${linkpath ?? ''}`.includes('\ufffd')) return `"${path}" is not UTF-8, or leads to what is not`;
  // The name that GNU tar gives what is a list of pieces, for programs that do not know of them.
  if (/(?:^|\/)GNUSparseFile\.\d+\//.test(path)) return `"${path}" is a sparse file: pack it without --sparse`;
  return null;
}

/** Throws `outside_path` where a link would lead elsewhere, and `usage` where a file is in the way. */
async function makeBase(mount: string, base: string): Promise<string> {
  let directory = mount;
  for (const name of base.split('/')) {
    directory = join(directory, name);
    const stat = lstatSync(directory, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) continue;
    if (stat?.isSymbolicLink() === true)
      throw new Stratum0Error(
        'outside_path',
        `${directory} is a symbolic link: give the path of a directory, or remove the link first`,
      );
    if (stat !== undefined)
      throw new Stratum0Error('usage', `${directory} is not a directory: give another path, or remove it first`);
    await mkdir(directory, 0o755);
    await chmod(directory, 0o755);
  }
  return directory;
}

async function finish(path: string, what: Unfinished, isRoot: boolean): Promise<void> {
  const { mode, mtime, uid, gid, target, isDirectory } = what;
  if (target !== null) {
    await unlink(path);
    await symlink(target, path);
    if (isRoot && uid !== undefined && gid !== undefined) await lchown(path, uid, gid);
    if (mtime !== undefined) await lutimes(path, mtime, mtime);
    return;
  }
  if (mode !== undefined) await chmod(path, mode & 0o7777);
  if (isDirectory && mtime !== undefined) await utimes(path, mtime, mtime);
}
