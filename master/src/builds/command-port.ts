import type { Command, CommandOutcome } from '@icefall/shared';
import type { Hook } from '../engine/hooks.ts';
import type { Transfer } from '../steps/step.ts';

/** The step that a command belongs to. */
export interface StepRef {
  readonly buildId: number;
  readonly stepNumber: number;
}

export interface NewCommand extends StepRef {
  /** Of the build's attempt. */
  readonly epoch: number;
  readonly worker: string;
  /** For people: builder, build number and step. */
  readonly label: string;
  readonly command: Command;
  readonly transfer: Transfer | null;
  /** It is clean-up that only this worker can do: it waits for an absent one for its clean-up grace. */
  readonly patient: boolean;
}

export interface LostCommand extends StepRef {
  readonly why: string;
  /** It was waited for long enough: its worker is away still. */
  readonly isGivenUp: boolean;
}

/**
 * What builds ask of the room that talks to workers. All of it inside turns: a command is on disk before its worker
 * hears of it, and the hooks fire in the turn that stores what they tell.
 */
export interface CommandPort {
  /** Runs a command on a worker, now or when it is back. */
  start(command: NewCommand): void;
  /** Asks for the end of a step's command; `finished` or `lost` tells when it has ended. Nothing for a step without one. */
  interrupt(step: StepRef, reason: string): void;
  /** Its process has begun. */
  readonly started: Hook<StepRef & { readonly pid: number | null }>;
  /** It has ended, and all of its output is in the log. Fired once. */
  readonly finished: Hook<StepRef & { readonly outcome: CommandOutcome }>;
  /** Nobody will ever know how it ended: its worker's grace ran out, or the worker came back without it. Fired once. */
  readonly lost: Hook<LostCommand>;
}
