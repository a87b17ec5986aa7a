import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PLACES = 24;
/** Directories and files in them that are made in each, to see what a file costs there. */
const DIRECTORIES = 8;
const FILES = 20;

/**
 * A new directory for one run: of several, the one in which new files cost least. ext4 without a journal passes over each
 * inode that was freed in the last minutes, at ten times the price of a new file (`recently_deleted`): what tests and earlier
 * runs have removed would be measured. For the same reason nothing is removed here: that is for the end of all runs.
 */
export function placeFor(run: string, directory: string): string {
  const top = mkdtempSync(join(directory, `${run}-`));
  // Lays out what is in it apart, where the file system knows how (chattr(1), `T`).
  spawnSync('chattr', ['+T', top], { stdio: 'ignore' });
  const places = Array.from({ length: PLACES }, () => mkdtempSync(join(top, 'place-')));
  const costs = places.map(costOfFiles);
  const own = join(places[costs.indexOf(Math.min(...costs))] ?? top, 'run');
  mkdirSync(own);
  return own;
}

function costOfFiles(place: string): number {
  const directories = Array.from({ length: DIRECTORIES }, () => mkdtempSync(join(place, 'probe-')));
  const begun = performance.now();
  for (const directory of directories) for (let i = 0; i < FILES; i += 1) writeFileSync(join(directory, String(i)), '');
  return performance.now() - begun;
}
