import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { chmod, lchown, link, lutimes, mkdir, open, readdir, rename, rmdir, symlink, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { threadId } from 'node:worker_threads';
import { systemCode } from './errors.ts';

export type DiskPath = string | Buffer;

/** A new file that is being written. */
export interface DiskFile {
  write(bytes: Uint8Array): Promise<void>;
  /** Makes what was written durable and closes the file. */
  finish(): Promise<void>;
  /** Closes the file without any promise. */
  abandon(): Promise<void>;
}

/**
 * Everything that changes the disk goes through here, so that tests can let it fail, or let the process die, before
 * any one of these calls. (One exception: an abort first makes directories readable for itself, which needs no promise.)
 */
export interface Disk {
  /** Creates the file; fails with EEXIST where there is one. */
  create(path: DiskPath, mode: number): Promise<DiskFile>;
  rename(from: DiskPath, to: DiskPath): Promise<void>;
  remove(path: DiskPath): Promise<void>;
  /** Creates the directory and those above it; it may exist. */
  makeDirectory(path: DiskPath, mode: number): Promise<void>;
  removeDirectory(path: DiskPath): Promise<void>;
  symlink(target: DiskPath, path: DiskPath): Promise<void>;
  setMode(path: DiskPath, mode: number): Promise<void>;
  /** Of the file itself, also where it is a symbolic link. Seconds since the epoch. */
  setModificationTime(path: DiskPath, seconds: number): Promise<void>;
  setOwner(path: DiskPath, uid: number, gid: number): Promise<void>;
  /** A further name for a file. */
  link(existing: DiskPath, path: DiskPath): Promise<void>;
  /** Makes the names in a directory durable. */
  syncDirectory(path: DiskPath): Promise<void>;
  /**
   * Puts an object in place, without making it durable; false where it is there already. What a crash has left there of
   * another content is replaced. `data/txn` must be beside the object's directory.
   */
  putObject(path: string, bytes: Uint8Array): boolean;
  /** Makes a few objects durable, with their names. */
  syncObjects(paths: readonly string[]): Promise<void>;
  /** Makes everything durable that is below a directory: what many files are best made by. */
  syncTree(path: string): Promise<void>;
  /** Lets the system begin to write what it has of the store, while there is other work: no promise, less is left to sync. */
  hastenStore(served: string): Promise<void>;
}

/** Files that are told to write at once. */
const SYNC_AT_ONCE = 16;
let replaced = 0;

/** The disk of this machine. */
export const realDisk: Disk = {
  async create(path, mode) {
    const file = await open(path, 'wx', mode);
    return {
      async write(bytes) {
        await file.writeFile(bytes);
      },
      async finish() {
        try {
          await file.sync();
        } finally {
          await file.close();
        }
      },
      abandon: () => file.close(),
    };
  },
  rename: (from, to) => rename(from, to),
  remove: (path) => unlink(path),
  async makeDirectory(path, mode) {
    await mkdir(path, { recursive: true, mode });
  },
  removeDirectory: (path) => rmdir(path),
  symlink: (target, path) => symlink(target, path),
  setMode: (path, mode) => chmod(path, mode),
  async setModificationTime(path, seconds) {
    // Node takes a number below zero for the time of day.
    const time = new Date(seconds * 1000);
    await lutimes(path, time, time);
  },
  setOwner: (path, uid, gid) => lchown(path, uid, gid),
  link: (existing, path) => link(existing, path),
  syncDirectory,
  putObject,
  syncObjects: syncEach,
  syncTree,
  async hastenStore(served) {
    await syncFileSystem(served);
  },
};

async function syncDirectory(path: DiskPath): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function putObject(path: string, bytes: Uint8Array): boolean {
  try {
    writeNew(path, bytes);
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  if (readFileSync(path).equals(bytes)) return false;
  replaced += 1;
  const temporary = `${dirname(dirname(path))}/txn/${process.pid}-${threadId}-${replaced}`;
  writeNew(temporary, bytes);
  renameSync(temporary, path);
  return true;
}

const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;

function writeNew(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, NEW_FILE, 0o644);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

async function syncTree(path: string): Promise<void> {
  if (await syncFileSystem(path)) return;
  const names = await readdir(path, { recursive: true, withFileTypes: true });
  await syncEach(names.filter((name) => name.isFile()).map((name) => `${name.parentPath}/${name.name}`));
}

/** False: there is no program for it here. */
async function syncFileSystem(path: string): Promise<boolean> {
  try {
    await promisify(execFile)('sync', ['--file-system', path]);
    return true;
  } catch {
    return false;
  }
}

async function syncEach(paths: readonly string[]): Promise<void> {
  const names = new Set(paths.map((path) => dirname(path)));
  // In the order of their making: the first ones are mostly written by the time the last is asked for.
  for (let i = 0; i < paths.length; i += SYNC_AT_ONCE)
    await Promise.all(paths.slice(i, i + SYNC_AT_ONCE).map(syncDirectory));
  await Promise.all([...names].map(syncDirectory));
}

/**
 * Replaces a file as a whole: readers see the old or the new one, never a part, and after a crash too. `temporary` is a
 * name on the same file system that nobody else uses; a left-over of a crash there is removed first.
 */
export async function replaceFile(
  disk: Disk,
  path: string,
  temporary: string,
  content: Uint8Array,
  mode = 0o644,
): Promise<void> {
  await removeIfThere(disk, temporary);
  const file = await disk.create(temporary, mode);
  await finishWith(file, () => file.write(content));
  await disk.rename(temporary, path);
  await disk.syncDirectory(path.slice(0, path.lastIndexOf('/')) || '/');
}

/** Runs `write`, then finishes the file; abandons it where `write` fails. */
export async function finishWith(file: DiskFile, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    await file.abandon();
    throw error;
  }
  await file.finish();
}

export async function removeIfThere(disk: Disk, path: DiskPath): Promise<void> {
  try {
    await disk.remove(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
