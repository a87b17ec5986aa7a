import Sqlite from 'better-sqlite3';

/**
 * Whether an error is a mistake of the master's own: an assertion, a type error, a constraint of the database. What the
 * world does wrong (a bad form, an unknown name, a full disk) is thrown as an error class of ours, with a code.
 */
export function isMistake(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof Sqlite.SqliteError) return true;
  const code: unknown = Reflect.get(error, 'code');
  // Node's own errors of a wrong use begin like that (https://nodejs.org/api/errors.html#nodejs-error-codes).
  return typeof code !== 'string' || code.startsWith('ERR_');
}
