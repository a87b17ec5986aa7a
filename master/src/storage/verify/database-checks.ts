import type { Database } from '../../db/database.ts';
import { DATABASE_FILE } from '../places.ts';
import { type Finding, REMEDY } from './findings.ts';

/** Most lines that SQLite's own checks give. */
const MOST_LINES = 100;

interface ForeignKeyFault {
  readonly table: string;
  readonly rowid: number | null;
  readonly parent: string;
}

/** SQLite's own checks: pages, indexes, types, foreign keys. */
export function checkDatabase(db: Database): Finding[] {
  try {
    const pages = brokenPages(db);
    return pages.length > 0 ? pages : brokenKeys(db);
  } catch (error) {
    // Too damaged for the check itself.
    return [damage(DATABASE_FILE, error instanceof Error ? error.message : String(error))];
  }
}

function brokenPages(db: Database): Finding[] {
  const lines = db.pragma(`integrity_check(${MOST_LINES})`) as { integrity_check: string }[];
  return lines
    .map((line) => line.integrity_check)
    .filter((line) => line !== 'ok')
    .map((message) => damage(DATABASE_FILE, message));
}

function brokenKeys(db: Database): Finding[] {
  const faults = db.pragma('foreign_key_check') as ForeignKeyFault[];
  return faults
    .slice(0, MOST_LINES)
    .map(({ table, rowid, parent }) =>
      damage(`${table} ${rowid ?? '(row without id)'}`, `it names a row of ${parent} that is not there`),
    );
}

function damage(place: string, message: string): Finding {
  return { severity: 'damage', place, message, remedy: REMEDY.restore };
}
