import type { LogLines, LogSearchPiece, MasterEvent } from '@icefall/shared';
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

export interface SearchHandlers {
  found(piece: LogSearchPiece): void;
  ended(piece: LogSearchPiece): void;
  /** The master refused it, or cannot be reached. */
  failed(why: string): void;
}

export interface SearchQuery {
  readonly q: string;
  readonly regex: 0 | 1;
  readonly limit: number;
}

/** Searches a log, or all logs of a build, on the master. Returns what gives it up. */
export function searchLogs(
  of: { readonly log: number } | { readonly build: number },
  query: SearchQuery,
  handlers: SearchHandlers,
): () => void {
  const path = 'log' in of ? `/logs/${of.log}` : `/builds/${of.build}`;
  return takeFinds(apiUrl(`${path}/search`, { ...query }), handlers);
}

/** The lines of a log, from one on, that may begin or end a group. Returns what gives it up. */
export function findMarks(log: number, query: { first: number; limit: number }, handlers: SearchHandlers): () => void {
  return takeFinds(apiUrl(`/logs/${log}/marks`, query), handlers);
}

function takeFinds(url: string, handlers: SearchHandlers): () => void {
  const source = new EventSource(url);
  const last = (take: (data: string) => void) => (message: MessageEvent<string>) => {
    source.close();
    take(message.data);
  };
  source.addEventListener('hits', (message) => handlers.found(parseJson(message.data) as LogSearchPiece));
  source.addEventListener(
    'end',
    last((data) => handlers.ended(parseJson(data) as LogSearchPiece)),
  );
  source.addEventListener(
    'refused',
    last((data) => handlers.failed((parseJson(data) as { message: string }).message)),
  );
  source.onerror = () => {
    source.close();
    handlers.failed('The log could not be searched: the master refused it, or cannot be reached.');
  };
  return () => source.close();
}
