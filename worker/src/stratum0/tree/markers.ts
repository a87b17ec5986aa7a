import { closeSync, lstatSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BytePath } from '../byte-path.ts';
import { Stratum0Error, systemCode } from '../errors.ts';
import type { RepositoryPaths } from '../paths.ts';
import { DIRTAB, readDirtab } from './dirtab.ts';
import { MARKER } from './scan.ts';
import { absolute } from './tree.ts';

/**
 * What a scan does on its way by the rules of `.cvmfsdirtab`: puts a marker into every directory that they name and that
 * has none, as the stock tools do before a publish. Throws `bad_dirtab`.
 */
export async function planMarkers(paths: RepositoryPaths): Promise<(directory: BytePath) => boolean> {
  const path = join(paths.mount, DIRTAB);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return () => false;
  if (!stat.isFile()) throw new Stratum0Error('bad_dirtab', `${path} is not a file: make it one, or remove it`);
  const begins = readDirtab(await readFile(path, 'latin1'));
  return (directory) => begins(directory) && putMarker(paths, directory);
}

/** Puts the markers of a nested catalog that nobody has asked for: the second one says so, as with the stock tools. */
export function putAutomaticMarkers(paths: RepositoryPaths, directory: BytePath): void {
  putMarker(paths, directory);
  putMarker(paths, directory, AUTOMATIC);
}

const AUTOMATIC = '.cvmfsautocatalog';

function putMarker(paths: RepositoryPaths, directory: BytePath, name = MARKER): boolean {
  try {
    closeSync(openSync(absolute(paths.mount, `${directory}/${name}`), 'wx', 0o644));
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}
