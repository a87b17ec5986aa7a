import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import { type Database, openDatabase } from '../db/database.ts';
import { FileCopier, syncFile } from './copying.ts';
import { BackupError, type Manifest, readManifest } from './manifest.ts';
import { DATABASE_FILE, LOG_FOLDER, logFiles } from './places.ts';

/**
 * Numbers of events that are left out after a restore: at a hundred events a second, four months between backup and
 * loss. A client that knows an event of the lost time has a number that no event has, and is told to start anew.
 */
const EVENTS_SKIPPED = 1_000_000_000;

export interface RestoreOptions {
  readonly backup: string;
  /** The master's state: must not exist, or be empty. */
  readonly directory: string;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly progress: (progress: { readonly done: number; readonly total: number }) => void;
}

/**
 * Puts a backup in place as the state of a master, which can be started on it. Nothing is overwritten; the state appears
 * whole or not at all. Throws {@link BackupError}, DatabaseError, and what the system says.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Manifest> {
  const directory = resolve(options.directory);
  const manifest = readManifest(options.backup);
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new BackupError(`${directory} is not empty; a backup is put back only where nothing is overwritten`);
  await mkdir(dirname(directory), { recursive: true });
  const partial = await mkdtemp(`${directory}.partial-`);
  try {
    const copier = new FileCopier({ from: options.backup, to: partial, base: null, mayLink: false });
    await mkdir(join(partial, LOG_FOLDER));
    await copier.copy(DATABASE_FILE);
    checkDatabase(join(partial, DATABASE_FILE));
    const files = [...logFiles(options.backup)];
    for (const [i, { path }] of files.entries()) {
      options.signal.throwIfAborted();
      await copier.copy(path);
      options.progress({ done: i + 1, total: files.length });
    }
    markRestored(join(partial, DATABASE_FILE), manifest, options.now());
    await syncFile(partial);
    await rename(partial, directory);
    await syncFile(dirname(directory));
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

function checkDatabase(path: string): void {
  let db: Database | null = null;
  try {
    db = new Sqlite(path, { fileMustExist: true });
    const answer = db.pragma('quick_check(1)', { simple: true });
    if (answer !== 'ok')
      throw new BackupError(`the database of this backup is damaged (${answer}); take another backup`);
  } catch (error) {
    if (error instanceof BackupError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new BackupError(`the database of this backup cannot be read (${why}); take another backup`, { cause: error });
  } finally {
    db?.close();
  }
}

/** What came after the backup is forgotten; its numbers are not given again where others may know them. */
function markRestored(path: string, { takenAt, seq }: Manifest, now: number): void {
  const db = openDatabase(path);
  try {
    db.transaction(() => {
      // Epochs are never below the clock (see builds/new-build.ts): no attempt of the lost time has one of the new ones.
      db.prepare("UPDATE meta SET value = ? WHERE key = 'epoch' AND CAST(value AS INTEGER) < ?").run(
        String(Math.floor(now)),
        Math.floor(now),
      );
      db.prepare('INSERT INTO events (seq, at, kind, key) VALUES (?, ?, ?, ?)').run(
        ...[seq + EVENTS_SKIPPED, now, 'config', ''],
      );
      db.prepare('INSERT INTO audit (at, who, action, object, detail) VALUES (?, ?, ?, ?, ?)').run(
        ...[now, 'icefall restore', 'restore', 'master', JSON.stringify({ takenAt, seq })],
      );
    })();
    db.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
}
