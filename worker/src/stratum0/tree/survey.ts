import { spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { asText, type BytePath, joinPath } from '../byte-path.ts';
import { absolute } from './tree.ts';

/**
 * Stands for all that the file system says of the names in one directory: inode, type, size, mode, owner, links, times.
 * While it stays the same nothing in the directory has changed.
 */
export type Digest = string;

/** What a look at all names below a directory gives. */
export interface Survey {
  /** Of every directory, the one at the top included. */
  readonly digests: ReadonlyMap<BytePath, Digest>;
  /** The number of names. */
  readonly names: number;
}

export interface SurveyOptions {
  /** About how many names there are; default few. */
  readonly expected?: number;
  /** Default `find`. */
  readonly program?: string;
}

/** Type and depth for the reader, then all that tells a change, then the name. */
const FORMAT = '%y%05d %i %s %m %U %G %n %T@ %C@ %f\\0';
const DEPTH_DIGITS = 5;
const FIELDS_BEFORE_NAME = 9;
const DIRECTORY = 'd'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
const SPACE = ' '.charCodeAt(0);
/** Processes at once; more would only wait for each other in the file system. */
const MOST_AT_ONCE = 4;
/** Names that are worth a process: one takes some milliseconds to begin, as much as a look at so many names. */
const NAMES_A_PROCESS = 20_000;
/** Processes altogether: from there on they share the work evenly enough. */
const MOST_PROCESSES = 32;
/** Trees to share out among the processes; with fewer of them the last one would keep the others waiting. */
const ENOUGH_TREES = 8;
/** Levels that are gone down for enough trees. */
const MOST_LEVELS = 4;

/**
 * Looks at all names below a directory by GNU find, in several processes: that takes a fraction of what Node's calls for
 * each name do. Null where find is not there or fails: who asks must look for himself then, and meets what is wrong. The
 * order of the names is the file system's; where that varies, directories seem to have changed that have not.
 */
export async function surveyTree(
  mount: string,
  top: BytePath,
  { expected = 0, program = 'find' }: SurveyOptions = {},
): Promise<Survey | null> {
  const digests = new Map<BytePath, Digest>();
  const tell = (directory: BytePath, digest: Digest) => digests.set(directory, digest);
  const processes = Math.min(MOST_PROCESSES, Math.ceil(expected / NAMES_A_PROCESS));
  const { above, trees } = processes > 1 ? cutTree(mount, top) : { above: [], trees: [top] };
  const waiting = [
    ...(above.length > 0 ? [{ starts: above, isFlat: true }] : []),
    ...groupsOf(trees, processes).map((starts) => ({ starts, isFlat: false })),
  ];
  let names = 0;
  const work = async (): Promise<boolean> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const reader = new ListingReader(job.starts, job.isFlat, tell);
      const starts = job.starts.map((start) => `./${asText(start)}`);
      const args = [...starts, ...(job.isFlat ? ['-maxdepth', '1'] : []), '-printf', FORMAT];
      if (!(await runFind(program, mount, args, reader))) return false;
      names += reader.names;
    }
    return true;
  };
  const ends = await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, availableParallelism()) }, work));
  return ends.every(Boolean) ? { digests, names } : null;
}

/** Goes down from the top until there are enough trees: these, and the directories above them. */
function cutTree(mount: string, top: BytePath): { above: BytePath[]; trees: BytePath[] } {
  const above: BytePath[] = [];
  let trees = [top];
  for (let level = 0; level < MOST_LEVELS && trees.length > 0 && trees.length < ENOUGH_TREES; level += 1) {
    const below = trees.flatMap((directory) => directoriesIn(mount, directory));
    // A program's arguments are text; find itself takes any name.
    if (below.some((path) => asText(path) === null)) break;
    above.push(...trees);
    trees = below;
  }
  return { above, trees };
}

/** None where it cannot be listed: find will say so. */
function directoriesIn(mount: string, directory: BytePath): BytePath[] {
  try {
    return readdirSync(absolute(mount, directory), { encoding: 'latin1', withFileTypes: true })
      .filter((name) => name.isDirectory())
      .map(({ name }) => joinPath(directory, name));
  } catch {
    return [];
  }
}

function groupsOf(trees: readonly BytePath[], most: number): BytePath[][] {
  const size = Math.ceil(trees.length / Math.max(1, most));
  const groups: BytePath[][] = [];
  for (let i = 0; i < trees.length; i += size) groups.push(trees.slice(i, i + size));
  return groups;
}

/** False: there is no such program, or it failed. */
function runFind(program: string, mount: string, args: readonly string[], reader: ListingReader): Promise<boolean> {
  return new Promise((resolve) => {
    const env = { ...process.env, LC_ALL: 'C' };
    const child = spawn(program, args, { cwd: mount, env, stdio: ['ignore', 'pipe', 'ignore'] });
    child.once('error', () => resolve(false));
    child.stdout.on('data', (chunk: Buffer) => reader.read(chunk));
    child.once('close', (code) => {
      reader.finish();
      resolve(code === 0);
    });
  });
}

interface OpenDirectory {
  readonly path: BytePath;
  readonly hash: Hash;
}

/**
 * Reads what find prints: each name behind its directory's own, with all that is below it following at once. Names of one
 * directory that follow each other are hashed as one piece.
 */
class ListingReader {
  names = 0;
  readonly #starts: BytePath[];
  /** What is in directories is not printed. */
  readonly #isFlat: boolean;
  readonly #tell: (directory: BytePath, digest: Digest) => void;
  /** By depth: the one at the start is at 0. */
  readonly #open: OpenDirectory[] = [];
  #rest: Buffer = Buffer.alloc(0);
  constructor(starts: readonly BytePath[], isFlat: boolean, tell: (directory: BytePath, digest: Digest) => void) {
    this.#starts = [...starts];
    this.#isFlat = isFlat;
    this.#tell = tell;
  }

  read(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#rest.length > 0) {
      const end = chunk.indexOf(0) + 1;
      // Only the line that was cut in two is copied.
      this.#rest = this.#readLines(Buffer.concat([this.#rest, end === 0 ? chunk : chunk.subarray(0, end)]));
      if (end === 0) return;
      bytes = chunk.subarray(end);
    }
    this.#rest = this.#readLines(bytes);
  }

  /** Gives what is left: the beginning of a line. */
  #readLines(bytes: Buffer): Buffer {
    let owner: OpenDirectory | undefined;
    let pieceAt = 0;
    let at = 0;
    for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, at)) {
      const depth = takeDepth(bytes, at + 1);
      const directory = this.#open[depth - 1];
      if (directory !== owner || depth === 0) {
        owner?.hash.update(bytes.subarray(pieceAt, at));
        owner = directory;
        pieceAt = at;
      }
      this.#close(depth);
      if (depth > 0) this.names += 1;
      if (depth === 0) this.#enter(this.#starts.shift() ?? '');
      else if (directory !== undefined && bytes[at] === DIRECTORY && !this.#isFlat)
        this.#enter(joinPath(directory.path, bytes.toString('latin1', nameAt(bytes, at), end)));
      at = end + 1;
    }
    owner?.hash.update(bytes.subarray(pieceAt, at));
    return bytes.subarray(at);
  }

  finish(): void {
    this.#close(0);
  }

  #enter(path: BytePath): void {
    this.#open.push({ path, hash: createHash('sha256') });
  }

  #close(depth: number): void {
    while (this.#open.length > depth) {
      const directory = this.#open.pop();
      if (directory !== undefined) this.#tell(directory.path, directory.hash.digest('base64'));
    }
  }
}

/** Reads it, and leaves zeros: it is counted from where a process began, which differs from look to look. */
function takeDepth(bytes: Buffer, at: number): number {
  let depth = 0;
  for (let i = at; i < at + DEPTH_DIGITS; i += 1) {
    depth = depth * 10 + (bytes[i] ?? ZERO) - ZERO;
    bytes[i] = ZERO;
  }
  return depth;
}

function nameAt(bytes: Buffer, line: number): number {
  let at = line;
  for (let i = 0; i < FIELDS_BEFORE_NAME; i += 1) at = bytes.indexOf(SPACE, at) + 1;
  return at;
}
