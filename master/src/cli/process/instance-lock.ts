import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

/** Somebody who only looks whether a master runs holds the lock for a moment. */
const LOOK_MS = 500;

/** A master runs in this directory already. */
export class AlreadyRunning extends Error {
  readonly pid: number | null;
  constructor(directory: string, pid: number | null) {
    const who = pid === null ? 'another master' : `another master (process ${pid})`;
    super(`${who} runs on ${directory}; stop it first, or give this one a directory of its own`);
    this.name = 'AlreadyRunning';
    this.pid = pid;
  }
}

/**
 * One master a directory. The lock is the operating system's (SQLite's lock on an empty file), so it ends with its
 * process however that ends; the pid file beside it only says who holds it.
 */
export class InstanceLock {
  readonly #database: Sqlite.Database;
  readonly #pidFile: string;

  private constructor(database: Sqlite.Database, pidFile: string) {
    this.#database = database;
    this.#pidFile = pidFile;
  }

  /** Makes the directory where needed; waits for whoever only looks. Throws {@link AlreadyRunning}. */
  static acquire(directory: string, pid: number, waitMs = LOOK_MS): InstanceLock {
    mkdirSync(directory, { recursive: true });
    const database = tryLock(directory, waitMs);
    if (database === null) throw new AlreadyRunning(directory, pidIn(directory));
    const pidFile = pidFileOf(directory);
    writeFileSync(pidFile, `${pid}\n`);
    return new InstanceLock(database, pidFile);
  }

  release(): void {
    rmSync(this.#pidFile, { force: true });
    this.#database.close();
  }
}

/** What runs in a directory: a process, or `unknown` while it is just about to write down which. */
export function runningMaster(directory: string): number | 'unknown' | null {
  if (!existsSync(lockFileOf(directory))) return null;
  const database = tryLock(directory, 0);
  if (database === null) return pidIn(directory) ?? 'unknown';
  database.close();
  return null;
}

function tryLock(directory: string, timeoutMs: number): Sqlite.Database | null {
  const database = new Sqlite(lockFileOf(directory), { timeout: timeoutMs });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
}

function pidIn(directory: string): number | null {
  const file = pidFileOf(directory);
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}

const lockFileOf = (directory: string) => join(directory, 'master.lock');
const pidFileOf = (directory: string) => join(directory, 'master.pid');
