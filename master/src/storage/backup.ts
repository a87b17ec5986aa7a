import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Database, SCHEMA_VERSION } from '../db/database.ts';
import { FileCopier, sizeOf, syncFile } from './copying.ts';
import { BackupError, FORMAT, MANIFEST_FILE, type Manifest, readManifest } from './manifest.ts';
import { DATABASE_FILE, framePath, journalPath, LOG_FOLDER, logFiles, openForReading } from './places.ts';

/** Pages of the database that are copied between two signs of progress: 8 MB. */
const PAGES_AT_ONCE = 2000;
/** Files under way at once. */
const FILES_AT_ONCE = 16;

export interface BackupProgress {
  readonly what: 'database' | 'logs';
  readonly done: number;
  readonly total: number;
}

export interface BackupOptions {
  /** The master's state. */
  readonly directory: string;
  /** The backup: must not exist yet. */
  readonly target: string;
  /** An older backup, whose log files are shared where the state is on another file system; null: none. */
  readonly base: string | null;
  /** Copies log files even where a hard link is possible: a damage of the one is then none of the other. */
  readonly copy: boolean;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly progress: (progress: BackupProgress) => void;
}

/**
 * Makes a backup of a running or stopped master. The database is that of one moment; complete logs are those that it
 * names, whole; journals of running steps hold at least what they held then. The target appears with its last byte on
 * disk, or not at all. Throws {@link BackupError}, DatabaseError, and what the system says.
 */
export async function makeBackup(options: BackupOptions): Promise<Manifest> {
  const target = resolve(options.target);
  if (existsSync(target)) throw new BackupError(`${target} exists already; a backup goes into a new folder`);
  if (options.base !== null) readManifest(options.base);
  const db = openForReading(options.directory);
  let partial: string | null = null;
  try {
    await mkdir(dirname(target), { recursive: true });
    partial = await mkdtemp(`${target}.partial-`);
    const manifest = await fill(db, partial, options);
    await rename(partial, target);
    await syncFile(dirname(target));
    return manifest;
  } catch (error) {
    if (partial !== null) await rm(partial, { recursive: true, force: true });
    throw error;
  } finally {
    db.close();
  }
}

async function fill(db: Database, partial: string, options: BackupOptions): Promise<Manifest> {
  const { directory, base, copy } = options;
  const copier = new FileCopier({ from: directory, to: partial, base, mayLink: !copy });
  await mkdir(join(partial, LOG_FOLDER));
  // Before the database: a step that runs then may have ended, and its journal be gone, when its turn comes below.
  await inGroups([...logFiles(directory)].filter(isJournal), (file) => copier.copy(file.path));
  // One read transaction for all that follows: the database as it is now, whatever the master writes meanwhile.
  db.exec('BEGIN');
  const { seq } = one<{ seq: number }>(db, 'SELECT COALESCE(MAX(seq), 0) AS seq FROM events');
  const takenAt = options.now();
  await copyDatabase(db, join(partial, DATABASE_FILE), options);
  const logs = await copyLogs(db, copier, options);
  await copyJournals(db, copier, partial);
  const { builds } = one<{ builds: number }>(db, 'SELECT COUNT(*) AS builds FROM builds');
  const bytes = logs.bytes + (sizeOf(join(partial, DATABASE_FILE)) ?? 0);
  const manifest: Manifest = {
    ...{ format: FORMAT, schema: SCHEMA_VERSION, takenAt, seq, builds },
    ...{ logFiles: logs.files, bytes, missing: logs.missing },
  };
  await writeFile(join(partial, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const file of [MANIFEST_FILE, DATABASE_FILE, '.']) await syncFile(join(partial, file));
  return manifest;
}

function isJournal(file: { readonly buildId: number | null; readonly stream?: number | null }): boolean {
  return file.buildId !== null && file.stream === null;
}

function one<Row>(db: Database, sql: string): Row {
  return db.prepare<[], Row>(sql).get() as Row;
}

async function copyDatabase(db: Database, path: string, { signal, progress }: BackupOptions): Promise<void> {
  await db.backup(path, {
    progress({ totalPages, remainingPages }) {
      signal.throwIfAborted();
      progress({ what: 'database', done: totalPages - remainingPages, total: totalPages });
      return PAGES_AT_ONCE;
    },
  });
}

interface LogOnDisk {
  readonly build_id: number;
  readonly step_number: number;
  readonly stream: number;
}

/** Every file of a complete log. One whose journal is still there is not durable yet: it gets bytes of its own. */
async function copyLogs(db: Database, copier: FileCopier, { directory, signal, progress }: BackupOptions) {
  const rows = db
    .prepare<[], LogOnDisk>(
      `SELECT build_id, step_number, stream FROM logs
       WHERE complete = 1 AND id NOT IN (SELECT log_id FROM small_logs) ORDER BY id`,
    )
    .all();
  const result = { files: 0, bytes: 0, missing: [] as string[] };
  await inGroups(rows, async ({ build_id, step_number, stream }) => {
    signal.throwIfAborted();
    const path = framePath(build_id, step_number, stream);
    const isSettled = !existsSync(join(directory, journalPath(build_id, step_number)));
    const way = isSettled ? await copier.bring(path) : await copier.copy(path);
    if (way === 'missing') result.missing.push(path);
    else result.files += 1;
    result.bytes += sizeOf(join(directory, path)) ?? 0;
    progress({ what: 'logs', done: result.files + result.missing.length, total: rows.length });
  });
  return result;
}

/**
 * Journals as they are now, after the moment of the database: those of running steps hold at least what they held then,
 * those of ended ones are whole. Of a step that has ended meanwhile the copy made before stays; one of a step that had
 * ended may be a part only, and goes, since its log files are here.
 */
async function copyJournals(db: Database, copier: FileCopier, partial: string): Promise<void> {
  const steps = db
    // Not those that come later: what they will write in this master's future is not in the backup's.
    .prepare<[], { build_id: number; number: number }>("SELECT build_id, number FROM steps WHERE state = 'running'")
    .all();
  const running = new Set(steps.map(({ build_id, number }) => journalPath(build_id, number)));
  const ended = [...logFiles(partial)].filter((file) => isJournal(file) && !running.has(file.path));
  await inGroups(ended, async ({ path }) => {
    if ((await copier.copy(path)) === 'missing') await rm(join(partial, path));
  });
  await inGroups([...running], (path) => copier.copy(path));
}

async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < items.length; i += FILES_AT_ONCE) await Promise.all(items.slice(i, i + FILES_AT_ONCE).map(work));
}
