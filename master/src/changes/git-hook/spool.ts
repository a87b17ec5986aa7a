import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SendChange } from '@icefall/shared';
import { readIfThere, writeWhole } from './files.ts';

/** Changes that wait for the master; when there are more, the oldest is given up. At 1 MB each this is disk enough. */
export const MOST_WAITING = 1000;
/** Changes that the master refused and that are kept for people to look at. */
export const MOST_REFUSED = 100;

/** Pushes as Git told them, that nobody has looked at. */
export interface RawPush {
  /** Its own among all pushes to the repository. */
  readonly name: string;
  readonly lines: readonly string[];
}

/**
 * What a repository's hook has not got rid of yet: pushes as Git told them, and the changes that were made of them.
 *
 * There is no lock. Two hooks at once may do the same work twice, each in order: the master takes no change twice.
 * Names are never used again, so that nothing is removed but what was read.
 */
export class Spool {
  readonly #directory: string;
  readonly #now: () => number;
  #count = 0;

  /** `directory`: the hook's folder in the repository. */
  constructor(directory: string, now: () => number) {
    this.#directory = directory;
    this.#now = now;
  }

  /** Makes the folders; whoever may write to `like` may write to them. */
  static prepare(directory: string, like: string): void {
    const { mode } = statSync(like);
    for (const folder of [directory, ...['pushes', 'changes', 'refused', 'refs'].map((name) => join(directory, name))])
      if (!existsSync(folder)) {
        mkdirSync(folder);
        chmodSync(folder, mode & 0o7777);
      }
  }

  /** Whether there is a spool at all: its repository may be gone. */
  get isThere(): boolean {
    return existsSync(join(this.#directory, 'changes'));
  }

  /** Oldest first. */
  pushes(): RawPush[] {
    const folder = join(this.#directory, 'pushes');
    const found = readdirSync(folder).filter((name) => name.endsWith('.push'));
    const dated = found.flatMap((name) => {
      const at = statSync(join(folder, name), { bigint: true, throwIfNoEntry: false })?.mtimeNs;
      return at === undefined ? [] : [{ name, at }];
    });
    dated.sort((a, b) => (a.at === b.at ? compareText(a.name, b.name) : a.at < b.at ? -1 : 1));
    return dated.flatMap(({ name }) => {
      const text = readIfThere(join(folder, name));
      return text === null ? [] : [{ name, lines: text.split('\n').filter(Boolean) }];
    });
  }

  /** A push was made into changes. */
  forgetPush(name: string): void {
    rmSync(join(this.#directory, 'pushes', name), { force: true });
  }

  /** Keeps a change behind all that wait. Gives how many older ones were given up for want of room. */
  keep(change: SendChange): number {
    const waiting = this.waiting();
    const givenUp = waiting.slice(0, Math.max(0, waiting.length + 1 - MOST_WAITING));
    for (const name of givenUp) this.forget(name);
    // A clock that was set back must not put a change before older ones.
    const newest = Number.parseInt(waiting.at(-1) ?? '0', 10);
    const at = String(Math.max(this.#now(), newest + 1)).padStart(15, '0');
    this.#count += 1;
    writeWhole(join(this.#directory, 'changes', `${at}-${process.pid}-${this.#count}.json`), JSON.stringify(change));
    return givenUp.length;
  }

  /** Names of the changes that wait, oldest first. */
  waiting(): string[] {
    return namesIn(join(this.#directory, 'changes'));
  }

  /** Null: another hook has sent it. Throws SyntaxError for what a broken disk left. */
  read(name: string): SendChange | null {
    const text = readIfThere(join(this.#directory, 'changes', name));
    return text === null ? null : JSON.parse(text);
  }

  forget(name: string): void {
    rmSync(join(this.#directory, 'changes', name), { force: true });
  }

  /** Puts a change that the master does not want aside. */
  refuse(name: string): void {
    const folder = join(this.#directory, 'refused');
    if (existsSync(join(this.#directory, 'changes', name)))
      renameSync(join(this.#directory, 'changes', name), join(folder, name));
    for (const old of namesIn(folder).slice(0, -MOST_REFUSED)) rmSync(join(folder, old), { force: true });
  }
}

function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort(compareText);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
