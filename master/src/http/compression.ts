import { pipeline, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, createGzip, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Shorter answers fit into a packet or two as they are. */
const LEAST_BYTES = 1400;
/** A third of the time of the usual level, for a tenth more bytes. It is done on a thread beside the master's own. */
const LEVEL = { level: 3 };
const TEXTS = /^(?:text\/(?:html|css|javascript)|application\/(?:json|javascript)|image\/svg\+xml)/;

const compressed = promisify(gzip);

/**
 * Sends answers to GET compressed to clients that take gzip: JSON of the API and the page's files. Streams of events and
 * logs go as they are: the former live by each event's going out at once, the latter would cost seconds of processor time.
 */
export function compressAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload: unknown) => {
    if (!isWanted(request, reply)) return payload;
    if (typeof payload === 'string') {
      reply.header('vary', 'accept-encoding');
      if (payload.length < LEAST_BYTES || !takesGzip(request)) return payload;
      markCompressed(reply);
      return compressed(payload, LEVEL);
    }
    if (!isStream(payload)) return payload;
    reply.header('vary', 'accept-encoding');
    if (Number(reply.getHeader('content-length')) < LEAST_BYTES || !takesGzip(request)) return payload;
    markCompressed(reply);
    // An error of the file ends the answer as well, through the pipeline.
    return pipeline(payload, createGzip({ level: constants.Z_BEST_COMPRESSION }), () => {});
  });
}

function isWanted(request: FastifyRequest, reply: FastifyReply): boolean {
  return (
    request.method === 'GET' &&
    reply.statusCode === 200 &&
    !reply.hasHeader('content-encoding') &&
    !reply.hasHeader('content-disposition') &&
    TEXTS.test(String(reply.getHeader('content-type')))
  );
}

/** RFC 9110, section 12.5.3; `gzip;q=0` refuses it. */
function takesGzip(request: FastifyRequest): boolean {
  const accepted = String(request.headers['accept-encoding'] ?? '').toLowerCase();
  return accepted.split(',').some((coding) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/.test(coding));
}

function markCompressed(reply: FastifyReply): void {
  reply.header('content-encoding', 'gzip').removeHeader('content-length').removeHeader('accept-ranges');
}

function isStream(payload: unknown): payload is Readable {
  return typeof payload === 'object' && payload !== null && typeof Reflect.get(payload, 'pipe') === 'function';
}
