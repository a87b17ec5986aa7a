import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PIECE = Buffer.alloc(4096);

/** For tests: a small file system in memory that can be filled to the last byte. */
export class SmallDisk implements Disposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Null where this user may not mount one; then the reason is printed. */
  static mount(sizeBytes: number): SmallDisk | null {
    const directory = mkdtempSync(join(tmpdir(), 'icefall-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'icefall-test', directory], { stdio: 'pipe' });
      return new SmallDisk(directory);
    } catch (error) {
      rmdirSync(directory);
      const why = error instanceof Error ? error.message.trim() : String(error);
      process.stderr.write(`tests of a full disk are skipped, no tmpfs can be mounted here: ${why}\n`);
      return null;
    }
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Takes all the space that is left, but for so many bytes. */
  fill(leaveBytes = 0): void {
    const reserve = openSync(this.path('reserve'), 'w');
    writeSync(reserve, Buffer.alloc(leaveBytes));
    fdatasyncSync(reserve);
    const fd = openSync(this.path('filler'), 'a');
    try {
      for (;;) if (writeSync(fd, PIECE) < PIECE.length) return;
    } catch (error) {
      if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'ENOSPC') throw error;
    } finally {
      closeSync(fd);
      closeSync(reserve);
      rmSync(this.path('reserve'));
    }
  }

  /** Gives back what {@link fill} took. */
  free(): void {
    rmSync(this.path('filler'), { force: true });
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['--lazy', this.directory], { stdio: 'pipe' });
    rmdirSync(this.directory);
  }
}
