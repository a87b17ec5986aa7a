import { existsSync } from 'node:fs';
import type { Disk, DiskFile } from '../disk.ts';

/** Thrown by every call after the moment of death: what the code does then has no effect, as in a process that is gone. */
export class Death extends Error {}

/**
 * A disk that works until `calls` changes have been made through it, and from then on does nothing but call `die`
 * (default: throw {@link Death}). A write that dies leaves half of its bytes.
 */
export function dyingDisk(
  disk: Disk,
  calls: number,
  die: () => never = defaultDie,
): Disk & { readonly used: () => number } {
  let used = 0;
  const step = (): void => {
    if (used >= calls) die();
    used += 1;
  };
  const guard =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      step();
      return work(...args);
    };
  const file = (real: DiskFile): DiskFile => ({
    async write(bytes) {
      if (used >= calls) await real.write(bytes.subarray(0, bytes.length >> 1));
      step();
      await real.write(bytes);
    },
    async finish() {
      // The system closes the files of a process that is gone.
      if (used >= calls) await real.abandon();
      step();
      await real.finish();
    },
    abandon: () => real.abandon(),
  });
  return {
    used: () => used,
    create: guard(async (path, mode) => file(await disk.create(path, mode))),
    rename: guard(disk.rename),
    remove: guard(disk.remove),
    makeDirectory: guard(disk.makeDirectory),
    removeDirectory: guard(disk.removeDirectory),
    symlink: guard(disk.symlink),
    setMode: guard(disk.setMode),
    setModificationTime: guard(disk.setModificationTime),
    setOwner: guard(disk.setOwner),
    link: guard(disk.link),
    syncDirectory: guard(disk.syncDirectory),
    syncObjects: guard(disk.syncObjects),
    syncTree: guard(disk.syncTree),
    // Changes nothing.
    hastenStore: disk.hastenStore,
    putObject(path, bytes) {
      if (used >= calls && !existsSync(path)) disk.putObject(path, bytes.subarray(0, bytes.length >> 1));
      step();
      return disk.putObject(path, bytes);
    },
  };
}

function defaultDie(): never {
  throw new Death('the process is dead');
}
