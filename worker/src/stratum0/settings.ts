import { readFile } from 'node:fs/promises';
import { Stratum0Error, systemCode } from './errors.ts';
import type { RepositoryPaths } from './paths.ts';

/** What a site may set for a repository. */
export interface Settings {
  /** Extended attributes of files are published (`CVMFS_INCLUDE_XATTRS`). */
  readonly includesAttributes: boolean;
}

const INCLUDE_XATTRS = 'CVMFS_INCLUDE_XATTRS';

/**
 * Reads `spool/REPO/server.conf`: lines NAME=VALUE, with the names of the stock tools' file; without the file all is as the
 * stock tools have it by default. Throws `bad_state` for a line that says nothing to us.
 */
export async function readSettings(paths: RepositoryPaths): Promise<Settings> {
  const text = await readFile(paths.settings, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  });
  let includesAttributes = false;
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, value] = /^(\w+)=["']?(true|false)["']?$/.exec(line) ?? [];
    if (name !== INCLUDE_XATTRS)
      throw new Stratum0Error(
        'bad_state',
        `${paths.settings}: "${line}" is not understood; only ${INCLUDE_XATTRS}=true or =false can be set`,
      );
    includesAttributes = value === 'true';
  }
  return { includesAttributes };
}
