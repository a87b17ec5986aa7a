import { Readable } from 'node:stream';
import { LOG_MARKS, type Log, logLinesSchema, logSchema } from '@icefall/shared';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../access/access.ts';
import { MOST_LINES } from '../../logs/log-store.ts';
import type { Door } from '../door.ts';
import { LogSearch, type LogSearchOptions } from '../log-searches.ts';
import { idParam, numberQuery, route } from '../route.ts';
import { found } from './builders.ts';
import { lastEventId } from './events.ts';

/** Hits that one search gives; who has more searches for something else. */
const MOST_HITS = 20_000;

const params = z.object({ id: idParam });
const first = numberQuery({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  .default(0)
  .describe('from 0; a negative one counts from the end');
const TEXT = {
  media: 'text/plain; charset=utf-8',
  description: 'The text of the log, from its beginning to its end now',
};

const searched = {
  q: z.string().min(1).max(1000).describe('what is searched for'),
  regex: z.enum(['0', '1']).default('0').describe('1: `q` is a regular expression, held against each line'),
  raw: z.enum(['0', '1']).default('0').describe('1: control sequences are searched, too'),
  text: z.enum(['0', '1']).default('0').describe('1: the lines themselves are sent, too'),
  limit: numberQuery({ min: 1, max: MOST_HITS }).default(MOST_HITS),
};
const FINDS = {
  media: 'text/event-stream',
  description:
    'Event `hits`: LogSearchPiece, the lines found since the one before. Event `end`: the same, after the last. ' +
    'Event `refused`: an object with a `message`; the expression takes too long, or the log cannot be read.',
};

export const logRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/logs/:id',
    name: 'getLog',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.log(params.id) },
    summary: 'A log and its size now',
    tag: 'logs',
    params,
    answer: { json: logSchema },
    refusals: ['not_found'],
    handle: ({ door, params: { id } }) => logOf(door, id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/logs/:id/lines',
    name: 'getLogLines',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.log(params.id) },
    summary: 'Lines of a log, each with its time and stream',
    tag: 'logs',
    params,
    query: z.object({ first, limit: numberQuery({ min: 1, max: MOST_LINES }).default(1000) }),
    answer: { json: logLinesSchema },
    refusals: ['not_found'],
    handle: ({ door, params: { id }, query }) =>
      found(door.master.logs.lines(id, query.first, query.limit), `log ${id}`),
  }),
  route({
    method: 'GET',
    path: '/api/v1/logs/:id/raw',
    name: 'getLogText',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.log(params.id) },
    summary: 'A log as plain text',
    tag: 'logs',
    params,
    answer: TEXT,
    refusals: ['not_found'],
    handle: ({ door, params: { id }, reply }) => sendText(door, reply, logOf(door, id)),
  }),
  route({
    method: 'GET',
    path: '/api/v1/logs/:id/download',
    name: 'downloadLog',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.log(params.id) },
    summary: 'A log as a file',
    tag: 'logs',
    params,
    answer: TEXT,
    refusals: ['not_found'],
    handle({ door, params: { id }, reply }) {
      const log = logOf(door, id);
      reply.header('content-disposition', `attachment; filename="${fileNameOf(door, log)}"`);
      return sendText(door, reply, log);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/logs/:id/follow',
    name: 'followLog',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.log(params.id) },
    summary: 'Lines of a log as they are written',
    tag: 'logs',
    params,
    query: z.object({ first }),
    answer: {
      media: 'text/event-stream',
      description:
        'Event `lines`: LogLines, with the number of the line after them as id (the header Last-Event-ID wins over ' +
        '`first`). Event `end`: the log is complete, there is no more.',
    },
    refusals: ['not_found', 'too_many_streams'],
    handle({ door, caller, params: { id }, query, request, reply }) {
      logOf(door, id);
      const stream = door.sse.open(
        reply,
        caller.address,
        () => door.followers.leave(id, stream),
        () => door.access.isStill(caller),
      );
      door.followers.follow(id, resumedAt(request.headers['last-event-id']) ?? query.first, stream);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/logs/:id/search',
    name: 'searchLog',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.log(params.id) },
    summary: 'Lines of a log that have a text, in any case, or match a regular expression, as they are found',
    tag: 'logs',
    params,
    query: z.object({
      ...searched,
      first: numberQuery({ min: 0, max: Number.MAX_SAFE_INTEGER }).default(0).describe('line to begin with, from 0'),
    }),
    answer: FINDS,
    refusals: ['not_found', 'bad_search', 'too_many_streams'],
    handle({ door, caller, params: { id }, query, reply }) {
      logOf(door, id);
      search(door, caller, reply, { logIds: [id], ...wantedOf(query) });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/logs/:id/marks',
    name: 'listLogMarks',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.log(params.id) },
    summary:
      'Lines of a log that begin or end a group, with their text; quick, since its index knows where they may be',
    tag: 'logs',
    params,
    query: z.object({
      first: numberQuery({ min: 0, max: Number.MAX_SAFE_INTEGER }).default(0).describe('line to begin with, from 0'),
      limit: numberQuery({ min: 1, max: MOST_HITS }).default(MOST_HITS),
    }),
    answer: FINDS,
    refusals: ['not_found', 'too_many_streams'],
    handle({ door, caller, params: { id }, query, reply }) {
      logOf(door, id);
      const marks = { text: LOG_MARKS, isExpression: true, isRaw: true, withText: true, onlyMarked: true };
      search(door, caller, reply, { logIds: [id], ...marks, ...query });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/builds/:id/search',
    name: 'searchBuild',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.build(params.id) },
    summary: 'As `searchLog`, in all logs of a build, in the order of its steps',
    tag: 'logs',
    params,
    query: z.object(searched),
    answer: FINDS,
    refusals: ['not_found', 'bad_search', 'too_many_streams'],
    handle({ door, caller, params: { id }, query, reply }) {
      const { steps } = found(door.views.builds.build(id), `build ${id}`);
      const logIds = steps.flatMap((step) => step.logs.map((log) => log.id));
      search(door, caller, reply, { logIds, ...wantedOf({ ...query, first: 0 }) });
    },
  }),
];

function logOf(door: Door, id: number): Log {
  return found(door.views.steps.log(id), `log ${id}`);
}

interface Searched {
  readonly q: string;
  readonly regex: '0' | '1';
  readonly raw: '0' | '1';
  readonly text: '0' | '1';
  readonly first: number;
  readonly limit: number;
}

function wantedOf({ q, regex, raw, text, first, limit }: Searched): Omit<LogSearchOptions, 'logIds'> {
  return { text: q, isExpression: regex === '1', isRaw: raw === '1', withText: text === '1', first, limit };
}

function search(door: Door, caller: Caller, reply: FastifyReply, options: LogSearchOptions): void {
  const open = () =>
    door.sse.open(
      reply,
      caller.address,
      () => undefined,
      () => door.access.isStill(caller),
    );
  const { core, logs } = door.master;
  new LogSearch({ core, logs, turns: door.searches }, options, open).start();
}

function resumedAt(header: string | string[] | undefined): number | null {
  const line = lastEventId(header);
  return line === Number.POSITIVE_INFINITY ? null : line;
}

/** Streams a log's text: pieces are read as the client takes them. */
function sendText(door: Door, reply: FastifyReply, log: Log): FastifyReply {
  const pieces = door.master.logs.raw(log.id);
  // The first piece is read before the answer begins, so that a damaged file is an error and not half a text.
  const opening = pieces.next();
  function* all(): Generator<Buffer> {
    if (!opening.done) yield opening.value;
    yield* pieces;
  }
  return reply
    .header('content-type', TEXT.media)
    .header('cache-control', 'no-store')
    .send(Readable.from(all(), { objectMode: false }));
}

/** `BUILDER-NUMBER-STEP-LOG.txt`, of characters that every file system and header takes. */
function fileNameOf(door: Door, log: Log): string {
  const build = door.views.builds.head(log.buildId);
  const step = door.views.steps.step(`${log.buildId}.${log.stepNumber}`);
  const parts = [build?.builder ?? 'build', build?.number ?? log.buildId, step?.name ?? log.stepNumber, log.name];
  return `${parts.join('-').replace(/[^\w.+-]+/g, '_')}.txt`;
}
