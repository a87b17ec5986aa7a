import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { type Database, DatabaseError, SCHEMA_VERSION } from '../db/database.ts';

export const DATABASE_FILE = 'icefall.db';
export const LOG_FOLDER = 'logs';
/** As in the log store: builds that share a directory. */
const BUILDS_PER_DIRECTORY = 1000;

/** Files of one step's logs, named as the log store names them. */
export interface LogFile {
  /** Below the state's directory. */
  readonly path: string;
  readonly buildId: number;
  readonly stepNumber: number;
  /** The log's stream; null: the journal. */
  readonly stream: number | null;
}

/** A file or folder among the logs that has no name of ours. */
export interface StrangeFile {
  readonly path: string;
  readonly buildId: null;
}

function logPath(buildId: number, file: string): string {
  return join(LOG_FOLDER, String(Math.floor(buildId / BUILDS_PER_DIRECTORY)), String(buildId), file);
}

export const framePath = (buildId: number, stepNumber: number, stream: number) =>
  logPath(buildId, `${stepNumber}.${stream}.log`);
export const journalPath = (buildId: number, stepNumber: number) => logPath(buildId, `${stepNumber}.journal`);

/** Every file among the logs of a state directory. */
export function* logFiles(directory: string): Generator<LogFile | StrangeFile> {
  for (const group of entries(directory, LOG_FOLDER)) {
    for (const build of entries(directory, join(LOG_FOLDER, group))) {
      const folder = join(LOG_FOLDER, group, build);
      for (const name of entries(directory, folder)) yield fileOf(join(folder, name), Number(build), name);
    }
  }
}

function entries(directory: string, folder: string): string[] {
  try {
    return readdirSync(join(directory, folder));
  } catch (error) {
    const code = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    // A plain file among folders is told of where its name is looked at; a folder may go while it is read.
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

function fileOf(path: string, buildId: number, name: string): LogFile | StrangeFile {
  const match = /^(\d+)\.(?:(\d+)\.log|journal)$/.exec(name);
  const isOurs = match !== null && Number.isInteger(buildId) && path === logPath(buildId, name);
  if (!isOurs) return { path, buildId: null };
  return { path, buildId, stepNumber: Number(match[1]), stream: match[2] === undefined ? null : Number(match[2]) };
}

/**
 * Opens the database of a state directory for reading only, beside a running master or without one. Throws
 * {@link DatabaseError}.
 */
export function openForReading(directory: string): Database {
  const path = join(directory, DATABASE_FILE);
  if (!existsSync(path)) throw new DatabaseError(`there is no database ${path}: is ${directory} a master's state?`);
  try {
    const db = new Sqlite(path, { readonly: true, fileMustExist: true });
    db.pragma('cache_size = -65536');
    const version = db.pragma('user_version', { simple: true });
    if (version === SCHEMA_VERSION) return db;
    db.close();
    const older = typeof version === 'number' && version < SCHEMA_VERSION;
    const remedy = older ? 'start the master once, it brings it up to date' : 'use the newer version of icefall';
    throw new DatabaseError(
      `the database ${path} has schema ${version}, this program's is ${SCHEMA_VERSION}; ${remedy}`,
    );
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new DatabaseError(
      `the database ${path} cannot be read: ${why}; put the newest backup back with icefall restore`,
      {
        cause: error,
      },
    );
  }
}
