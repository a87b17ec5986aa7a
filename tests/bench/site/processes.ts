import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** A master that does not end by itself within this time after TERM is killed. */
const END_WITHIN_MS = 10_000;
/** Clock ticks in /proc/PID/stat: USER_HZ, 100 on every Linux (see proc(5)). */
const TICKS_PER_SECOND = 100;

const living = new Set<ChildProcess>();
// Whatever ends the bench, nothing that it started stays.
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** A process of the bench. */
export interface BenchProcess extends AsyncDisposable {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What it wrote on standard error, the newest part. */
  readonly errors: () => string;
}

const MOST_KEPT_TEXT = 20_000;

/** Starts Node with a program. Disposing ends it and waits for its end. */
export function startNode(args: readonly string[], options: SpawnOptions = {}): BenchProcess {
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${process.execPath} ${args.join(' ')}`);
  living.add(child);
  child.once('exit', () => living.delete(child));
  let errors = '';
  child.stdout?.resume();
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-MOST_KEPT_TEXT);
  });
  return {
    pid,
    child,
    errors: () => errors,
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = new AbortController();
  void pause(END_WITHIN_MS, null, { signal: late.signal }).then(
    () => child.kill('SIGKILL'),
    () => {},
  );
  await ended;
  late.abort();
}

/** Processor time that a process has used so far, all its threads, in ms (to 10 ms). */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

/** Resident memory of a process, MiB: now, and the peak since {@link forgetPeak}. */
export function memoryMib(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

/** Begins to watch the peak of memory anew. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
