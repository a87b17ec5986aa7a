import { type ChildProcess, spawn } from 'node:child_process';
import type { CommandOutcome } from '@icefall/shared';
import { Scrubber } from '@icefall/shared/secrets/scrubber';
import { secretText } from '@icefall/shared/secrets/secret-text';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { Timer } from '../engine/ports.ts';
import type { LogStore } from '../logs/log-store.ts';
import { ScrubbedText } from '../secrets/scrubbed-text.ts';
import type { SecretSource } from '../secrets/secrets.ts';
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

/** Values of secrets that are remembered: a later program may show what an earlier one left. The oldest are forgotten. */
const MOST_VALUES = 100;

interface Running {
  readonly child: ChildProcess;
  readonly stdout: ScrubbedText;
  readonly stderr: ScrubbedText;
  readonly startedAt: number;
  pending: string;
  bytes: number;
  flush: Timer | null;
  limit: Timer | null;
  reason: CommandOutcome['reason'];
}

/** Programs that steps run on the master's machine, with the secrets that they name. They end with the master. */
export class MasterProcesses implements MasterCommandPort {
  readonly finished = new Hook<StepRef & { readonly outcome: CommandOutcome }>();
  readonly #core: Core;
  readonly #logs: LogStore;
  readonly #secrets: SecretSource;
  readonly #isOwn: (variable: string) => boolean;
  readonly #running = new Map<string, Running>();
  /** Steps whose secrets are being fetched: nothing of them runs yet. */
  readonly #fetching = new Set<string>();
  #values: Buffer[] = [];
  #scrubber: Scrubber | null = null;

  /** `isOwn`: variables of the master that are its own, and that no program inherits. */
  constructor(core: Core, logs: LogStore, secrets: SecretSource, isOwn: (variable: string) => boolean = () => false) {
    this.#isOwn = isOwn;
    this.#core = core;
    this.#logs = logs;
    this.#secrets = secrets;
  }

  start(step: StepRef, command: MasterCommand): void {
    const names = [...new Set(Object.values(command.secrets))];
    if (names.length === 0) {
      this.#spawn(step, command, {});
      return;
    }
    const key = keyOf(step);
    this.#fetching.add(key);
    this.#secrets.fetch(step.buildId, names, (answer) => {
      if (!this.#fetching.delete(key)) return;
      if ('error' in answer) this.#refuse(step, answer.error);
      else this.#withSecrets(step, command, answer.values);
    });
  }

  /** `values` are in base64, by name. */
  #withSecrets(step: StepRef, command: MasterCommand, values: Readonly<Record<string, string>>): void {
    const given: Record<string, string> = {};
    for (const [variable, name] of Object.entries(command.secrets)) {
      const value = Buffer.from(values[name] ?? '', 'base64');
      const text = secretText(value);
      if (text === null) {
        this.#refuse(step, {
          code: 'bad_secret',
          message: `the secret "${name}" is no text; a variable cannot hold it`,
        });
        return;
      }
      given[variable] = text;
      this.#learn(value);
    }
    this.#spawn(step, command, given);
  }

  #learn(value: Buffer): void {
    if (this.#values.some((known) => known.equals(value))) return;
    this.#values = [...this.#values, value].slice(-MOST_VALUES);
    this.#scrubber = new Scrubber(this.#values);
  }

  #spawn(step: StepRef, command: MasterCommand, given: Readonly<Record<string, string>>): void {
    const inherited = Object.entries(process.env).filter(([variable]) => !this.#isOwn(variable));
    const { child, error } = trySpawn(command, { ...Object.fromEntries(inherited), ...command.env, ...given });
    if (child === null) {
      this.#refuse(step, error);
      return;
    }
    const { clock } = this.#core;
    const running: Running = {
      child,
      stdout: new ScrubbedText(this.#scrubber),
      stderr: new ScrubbedText(this.#scrubber),
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
    child.stdout?.on('data', (bytes: Buffer) => this.#take(step, running, running.stdout.push(bytes)));
    child.stderr?.on('data', (bytes: Buffer) => this.#take(step, running, running.stderr.push(bytes)));
    child.once('error', ({ message }) =>
      this.#ended(step, running, { error: { code: 'cannot_start', message }, reason: 'refused' }),
    );
    child.once('close', (exitCode, signal) => this.#ended(step, running, { exitCode, signal }));
  }

  interrupt(step: StepRef): void {
    const key = keyOf(step);
    const running = this.#running.get(key);
    if (running !== undefined) this.#stop(running, 'interrupted');
    else if (this.#fetching.delete(key))
      this.#end(step, { ...outcome(this.#core.now(), this.#core.now()), reason: 'interrupted' });
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
    this.#fetching.clear();
  }

  #stop(running: Running, reason: CommandOutcome['reason']): void {
    running.reason = reason;
    signalGroup(running.child, 'SIGTERM');
    running.limit?.cancel();
    running.limit = this.#core.clock.after(KILL_GRACE_MS, () => signalGroup(running.child, 'SIGKILL'));
  }

  #take(step: StepRef, running: Running, text: string): void {
    if (running.bytes > MOST_OUTPUT_BYTES || text === '') return;
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
    // What was held back because a secret could have begun with it.
    this.#take(step, running, running.stdout.end());
    this.#take(step, running, running.stderr.end());
    this.#core.insist(() => {
      this.#write(step, running);
      this.finished.fire({
        ...step,
        outcome: { ...outcome(running.startedAt, this.#core.now()), reason: running.reason, ...end },
      });
    });
  }

  #refuse(step: StepRef, error: CommandOutcome['error']): void {
    this.#end(step, { ...outcome(this.#core.now(), this.#core.now()), reason: 'refused', error });
  }

  #end(step: StepRef, result: CommandOutcome): void {
    this.#core.insist(() => this.finished.fire({ ...step, outcome: result }));
  }
}

function trySpawn({ command, workdir }: MasterCommand, env: Readonly<Record<string, string | null | undefined>>) {
  const [program, ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const kept = Object.entries(env).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
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
