import { formatDuration } from '@icefall/shared';
import { backoffDelay } from '../../backoff.ts';
import { pause } from '../../clock.ts';
import { writeHeader } from '../../processes/output.ts';
import type { CommandContext, CommandEnd } from '../context.ts';
import { stopEnd } from '../tools.ts';
import { PassingFailure } from './exchange.ts';

/** A master that restarts is back within seconds; one that is away longer is not to be hammered. */
const RETRY = { firstMs: 500, longestMs: 30_000 };

/** Tries a transfer until it succeeds, fails for good (it throws), or the command is stopped. */
export async function repeatTransfer(context: CommandContext, attempt: () => Promise<CommandEnd>): Promise<CommandEnd> {
  for (let failures = 1; ; failures += 1) {
    const stopped = stopEnd(context);
    if (stopped !== null) return stopped;
    try {
      return await attempt();
    } catch (error) {
      const stoppedMeanwhile = stopEnd(context);
      if (stoppedMeanwhile !== null) return stoppedMeanwhile;
      if (!(error instanceof PassingFailure)) throw error;
      const delayMs = backoffDelay(failures, RETRY, context.random);
      writeHeader(context.output, `${error.message}; trying again in ${formatDuration(delayMs)}`);
      await pause(context.clock, delayMs, context.stop);
    }
  }
}
