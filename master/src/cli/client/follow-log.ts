import { type LogLine, logLinesSchema } from '@icefall/shared';
import type { Terminal } from '../terminal.ts';
import { type ApiClient, Interrupted, Unreachable } from './api-client.ts';
import { apiPath } from './paths.ts';
import { Reconnect } from './reconnect.ts';

/**
 * Gives every line of a log once and in order, from its beginning to its end, as they come. A cut, a silence or a
 * restart of the master in between is mended by asking anew from the first line that is missing.
 */
export async function followLog(
  client: ApiClient,
  terminal: Terminal,
  logId: number,
  print: (lines: readonly LogLine[]) => void,
): Promise<void> {
  const reconnect = new Reconnect(terminal, client.limits);
  let next = 0;
  for (;;) {
    try {
      for await (const { event, data } of client.events(
        apiPath(['logs', logId, 'follow'], { first: next }),
        terminal.signal,
      )) {
        reconnect.isThere();
        if (event === 'end') return;
        const fresh = linesOf(data).filter((line) => line.n >= next);
        if (fresh.some((line, i) => line.n !== next + i))
          throw new Unreachable(`log ${logId}: line ${next} did not come`);
        print(fresh);
        next += fresh.length;
      }
      await reconnect.afterEnd();
    } catch (error) {
      if (terminal.signal.aborted) throw new Interrupted();
      await reconnect.afterFailure(error);
    }
  }
}

function linesOf(data: string): readonly LogLine[] {
  try {
    return logLinesSchema.parse(JSON.parse(data)).lines;
  } catch (error) {
    throw new Unreachable('the master sent log lines that this version of icefall cannot read', { cause: error });
  }
}
