import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Mutant } from './mutants.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** What the simulation runs; nothing of the page, the agent or the site. */
const NEEDED = ['package.json', 'shared', 'master/package.json', 'master/src', 'master/node_modules', 'tests'];
const NOT_NEEDED = new Set(['browser', 'bench', 'end-to-end', 'faults']);

/** A copy of what the simulation needs of the repository, with one mistake in it. It goes when it is disposed of. */
export class MutatedCopy implements Disposable {
  readonly folder: string;

  /** Throws where the text to replace is not in its file exactly once: then the mutant is to be brought up to date. */
  constructor(mutant: Mutant | null) {
    this.folder = mkdtempSync(join(tmpdir(), 'icefall-mutant-'));
    for (const path of NEEDED)
      cpSync(join(ROOT, path), join(this.folder, path), {
        recursive: true,
        // Links between the packages are relative: in the copy they lead to the copies.
        verbatimSymlinks: true,
        filter: (source) => !(source.startsWith(join(ROOT, 'tests/')) && NOT_NEEDED.has(basename(source))),
      });
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
    if (mutant !== null) this.#plant(mutant);
  }

  #plant({ name, file, edits }: Mutant): void {
    const path = join(this.folder, file);
    let text = readFileSync(path, 'utf8');
    for (const [find, replacement] of edits) {
      const count = text.split(find).length - 1;
      if (count !== 1)
        throw new Error(`mutant "${name}": what it replaces is ${count} times in ${file}, not once: ${find}`);
      text = text.replace(find, () => replacement);
    }
    writeFileSync(path, text);
  }

  /** The program of the simulation in this copy. */
  get program(): string {
    return join(this.folder, 'tests/simulation/run.ts');
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
