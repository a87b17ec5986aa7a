import { chmod, lutimes, mkdir, open, rename, rmdir, symlink, unlink } from 'node:fs/promises';

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
  /** Makes the names in a directory durable. */
  syncDirectory(path: DiskPath): Promise<void>;
}

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
  setModificationTime: (path, seconds) => lutimes(path, seconds, seconds),
  async syncDirectory(path) {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

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
