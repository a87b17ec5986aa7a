import { constants, existsSync, statSync } from 'node:fs';
import { copyFile, link, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** How a file came into a backup. */
export type Way = 'linked' | 'copied' | 'missing';

/** Errors of a link that say: not between these two places. */
const NO_LINK = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP']);

/** Brings files that never change any more from one folder to another; their paths stay the same below it. */
export class FileCopier {
  readonly #from: string;
  readonly #to: string;
  readonly #base: string | null;
  readonly #mayLink: boolean;

  /** `base`: an older copy, whose files are linked where `from` is on another file system. */
  constructor(options: { from: string; to: string; base: string | null; mayLink: boolean }) {
    this.#from = options.from;
    this.#to = options.to;
    this.#base = options.base;
    this.#mayLink = options.mayLink;
  }

  /** By a hard link where that is possible. */
  async bring(path: string): Promise<Way> {
    const [source, target] = [join(this.#from, path), join(this.#to, path)];
    const size = sizeOf(source);
    if (size === null) return 'missing';
    await mkdir(dirname(target), { recursive: true });
    if (this.#mayLink && (await tryLink(source, target))) return 'linked';
    const older = this.#base === null ? null : join(this.#base, path);
    if (older !== null && sizeOf(older) === size && (await tryLink(older, target))) return 'linked';
    return this.copy(path);
  }

  /** With bytes of its own, durable. */
  async copy(path: string): Promise<Way> {
    const [source, target] = [join(this.#from, path), join(this.#to, path)];
    if (sizeOf(source) === null) return 'missing';
    try {
      await mkdir(dirname(target), { recursive: true });
      await copyFile(source, target, constants.COPYFILE_FICLONE);
    } catch (error) {
      if (codeOf(error) === 'ENOENT' && !existsSync(source)) return 'missing';
      throw error;
    }
    await syncFile(target);
    return 'copied';
  }
}

async function tryLink(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target);
    return true;
  } catch (error) {
    if (NO_LINK.has(codeOf(error)) || codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Makes a file, or the entries of a folder, durable. */
export async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r');
  await file.sync();
}

export function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}

function codeOf(error: unknown): string {
  return error instanceof Error ? String(Reflect.get(error, 'code')) : '';
}
