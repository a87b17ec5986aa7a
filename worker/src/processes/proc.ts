import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import type { Environment } from '../environment.ts';

/** What /proc/PID/stat tells of a process. */
export interface ProcessFacts {
  readonly pid: number;
  /** Of its program, at most 15 characters. */
  readonly name: string;
  readonly parent: number;
  readonly group: number;
  /** Ended, and only not yet collected by its parent. */
  readonly dead: boolean;
  /** When it began, in clock ticks since the machine booted: with the pid it names a process for ever. */
  readonly startTicks: number;
}

// Read again and again for hundreds of processes: one buffer, and no more system calls than needed.
const buffer = Buffer.allocUnsafe(256 * 1024);

/** The beginning of a file below /proc, or null where the process is gone or not ours to look at. */
function readProc(path: string): Buffer | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    let length = 0;
    while (length < buffer.length) {
      const bytes = readSync(fd, buffer, length, buffer.length - length, null);
      if (bytes === 0) break;
      length += bytes;
    }
    return buffer.subarray(0, length);
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/** Parses a line of /proc/PID/stat (proc(5)); the name in parentheses may hold anything. */
export function parseStat(text: string): ProcessFacts | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(close + 2).split(' ');
  const [state, parent, group] = fields;
  const startTicks = Number(fields[19]);
  if (close < 0 || !Number.isInteger(pid) || state === undefined || !Number.isInteger(startTicks)) return null;
  return {
    pid,
    name: text.slice(open + 1, close),
    parent: Number(parent),
    group: Number(group),
    dead: state === 'Z' || state === 'X',
    startTicks,
  };
}

/** Whether this system tells of its processes below /proc (Linux). */
export function hasProc(): boolean {
  return processFacts(process.pid) !== null;
}

/** Null where there is no such process, or no /proc. */
export function processFacts(pid: number): ProcessFacts | null {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat === null ? null : parseStat(stat.toString('latin1'));
}

/** Whether the process began with all of these variables in its environment. */
function hasVariables(pid: number, variables: readonly Buffer[]): boolean {
  const environment = readProc(`/proc/${pid}/environ`);
  return environment !== null && variables.every((variable) => holdsVariable(environment, variable));
}

/** `variable` is `NAME=value\0`. */
function holdsVariable(environment: Buffer, variable: Buffer): boolean {
  for (let at = environment.indexOf(variable); at >= 0; at = environment.indexOf(variable, at + 1))
    if (at === 0 || environment[at - 1] === 0) return true;
  return false;
}

interface ProcessSearch {
  /** All living processes of this process group; null for none. */
  readonly group: number | null;
  /** All living processes that began with these variables in their environment. */
  readonly markers: Environment;
  /** Nothing that began before is looked at: it can only be of another command. */
  readonly notBeforeTicks: number;
  /** Look at these only; without it at all there are. */
  readonly among?: readonly number[];
}

/** Finds living processes by group or environment. Empty where there is no /proc. */
export function findProcesses(search: ProcessSearch): ProcessFacts[] {
  const variables = Object.entries(search.markers).map(([name, value]) => Buffer.from(`${name}=${value}\0`));
  return (search.among ?? allPids()).map(processFacts).filter((facts): facts is ProcessFacts => {
    if (facts === null || facts.dead || facts.pid === process.pid) return false;
    if (facts.startTicks < search.notBeforeTicks) return false;
    return facts.group === search.group || hasVariables(facts.pid, variables);
  });
}

function allPids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/**
 * The number that was given to a process last: the last field of /proc/loadavg, see proc(5). Null where it is not told.
 */
export function newestPid(): number | null {
  const loadavg = readProc('/proc/loadavg')?.toString('latin1');
  const pid = Number.parseInt(loadavg?.slice(loadavg.lastIndexOf(' ') + 1) ?? '', 10);
  return Number.isInteger(pid) ? pid : null;
}

let knownBootId: string | null = null;

/** Changes when the machine boots. Empty where the system does not tell. */
export function bootId(): string {
  if (knownBootId === null) {
    try {
      knownBootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    } catch {
      knownBootId = '';
    }
  }
  return knownBootId;
}
