import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BytePath } from '../byte-path.ts';
import { systemCode } from '../errors.ts';
import type { RepositoryPaths } from '../paths.ts';
import { DIRTAB, readDirtab } from './dirtab.ts';
import { MARKER } from './scan.ts';
import { absolute } from './tree.ts';

/**
 * What a scan does on its way by the rules of `.cvmfsdirtab`: puts a marker into every directory that they name and that
 * has none, as the stock tools do before a publish.
 */
export async function planMarkers(paths: RepositoryPaths): Promise<(directory: BytePath) => boolean> {
  const rules = await readFile(join(paths.mount, DIRTAB), 'latin1').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (rules === null) return () => false;
  const begins = readDirtab(rules);
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
