import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from './home.ts';

/** Time a process gets after TERM before it is killed. Longer than a worker needs to end its commands. */
const STOP_GRACE_MS = 15_000;
/** Lines of a process's output that are shown when it fails. */
const OUTPUT_SHOWN = 15;

/** A process of the site. */
export interface Service {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Processes {
  start(service: Service): void;
  /** Resolves with a message when a process ends that should not have. */
  readonly failed: Promise<string>;
  /** Ends all of them, the last started first. */
  stop(): Promise<void>;
}

/**
 * Runs the site's processes, each in a process group of its own (so that Ctrl-C in a terminal reaches only us, and we end
 * them in order), with its output in a file of the home.
 */
export function runProcesses(home: Home): Processes {
  const running = new Map<string, ChildProcess>();
  let stopping = false;
  let fail: (message: string) => void = () => {};
  const failed = new Promise<string>((resolve) => {
    fail = resolve;
  });
  const record = () => {
    const pids = Object.fromEntries([...running].map(([name, child]) => [name, child.pid]));
    writeFileSync(home.processes, JSON.stringify(pids));
  };

  return {
    failed,
    start(service) {
      const file = join(home.output, `${service.name}.txt`);
      const output = openSync(file, 'a');
      const [program = '', ...args] = service.command;
      const child = spawn(program, args, {
        cwd: home.directory,
        detached: true,
        stdio: ['ignore', output, output],
        env: { ...process.env, ...service.env },
      });
      closeSync(output);
      running.set(service.name, child);
      record();
      child.once('error', (error) => fail(`${service.name} could not be started: ${error.message}`));
      child.once('exit', (code, signal) => {
        running.delete(service.name);
        if (!stopping) fail(`${service.name} ended by itself (${signal ?? `exit code ${code}`}):\n${lastLines(file)}`);
      });
    },
    async stop() {
      stopping = true;
      for (const child of [...running.values()].reverse()) await end(child);
      rmSync(home.processes, { force: true });
    },
  };
}

function lastLines(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines
    .slice(-OUTPUT_SHOWN)
    .map((line) => `  ${line}`)
    .join('\n');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  signalGroup(child.pid, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), STOP_GRACE_MS);
  await exited;
  clearTimeout(timer);
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

/** Ends what a start that was killed left running. A process number that belongs to something else now is left alone. */
export async function endLeftovers(home: Home, say: (line: string) => void): Promise<void> {
  if (!existsSync(home.processes)) return;
  const pids: Record<string, number> = JSON.parse(readFileSync(home.processes, 'utf8'));
  for (const [name, pid] of Object.entries(pids).reverse()) {
    if (!isOurs(home, pid)) continue;
    say(`ending ${name}, left running by a start that was cut off`);
    signalGroup(pid, 'SIGTERM');
    const until = Date.now() + STOP_GRACE_MS;
    while (isOurs(home, pid) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 100));
    signalGroup(pid, 'SIGKILL');
  }
  rmSync(home.processes, { force: true });
}

function isOurs(home: Home, pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(home.directory);
  } catch {
    return false;
  }
}
