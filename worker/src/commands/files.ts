import { glob, open, stat as statFollowing } from 'node:fs/promises';
import type { Json } from '@icefall/shared';
import { Failure, systemWords } from '../failure.ts';
import { type Executor, succeeded } from './context.ts';
import { resolvePath } from './paths.ts';
import { reportBeginning } from './report.ts';
import { stopEnd } from './tools.ts';
import { lstatOrNull } from './trees.ts';

/** More paths than this are no answer to a question, but a mistake in the pattern; and they travel in one message. */
const MAX_GLOB_PATHS = 10_000;

/** Tells whether a path exists and what it is, without following a symbolic link. */
export const stat: Executor<'stat'> = async (command, context) => {
  context.started(null);
  const path = resolvePath(context, command.workdir, command.path);
  reportBeginning(context, { line: `stat ${command.path}`, directory: path });
  const facts = await lstatOrNull(path);
  if (facts === null) return succeeded({ exists: false });
  return succeeded({ exists: true, type: typeOf(facts), sizeBytes: facts.size, mode: facts.mode & 0o7777 });
};

function typeOf(facts: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): string {
  if (facts.isFile()) return 'file';
  if (facts.isDirectory()) return 'directory';
  return facts.isSymbolicLink() ? 'symlink' : 'other';
}

/** Finds paths by a pattern (`*`, `**`, `?`, `[…]`, `{…}`), relative to the work directory. */
export const globPaths: Executor<'glob'> = async (command, context) => {
  context.started(null);
  const cwd = resolvePath(context, command.workdir);
  reportBeginning(context, { line: `glob ${command.pattern}`, directory: cwd });
  const paths: string[] = [];
  for await (const path of glob(command.pattern, { cwd })) {
    const stopped = stopEnd(context);
    if (stopped !== null) return stopped;
    paths.push(path);
    if (paths.length > MAX_GLOB_PATHS)
      throw new Failure('too_many_paths', `more than ${MAX_GLOB_PATHS} paths match ${command.pattern} in ${cwd}`);
  }
  return succeeded({ paths: paths.sort() satisfies Json[] });
};

/** Reads a text file that is not larger than the command allows. */
export const readTextFile: Executor<'readFile'> = async (command, context) => {
  context.started(null);
  const path = resolvePath(context, command.workdir, command.path);
  reportBeginning(context, { line: `read ${command.path}`, directory: path });
  const bytes = await readAtMost(path, command.maxBytes + 1);
  if (bytes.length > command.maxBytes)
    throw new Failure('too_large', `${path} is larger than the ${command.maxBytes} bytes that may be read`);
  return succeeded({ text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) });
};

/** Reads until the end or the limit: the size that the system tells may be none (/proc) or not true any more. */
async function readAtMost(path: string, limitBytes: number): Promise<Buffer> {
  try {
    // Looked at before it is opened: opening a FIFO would wait for somebody to write.
    if (!(await statFollowing(path)).isFile()) throw new Failure('not_a_file', `${path} is not a file`);
    await using file = await open(path, 'r');
    const pieces: Buffer[] = [];
    let left = limitBytes;
    for await (const piece of file.createReadStream({ end: limitBytes - 1, autoClose: false })) {
      pieces.push(piece);
      left -= piece.length;
      if (left <= 0) break;
    }
    return Buffer.concat(pieces);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('not_readable', `cannot read ${path}: ${systemWords(error)}`);
  }
}
