import { type ChildProcess, spawn } from 'node:child_process';
import type { CommandOutcome } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { Timer } from '../engine/ports.ts';
import type { LogStore } from '../logs/log-store.ts';
import type { StepAction } from '../steps/step.ts';
import type { StepRef } from './command-port.ts';

type MasterCommand = Extract<StepAction, { do: 'masterCommand' }>;

/** What builds ask of whoever runs programs on the master's machine. */
export interface MasterCommandPort {
  /** Call when the turn is committed. */
  start(step: StepRef, command: MasterCommand): void;
  interrupt(step: StepRef): void;
  /** Fired inside a turn. */
  readonly finished: Hook<StepRef & { readonly outcome: CommandOutcome }>;
}

/** After TERM, this long until KILL. */
const KILL_GRACE_MS = 10_000;
/** Output is taken into the log in pieces, one turn each. */
const FLUSH_MS = 200;
/** More output than this is not kept: what runs on the master is small. */
const MOST_OUTPUT_BYTES = 4 * 1024 * 1024;

interface Running {
  readonly child: ChildProcess;
  readonly startedAt: number;
  pending: string;
  bytes: number;
  flush: Timer | null;
  limit: Timer | null;
  reason: CommandOutcome['reason'];
}

/** Programs that steps run on the master's machine. They end with the master. */
export class MasterProcesses implements MasterCommandPort {
  readonly finished = new Hook<StepRef & { readonly outcome: CommandOutcome }>();
  readonly #core: Core;
  readonly #logs: LogStore;
  readonly #running = new Map<string, Running>();

  constructor(core: Core, logs: LogStore) {
    this.#core = core;
    this.#logs = logs;
  }

  start(step: StepRef, command: MasterCommand): void {
    const { child, error } = trySpawn(command);
    if (child === null) {
      this.#end(step, { ...outcome(this.#core.now(), this.#core.now()), reason: 'refused', error });
      return;
    }
    const { clock } = this.#core;
    const running: Running = {
      child,
      startedAt: this.#core.now(),
      pending: '',
      bytes: 0,
      flush: null,
      limit: null,
      reason: 'exited',
    };
    this.#running.set(keyOf(step), running);
    if (command.maxTimeMs !== null)
      running.limit = clock.after(command.maxTimeMs, () => this.#stop(running, 'maxTime'));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#take(step, running, text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#take(step, running, text));
    child.once('error', (failure) =>
      this.#ended(step, running, { error: { code: 'cannot_start', message: failure.message }, reason: 'refused' }),
    );
    child.once('close', (exitCode, signal) => this.#ended(step, running, { exitCode, signal }));
  }

  interrupt(step: StepRef): void {
    const running = this.#running.get(keyOf(step));
    if (running !== undefined) this.#stop(running, 'interrupted');
  }

  /** Ends everything that runs; for the end of the master. */
  close(): void {
    for (const { child, flush, limit } of this.#running.values()) {
      flush?.cancel();
      limit?.cancel();
      child.removeAllListeners();
      signalGroup(child, 'SIGKILL');
    }
    this.#running.clear();
  }

  #stop(running: Running, reason: CommandOutcome['reason']): void {
    running.reason = reason;
    signalGroup(running.child, 'SIGTERM');
    running.limit?.cancel();
    running.limit = this.#core.clock.after(KILL_GRACE_MS, () => signalGroup(running.child, 'SIGKILL'));
  }

  #take(step: StepRef, running: Running, text: string): void {
    if (running.bytes > MOST_OUTPUT_BYTES) return;
    running.bytes += text.length;
    running.pending += text;
    if (running.bytes > MOST_OUTPUT_BYTES) running.pending += '\n(more output is not kept)\n';
    running.flush ??= this.#core.clock.after(FLUSH_MS, () => this.#core.turn(() => this.#write(step, running)));
  }

  #write({ buildId, stepNumber }: StepRef, running: Running): void {
    running.flush?.cancel();
    running.flush = null;
    if (running.pending !== '') this.#logs.note(buildId, stepNumber, running.pending);
    running.pending = '';
  }

  #ended(step: StepRef, running: Running, end: Partial<CommandOutcome>): void {
    if (!this.#running.delete(keyOf(step))) return;
    running.limit?.cancel();
    this.#core.insist(() => {
      this.#write(step, running);
      this.finished.fire({
        ...step,
        outcome: { ...outcome(running.startedAt, this.#core.now()), reason: running.reason, ...end },
      });
    });
  }

  #end(step: StepRef, result: CommandOutcome): void {
    this.#core.insist(() => this.finished.fire({ ...step, outcome: result }));
  }
}

function trySpawn({ command, workdir, env }: MasterCommand) {
  const [program, ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const kept = Object.entries({ ...process.env, ...env }).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  try {
    const child = spawn(program ?? '', args, {
      cwd: workdir,
      env: Object.fromEntries(kept),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { child, error: null };
  } catch (failure) {
    return { child: null, error: { code: 'cannot_start', message: String(failure) } };
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}

function outcome(startedAt: number, finishedAt: number): CommandOutcome {
  return { reason: 'exited', exitCode: null, signal: null, error: null, values: {}, startedAt, finishedAt };
}

function keyOf({ buildId, stepNumber }: StepRef): string {
  return `${buildId}.${stepNumber}`;
}
