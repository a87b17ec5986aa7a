import type { LogLines, MasterEvent } from '@icefall/shared';
import { EVENT_KINDS } from '@icefall/shared/api/events';
import { apiUrl } from './client.ts';
import { parseJson } from './text.ts';

export interface EventHandlers {
  opened(): void;
  event(event: MasterEvent): void;
  /** What was missed is no longer at hand: a new snapshot is needed. The stream is closed. */
  reset(): void;
  /** The stream broke and is closed; it does not come back by itself. */
  broken(): void;
}

/**
 * The master's events after `after`. EventSource's own reconnecting is not used: it waits a fixed time, and does not
 * say since when. Returns what closes the stream.
 */
export function openEvents(after: number, handlers: EventHandlers): () => void {
  const source = new EventSource(apiUrl('/events', { after }));
  source.onopen = () => handlers.opened();
  source.onerror = () => {
    source.close();
    handlers.broken();
  };
  source.addEventListener('reset', () => {
    source.close();
    handlers.reset();
  });
  for (const kind of EVENT_KINDS)
    source.addEventListener(kind, (message) => handlers.event(parseJson(message.data) as MasterEvent));
  return () => source.close();
}

export interface FollowHandlers {
  lines(piece: LogLines): void;
  ended(): void;
  broken(): void;
}

/** The lines of a log from `first` on, as they are written. Returns what closes the stream. */
export function followLog(id: number, first: number, handlers: FollowHandlers): () => void {
  const source = new EventSource(apiUrl(`/logs/${id}/follow`, { first }));
  const take = (message: MessageEvent<string>) => handlers.lines(parseJson(message.data) as LogLines);
  source.onmessage = take;
  source.addEventListener('lines', take);
  source.addEventListener('end', () => {
    source.close();
    handlers.ended();
  });
  source.onerror = () => {
    source.close();
    handlers.broken();
  };
  return () => source.close();
}
