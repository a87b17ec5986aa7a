import { copyFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, SCHEMA_VERSION } from '@icefall/master/db/database';
import { writeHistory } from './written-history.ts';

/** A million builds take minutes to write. After this time their newest ones are no page's past day any more. */
const MOST_AGE_MS = 6 * 3_600_000;
/** A build each minute: two years for a million. */
export const LONG_EVERY_MS = 60_000;
/** The newest builds have ten steps each: more than any case looks at. */
const LONG_BUILDS = 20_000;

interface Wanted {
  readonly builds: number;
  readonly builders: number;
  readonly say: (text: string) => void;
}

/** Puts a database with a long history at `path`: a copy of one in the directory for temporary files, made if need be. */
export function copyLongHistory(path: string, { builds, builders, say }: Wanted): void {
  const kept = join(tmpdir(), `icefall-bench-history-${SCHEMA_VERSION}-${builds}-${builders}.db`);
  const made = statSync(kept, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Date.now() - made > MOST_AGE_MS) {
    say(`${builds} builds are being written to ${kept}, for this run and those of the next hours`);
    // In a file of its own until it is whole: a run that is interrupted leaves nothing half.
    const part = `${kept}.${process.pid}`;
    for (const old of [kept, part]) rmSync(old, { force: true });
    const db = openDatabase(part);
    // Nobody else reads it, and one that is not finished is thrown away.
    db.pragma('synchronous = OFF');
    writeHistory(db, { builds, builders, now: Date.now(), everyMs: LONG_EVERY_MS, long: LONG_BUILDS });
    db.close();
    renameSync(part, kept);
  }
  copyFileSync(kept, path);
}
