import { readFile } from 'node:fs/promises';
import { Stratum0Error, systemCode } from './errors.ts';
import type { RepositoryPaths } from './paths.ts';

/** What a site may set for a repository. */
export interface Settings {
  /** Extended attributes of files are published (`CVMFS_INCLUDE_XATTRS`). */
  readonly includesAttributes: boolean;
  /** A publish says at its end what it has counted (`CVMFS_PRINT_STATISTICS`). */
  readonly printsStatistics: boolean;
}

const INCLUDE_XATTRS = 'CVMFS_INCLUDE_XATTRS';
const PRINT_STATISTICS = 'CVMFS_PRINT_STATISTICS';

/**
 * Reads `spool/REPO/server.conf`: lines NAME=VALUE, with the names of the stock tools' file; without the file all is as the
 * stock tools have it by default. Throws `bad_state` for a line that says nothing to us.
 */
export async function readSettings(paths: RepositoryPaths): Promise<Settings> {
  const text = await readFile(paths.settings, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  });
  const set = new Set<string>();
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, value] = /^(\w+)=["']?(true|false)["']?$/.exec(line) ?? [];
    if (name !== INCLUDE_XATTRS && name !== PRINT_STATISTICS)
      throw new Stratum0Error(
        'bad_state',
        `${paths.settings}: "${line}" is not understood; only ${INCLUDE_XATTRS} and ${PRINT_STATISTICS} can be set, =true or =false`,
      );
    if (value === 'true') set.add(name);
    else set.delete(name);
  }
  return { includesAttributes: set.has(INCLUDE_XATTRS), printsStatistics: set.has(PRINT_STATISTICS) };
}
