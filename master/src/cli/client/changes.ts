import { EVENT_KINDS, type EventKind, statusSchema } from '@icefall/shared';
import { z } from 'zod';
import type { Terminal } from '../terminal.ts';
import { type ApiClient, Interrupted } from './api-client.ts';
import { apiPath } from './paths.ts';
import { Reconnect } from './reconnect.ts';

/** What of an event decides whether to look anew. The resource itself is asked for: an event may be older than it. */
const eventSchema = z.object({
  seq: z.number().int(),
  kind: z.enum(EVENT_KINDS),
  key: z.string(),
});

/**
 * Gives one turn at once, and another one whenever something relevant may have changed: after its event, and after
 * every gap (the master was away, or has forgotten what came between). So a look at each turn misses nothing.
 */
export async function* changes(
  client: ApiClient,
  terminal: Terminal,
  isRelevant: (kind: EventKind, key: string) => boolean,
): AsyncGenerator<void> {
  const reconnect = new Reconnect(terminal, client.limits);
  for (;;) {
    try {
      let after = (await client.get('/status', statusSchema)).value.seq;
      reconnect.isThere();
      yield;
      for await (const { event, data } of client.events(apiPath(['events'], { after }), terminal.signal)) {
        reconnect.isThere();
        if (event === 'reset') break;
        const parsed = eventSchema.safeParse(jsonOf(data));
        // A kind of a newer master: nothing that this command knows depends on it.
        if (!parsed.success || parsed.data.seq <= after) continue;
        after = parsed.data.seq;
        if (isRelevant(parsed.data.kind, parsed.data.key)) yield;
      }
      await reconnect.afterEnd();
    } catch (error) {
      if (terminal.signal.aborted) throw new Interrupted();
      await reconnect.afterFailure(error);
    }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
