import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that lives, as /proc tells of it. */
export interface LivingProcess {
  readonly pid: number;
  readonly command: string;
}

/** Processes whose command line, environment or working directory name a folder; this process is not one of them. */
export function processesOf(directory: string): LivingProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const command = read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim();
      const hasToDo = [command, read(`/proc/${name}/environ`), workingDirectory(name)].some((text) =>
        text.includes(directory),
      );
      return hasToDo && isAlive(Number(name)) ? [{ pid: Number(name), command }] : [];
    });
}

/** Kills {@link processesOf} a folder, until there are none. */
export function endProcessesOf(directory: string): void {
  // Again, for those that were born meanwhile.
  for (let round = 0; round < 5; round += 1) {
    const left = processesOf(directory);
    if (left.length === 0) return;
    for (const { pid } of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

/** Whether a process lives: one that waits only to be collected by its parent does not. */
export function isAlive(pid: number): boolean {
  const status = read(`/proc/${pid}/status`);
  return status !== '' && !/^State:\s+[ZX]/m.test(status);
}

/** Empty where the process is gone, or not ours to look at. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
