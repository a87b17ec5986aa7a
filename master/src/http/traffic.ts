import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isLoopback } from '../access/loopback.ts';
import { networkOf } from '../access/network.ts';
import { Attempts } from '../engine/attempts.ts';
import type { Clock } from '../engine/ports.ts';
import { Shares } from '../engine/shares.ts';
import { HttpProblem } from './errors.ts';

const WINDOW_MS = 10_000;
/** Requests of one address within ten seconds: a page that is opened asks for some fifty, a program that lists all builds for more. */
export const MOST_REQUESTS = 3000;
/** Of these such as change something, and deliveries of webhooks: each is a turn with a sync of the disk. */
const MOST_CHANGING_REQUESTS = 1000;
/** Sockets at once: what pages, their streams and programs of a large site need, and far from the process's own limit. */
export const MOST_CONNECTIONS = 4000;
/** Bodies that are received at this moment, bytes: as much memory as they may take; and those of one address. */
const MOST_BODIES = { most: 512 * 1024 * 1024, mostOfOne: 64 * 1024 * 1024 };
/** Whoever takes longer to say what they want is slow on purpose. */
const HEADERS_LIMIT_MS = 20_000;
/**
 * Whoever takes nothing of an answer for so long, or (Node looks twice) for twice as long, is let go: what waits for them is
 * memory. Streams say something more often.
 */
const SILENCE_LIMIT_MS = 120_000;
/** So often the server looks for those who are. */
export const CONNECTIONS_CHECK_MS = 5000;

/**
 * Holds off who asks for too much: slow requests, many requests and large bodies of one address. This machine's own programs
 * are not counted, so that a proxy here must be named as trusted for those behind it to be told apart.
 */
export function limitTraffic(
  app: FastifyInstance,
  clock: Clock,
  most = { requests: MOST_REQUESTS, changing: MOST_CHANGING_REQUESTS, bodies: MOST_BODIES },
): void {
  app.server.headersTimeout = HEADERS_LIMIT_MS;
  app.server.timeout = SILENCE_LIMIT_MS;
  const all = new Attempts({ most: most.requests, withinMs: WINDOW_MS });
  const changing = new Attempts({ most: most.changing, withinMs: WINDOW_MS });
  app.addHook('onRequest', async ({ ip, method }, reply) => {
    if (isLoopback(ip)) return;
    const [who, now] = [networkOf(ip), clock.monotonic()];
    const limits = method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? [all] : [all, changing];
    if (limits.some((limit) => limit.exceeded(who, now))) {
      reply.header('retry-after', WINDOW_MS / 1000);
      throw new HttpProblem('too_many_requests', `too many requests from ${ip}; wait ${WINDOW_MS / 1000} s`);
    }
    for (const limit of limits) limit.note(who, now);
  });
  const bodies = new Shares(most.bodies);
  app.addHook('preParsing', async (request, reply) => {
    const bytes = bodyBytesOf(request);
    if (bytes === 0) return;
    const giveBack = bodies.take(isLoopback(request.ip) ? null : networkOf(request.ip), bytes);
    if (giveBack === null) {
      reply.header('retry-after', WINDOW_MS / 1000);
      throw new HttpProblem('too_many_requests', `too much is being sent by ${request.ip}; wait ${WINDOW_MS / 1000} s`);
    }
    reply.raw.once('close', giveBack);
  });
}

/** As its client says, or as much as may come where that says nothing. What is too large is refused without being read. */
function bodyBytesOf({ headers, routeOptions }: FastifyRequest): number {
  const limit = routeOptions.bodyLimit ?? 0;
  if (headers['transfer-encoding'] !== undefined) return limit;
  const length = Number(headers['content-length'] ?? 0);
  return length > limit ? 0 : length;
}
