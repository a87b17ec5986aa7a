import { type CommandOutcome, formatDuration, type Result } from '@icefall/shared';
import type { StepEnd } from './step.ts';

/** Codes of errors that no command causes: the worker itself failed, its disk, or a place where secrets are kept. */
const FAULTS_OF_THE_SITE: ReadonlySet<string> = new Set([
  ...['internal', 'journal_unwritable', 'secret_unwritable', 'secret_missing', 'worker_too_old'],
  ...['secret_unknown', 'secret_unavailable', 'bad_secret'],
]);

/**
 * The result of a command where its kind has no table of its own: 0 is SUCCESS, any other exit or a signal FAILURE,
 * ended by a limit FAILURE, ended on request CANCELLED, not startable (a missing program or directory) FAILURE, a fault
 * of the worker or of a place of secrets EXCEPTION, lost with its worker RETRY.
 */
export function resultOfOutcome(
  outcome: CommandOutcome,
  table: Readonly<Record<string, Result>> = { 0: 'SUCCESS' },
): Result {
  if (outcome.error !== null && FAULTS_OF_THE_SITE.has(outcome.error.code)) return 'EXCEPTION';
  switch (outcome.reason) {
    case 'exited':
      if (outcome.exitCode === null) return 'FAILURE';
      return (Object.hasOwn(table, outcome.exitCode) ? table[outcome.exitCode] : undefined) ?? 'FAILURE';
    case 'idleTimeout':
    case 'maxTime':
    case 'maxLines':
    case 'refused':
      return 'FAILURE';
    case 'interrupted':
      return 'CANCELLED';
    case 'lost':
      return 'RETRY';
  }
}

/** Few words for a command line: `make -j4 install`. */
export function shortCommand(command: string | readonly string[]): string {
  const text = (typeof command === 'string' ? command : command.join(' ')).replace(/\s+/g, ' ').trim();
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** How a process ended, in a few words for people. */
function describeOutcome(outcome: CommandOutcome): string {
  switch (outcome.reason) {
    case 'exited':
      if (outcome.error !== null) return outcome.error.message;
      if (outcome.signal !== null) return `killed by ${outcome.signal}`;
      return outcome.exitCode === 0 ? '' : `exit code ${outcome.exitCode}`;
    case 'idleTimeout':
      return 'timed out: no output';
    case 'maxTime':
      return `timed out after ${formatDuration(outcome.finishedAt - outcome.startedAt)}`;
    case 'maxLines':
      return 'ended: too many lines';
    case 'interrupted':
      return 'interrupted';
    case 'lost':
      return `lost: ${outcome.error?.message ?? 'the worker stopped while it ran'}`;
    case 'refused':
      return outcome.error?.message ?? 'could not be started';
  }
}

/** End of a step by its exit code, with a summary made of what it did and how it ended. */
export function endByExitCode(
  what: string,
  outcome: CommandOutcome,
  table?: Readonly<Record<string, Result>>,
): StepEnd & { readonly summary: string } {
  const result = resultOfOutcome(outcome, table);
  // A table that does not name 0 makes a failure of it: that must not look like one without a reason.
  const how = describeOutcome(outcome) || (result === 'SUCCESS' ? '' : `exit code ${outcome.exitCode}`);
  return { result, summary: how === '' ? what : `${what}: ${how}` };
}
