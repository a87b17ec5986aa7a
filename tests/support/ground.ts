import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcessesOf } from './process-table.ts';

/** Set to keep the folders of tests, to look at what their processes wrote. */
const KEEP = 'ICEFALL_KEEP_TESTS';

/** Reads until the test's own process is no more, then kills what names the folder, and removes it. */
const WATCH = `
cat >/dev/null
for process in /proc/[0-9]*; do
  pid=\${process#/proc/}
  [ "$pid" = $$ ] && continue
  { cat $process/cmdline $process/environ; readlink $process/cwd; } 2>/dev/null | grep -aqF "$1" && kill -9 "$pid"
done
rm -rf "$1"`;

/**
 * The ground that a test stands on: a temporary folder, and everything that was started on it. Ends all of it, the last
 * first, whatever fails; then kills whatever process still has to do with the folder, and removes it.
 */
export class TestGround {
  readonly directory: string;
  readonly #endings: (() => unknown)[] = [];
  /** For a runner that is killed itself. */
  readonly #watch: ChildProcess;
  readonly #killAtExit = () => endProcessesOf(this.directory);

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'icefall-test-'));
    this.#watch = spawn('sh', ['-c', WATCH, 'sh', this.directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // A runner that is stopped leaves nothing behind either.
    process.on('exit', this.#killAtExit);
  }

  /** A path below the folder. */
  path(...parts: readonly string[]): string {
    return join(this.directory, ...parts);
  }

  /** Has this done at the end. */
  atEnd(ending: () => unknown): void {
    this.#endings.push(ending);
  }

  /** Ends everything. Throws the first failure, after all of it was done. */
  async end(): Promise<void> {
    const failures: unknown[] = [];
    for (const ending of this.#endings.splice(0).reverse()) {
      try {
        await ending();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#watch.kill('SIGKILL');
    this.#watch.stdin?.destroy();
    endProcessesOf(this.directory);
    process.off('exit', this.#killAtExit);
    if (process.env[KEEP] === undefined) rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
    else process.stderr.write(`kept: ${this.directory}\n`);
    if (failures.length > 0) throw failures[0];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}
