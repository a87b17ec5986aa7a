import type { Command, CommandOutcome } from '@icefall/shared';
import type { StepRef } from '../builds/command-port.ts';
import type { MasterCommandPort } from '../builds/master-processes.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { Timer } from '../engine/ports.ts';
import type { StepAction } from '../steps/step.ts';
import type { Work } from './simulated-command.ts';

type MasterCommand = Extract<StepAction, { do: 'masterCommand' }>;

interface Running {
  readonly startedAt: number;
  readonly timer: Timer | null;
}

/** What steps run on the master's machine, in virtual time: nothing is started. */
export class SimulatedMasterCommands implements MasterCommandPort {
  readonly finished = new Hook<StepRef & { readonly outcome: CommandOutcome }>();
  readonly #core: Core;
  readonly #work: (command: Command, label: string) => Work;
  readonly #running = new Map<string, Running>();

  constructor(core: Core, work: (command: Command, label: string) => Work) {
    this.#core = core;
    this.#work = work;
  }

  start(step: StepRef, command: MasterCommand): void {
    const { durationMs, exitCode = 0, values = {} } = this.#work(asShell(command), this.#label(step));
    const startedAt = this.#core.now();
    const end = () => this.#end(step, { exitCode, values });
    const timer = durationMs === null ? null : this.#core.clock.at(startedAt + durationMs, end);
    this.#running.set(keyOf(step), { startedAt, timer });
  }

  #label({ buildId, stepNumber }: StepRef): string {
    const row = this.#core.db.one<{ label: string }>(
      `SELECT builder || ' #' || builds.number || ', ' || steps.name AS label
         FROM builds JOIN steps ON steps.build_id = builds.id WHERE builds.id = ? AND steps.number = ?`,
      buildId,
      stepNumber,
    );
    return row?.label ?? '';
  }

  interrupt(step: StepRef): void {
    this.#running.get(keyOf(step))?.timer?.cancel();
    this.#end(step, { reason: 'interrupted', signal: 'SIGTERM' });
  }

  #end(step: StepRef, end: Partial<CommandOutcome>): void {
    const running = this.#running.get(keyOf(step));
    if (!this.#running.delete(keyOf(step)) || running === undefined) return;
    const times = { startedAt: running.startedAt, finishedAt: this.#core.now() };
    const outcome = { reason: 'exited' as const, exitCode: null, signal: null, error: null, values: {}, ...times };
    this.#core.turn(() => this.finished.fire({ ...step, outcome: { ...outcome, ...end } }));
  }

  close(): void {
    for (const { timer } of this.#running.values()) timer?.cancel();
    this.#running.clear();
  }
}

function keyOf({ buildId, stepNumber }: StepRef): string {
  return `${buildId}.${stepNumber}`;
}

function asShell({ command, workdir, env, maxTimeMs }: MasterCommand): Command {
  return {
    ...{ kind: 'shell', command: typeof command === 'string' ? command : [...command], workdir, env: { ...env } },
    ...{ idleTimeoutMs: null, maxTimeMs, maxLines: null, killGraceMs: 0, stdin: null, logFiles: [], capture: false },
  };
}
