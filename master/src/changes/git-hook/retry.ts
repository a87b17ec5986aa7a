import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from './files.ts';
import { Spool } from './spool.ts';
import { tellMaster } from './told.ts';

/** Nine minutes in all: a master that restarts is back by then. For a longer absence there is the next push. */
export const RETRY_DELAYS_MS = [5000, 10_000, 20_000, 40_000, ...Array.from({ length: 8 }, () => 60_000)];

/** Starts a process that tries again for a while; the push does not wait for it. */
export function retryInBackground(main: string, state: string): void {
  const child = spawn(process.execPath, [main, 'retry', state], { cwd: '/', detached: true, stdio: 'ignore' });
  // Without it the next push does the same.
  child.on('error', () => {});
  child.unref();
}

/** Tries again until nothing waits; one process at a time for each repository. */
export async function retry(
  state: string,
  ports: { readonly now: () => number; readonly sleep: (ms: number) => Promise<void>; readonly signal: AbortSignal },
): Promise<void> {
  const lock = join(state, 'retrying');
  if (!takeLock(lock)) return;
  try {
    for (const delayMs of RETRY_DELAYS_MS) {
      await ports.sleep(delayMs);
      if (!new Spool(state, ports.now).isThere) return;
      const { left } = await tellMaster(state, ports);
      if (left === 0) return;
    }
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Takes the lock, unless a process that lives has it. */
function takeLock(lock: string): boolean {
  const holder = Number.parseInt(readIfThere(lock) ?? '', 10);
  if (Number.isInteger(holder) && holder !== process.pid && isAlive(holder)) return false;
  rmSync(lock, { force: true });
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
