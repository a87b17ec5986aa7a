import { type ChildProcess, spawn } from 'node:child_process';
import { LimitWatch } from './limits.ts';
import { LogFollower } from './log-files.ts';
import { writeHeader } from './output.ts';
import type { ProcessFacts } from './proc.ts';
import { OutputReader } from './reader.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import type { ProcessEnd, ProcessHost, ProcessSpec } from './spec.ts';
import { type Stop, stopOf } from './stop.ts';
import { ProcessTree } from './tree.ts';

/** What a leader leaves behind often ends by itself just after it (`> >(tee log)`): it is let be for this long. */
export const LINGER_MS = 1000;
/** From TERM to KILL for what does not. */
const LEFTOVER_GRACE_MS = 2000;

/** Why a process was ended by us. */
interface Cause {
  readonly reason: Exclude<ProcessEnd['reason'], 'exited' | 'refused'>;
  readonly message: string;
  readonly error: ProcessEnd['error'];
  readonly graceMs: number;
}

interface Exit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

type HowEnded = Pick<ProcessEnd, 'reason'> & Partial<ProcessEnd>;

/** The end of a command that was stopped before, or between, its processes. */
export function stoppedEnd(stop: Stop): ProcessEnd {
  return { reason: stop.reason, exitCode: null, signal: null, error: stop.error, stdout: '', stderr: '' };
}

/** Runs a process to its end, and to the end of everything it started. Does not throw for what the process does. */
export async function runProcess(spec: ProcessSpec, host: ProcessHost): Promise<ProcessEnd> {
  const stopped = stopOf(host.stop);
  if (stopped !== null) return stoppedEnd(stopped);
  const run = new ProcessRun(spec, host);
  const logs = await LogFollower.begin(spec.logFiles, host.output, host.clock, () => run.limits.sign());
  try {
    return await run.toEnd(await OutputReader.open(spec, host, run.limits));
  } finally {
    run.limits.close();
    await logs.finish(host.stop);
  }
}

class ProcessRun {
  readonly limits: LimitWatch;
  readonly #spec: ProcessSpec;
  readonly #host: ProcessHost;
  readonly #caused = Promise.withResolvers<Cause>();

  constructor(spec: ProcessSpec, host: ProcessHost) {
    this.#spec = spec;
    this.#host = host;
    this.limits = new LimitWatch(spec.limits, host.clock, ({ reason, message }) =>
      this.#caused.resolve({ reason, message, error: null, graceMs: spec.killGraceMs }),
    );
  }

  async toEnd(reader: OutputReader): Promise<ProcessEnd> {
    try {
      const how = await this.#runWith(reader);
      const captured = { stdout: reader.stdout.text(), stderr: reader.stderr.text() };
      return { exitCode: null, signal: null, error: null, ...how, ...captured };
    } finally {
      reader.close();
    }
  }

  async #runWith(reader: OutputReader): Promise<HowEnded> {
    const { stop, clock, markers } = this.#host;
    const started = await this.#spawn(reader.writeFds);
    if ('refusal' in started) return { reason: 'refused', error: started.refusal };
    const { tree, leader } = ProcessTree.ofLeader(clock, started.pid, markers);
    this.#host.onSpawn(started.pid, leader);
    reader.begin();
    const onStop = () => this.#stopped();
    stop.addEventListener('abort', onStop);
    if (stop.aborted) onStop();
    const how = await this.#supervise(tree, started.exit);
    stop.removeEventListener('abort', onStop);
    await reader.drain();
    return how;
  }

  async #spawn([stdoutFd, stderrFd]: [number, number]): Promise<
    { readonly refusal: Refusal } | { readonly pid: number; readonly exit: Promise<Exit> }
  > {
    const { argv, cwd, env, stdinFd } = this.#spec;
    let child: ChildProcess;
    try {
      child = spawn(argv[0], argv.slice(1), {
        cwd,
        env: { ...env },
        // A session and a process group of its own, with the child at their head.
        detached: true,
        stdio: [stdinFd ?? 'ignore', stdoutFd, stderrFd],
      });
    } catch (error) {
      return { refusal: refusalOf(error, this.#spec) };
    }
    const { pid } = child;
    if (pid === undefined) {
      const error = await new Promise<unknown>((resolve) => child.once('error', resolve));
      return { refusal: refusalOf(error, this.#spec) };
    }
    const exit = new Promise<Exit>((resolve) => {
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
    });
    return { pid, exit };
  }

  /** Waits for the leader, ends it where there is cause, and ends what it left behind. */
  async #supervise(tree: ProcessTree, exit: Promise<Exit>): Promise<HowEnded> {
    const first = await Promise.race([exit, this.#caused.promise]);
    this.limits.close();
    if ('reason' in first) return await this.#endByForce(tree, exit, first);
    await this.#endLeftovers(tree);
    return { reason: 'exited', ...first };
  }

  async #endByForce(tree: ProcessTree, exit: Promise<Exit>, cause: Cause): Promise<HowEnded> {
    const { reason, message, error, graceMs } = cause;
    writeHeader(this.#host.output, `${message}: ended`);
    const survivors = await tree.end(graceMs);
    if (survivors.length === 0) return { reason, error, ...(await exit) };
    this.#tellSurvivors(survivors);
    return {
      reason,
      error: { code: 'not_killable', message: `${message}, but ${describe(survivors)} cannot be killed` },
    };
  }

  async #endLeftovers(tree: ProcessTree): Promise<void> {
    if (await tree.gone(LINGER_MS, this.#host.stop)) return;
    const left = tree.living();
    if (left.length > 0) writeHeader(this.#host.output, `the command left running: ${describe(left)}: ended`);
    this.#tellSurvivors(await tree.end(LEFTOVER_GRACE_MS));
  }

  #tellSurvivors(survivors: readonly ProcessFacts[]): void {
    if (survivors.length > 0) writeHeader(this.#host.output, `cannot be killed: ${describe(survivors)}`);
  }

  #stopped(): void {
    const stop = stopOf(this.#host.stop);
    if (stop === null) return;
    const { killGraceMs } = this.#spec;
    const graceMs = Math.min(killGraceMs, stop.longestGraceMs ?? killGraceMs);
    this.#caused.resolve({ reason: stop.reason, message: stop.message, error: stop.error, graceMs });
  }
}

/** At most so many processes are named. */
const NAMED = 5;

function describe(processes: readonly ProcessFacts[]): string {
  const named = processes.slice(0, NAMED).map(({ name, pid }) => `${name} (${pid})`);
  const more = processes.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
