import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CliError, EXIT } from '../exit.ts';
import type { Terminal } from '../terminal.ts';

/** Below the site's folder: the master's database, logs and lock. */
export const STATE_FOLDER = 'master';

const DATABASE = 'icefall.db';

/** The state that is meant by a folder: the master's below the site's, or the folder itself (a backup). Throws CliError. */
export function stateIn({ cwd }: Pick<Terminal, 'cwd'>, dir: string): string {
  const folder = resolve(cwd, dir);
  const found = [join(folder, STATE_FOLDER), folder].find((candidate) => existsSync(join(candidate, DATABASE)));
  if (found !== undefined) return found;
  throw new CliError(
    EXIT.failed,
    `there is no ${join(STATE_FOLDER, DATABASE)} in ${dir}: give the folder that icefall start was given, or a backup`,
  );
}
