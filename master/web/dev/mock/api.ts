import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Build, Log } from '@icefall/shared';
import { act } from './actions.ts';
import { sendJson } from './answers.ts';
import { listDeliveries } from './deliveries.ts';
import { logLine } from './logs.ts';
import type { Play } from './play.ts';
import { listReporters, listReports } from './reporters.ts';
import { LOCAL_CALLER } from './session.ts';
import type { Sent, World } from './world.ts';

/** Lines of the log that is longer than all others: id 999. */
const HUGE: Log = {
  id: 999_999,
  buildId: 1,
  stepNumber: 1,
  name: 'stdio',
  lines: 1_000_000,
  bytes: 58_000_000,
  complete: true,
};

function notFound(response: ServerResponse, what: string): ServerResponse {
  return sendJson(response, 404, { error: { code: 'not_found', message: `There is no ${what}.` } });
}

export async function answerApi(
  play: Play,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<unknown> {
  const parts = url.pathname.split('/').slice(3).map(decodeURIComponent);
  if (request.method === 'POST') return act(play, request, response, parts);
  return read(play.world, request, response, parts, url.searchParams);
}

function read(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  parts: string[],
  query: URLSearchParams,
) {
  const [room = '', name, third, fourth] = parts;
  const now = Date.now();
  if (room === 'status') return sendJson(response, 200, world.status(now));
  if (room === 'snapshot') return sendJson(response, 200, snapshot(world, now, Number(query.get('hours') ?? 24)));
  if (room === 'events')
    return streamEvents(world, response, Number(request.headers['last-event-id'] ?? query.get('after') ?? world.seq));
  if (room === 'logs') return readLog(world, response, Number(name), third, query);
  if (room === 'builds' && name === undefined) return sendJson(response, 200, listBuilds(world, query));
  if (room === 'changes' && name === undefined) {
    const before = Number(query.get('before') ?? Infinity);
    const changes = [...world.changes.values()].filter((change) => change.id < before).reverse();
    return sendJson(response, 200, { changes: changes.slice(0, Number(query.get('limit') ?? 50)), next: null });
  }
  if (room === 'hooks' && name === 'deliveries') return sendJson(response, 200, listDeliveries(world, query));
  const fixed = { session: LOCAL_CALLER, reporters: listReporters(now), reports: listReports(now) }[room];
  if (fixed !== undefined) return sendJson(response, 200, fixed);
  if (room === 'builders' && third === 'builds')
    return one(
      response,
      [...world.builds.values()].find((b) => b.builder === name && b.number === Number(fourth)),
      'such build',
    );
  const map = { builders: world.builders, workers: world.workers, schedulers: world.schedulers, locks: world.locks }[
    room
  ];
  if (map !== undefined)
    return name === undefined
      ? sendJson(response, 200, { [room]: [...map.values()] })
      : one(response, map.get(name), name);
  const byId = { builds: world.builds, requests: world.requests, changes: world.changes, buildsets: world.buildsets }[
    room
  ];
  one(response, byId?.get(Number(name)), `${room} ${name}`);
}

function one(response: ServerResponse, item: unknown, what: string) {
  if (item === undefined) notFound(response, what);
  else sendJson(response, 200, item);
}

function newest(builds: Iterable<Build>): Build[] {
  return [...builds].sort((a, b) => b.startedAt - a.startedAt);
}

function snapshot(world: World, now: number, hours: number) {
  const since = now - hours * 3_600_000;
  const builds = newest(world.builds.values()).filter((build) => (build.finishedAt ?? now) >= since);
  return {
    seq: world.seq,
    status: world.status(now),
    builders: [...world.builders.values()],
    builds,
    since,
    more: builds.length < world.builds.size,
    requests: [...world.requests.values()].filter((r) => r.state !== 'finished' || (r.finishedAt ?? 0) > since),
    changes: [...world.changes.values()].filter((change) => change.receivedAt > since),
    workers: [...world.workers.values()],
    locks: [...world.locks.values()],
    schedulers: [...world.schedulers.values()],
  };
}

const FILTERS = ['builder', 'worker', 'state', 'result'] as const;

function listBuilds(world: World, query: URLSearchParams): { builds: Build[]; next: number | null } {
  const wanted = (name: (typeof FILTERS)[number]) => query.get(name);
  const before = world.builds.get(Number(query.get('before') ?? 0));
  const found = newest(world.builds.values())
    .filter((build) => before === undefined || build.startedAt < before.startedAt)
    .filter((build) => FILTERS.every((name) => wanted(name) === null || build[name] === wanted(name)));
  const builds = found.slice(0, Number(query.get('limit') ?? 50));
  return { builds, next: found.length > builds.length ? (builds.at(-1)?.id ?? null) : null };
}

function openStream(response: ServerResponse) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(':\n\n');
}

function streamEvents(world: World, response: ServerResponse, after: number) {
  openStream(response);
  const oldest = world.sent[0]?.seq ?? world.seq + 1;
  if (after + 1 < oldest && after < world.seq) {
    response.end('event: reset\ndata: {}\n\n');
    return;
  }
  const send = (event: Sent) => response.write(`id: ${event.seq}\nevent: ${event.kind}\ndata: ${event.json}\n\n`);
  for (const event of world.sent) if (event.seq > after) send(event);
  world.listeners.add(send);
  response.on('close', () => world.listeners.delete(send));
}

function readLog(world: World, response: ServerResponse, id: number, what: string | undefined, query: URLSearchParams) {
  const log = id === HUGE.id ? HUGE : world.logs.get(id);
  if (log === undefined) return notFound(response, `log ${id}`);
  const startedAt = world.builds.get(log.buildId)?.steps[log.stepNumber]?.locksAcquiredAt ?? Date.now() - 86_400_000;
  const lines = (first: number, limit: number) => {
    const end = Math.min(log.lines, first + limit);
    const piece = [];
    for (let n = first; n < end; n += 1) piece.push(logLine(log, n, startedAt));
    return { logId: log.id, first, lines: piece, total: log.lines, complete: log.complete };
  };
  const first = Number(query.get('first') ?? 0);
  if (what === undefined) return sendJson(response, 200, log);
  if (what === 'lines')
    return sendJson(response, 200, lines(first, Math.min(5000, Number(query.get('limit') ?? 1000))));
  if (what === 'raw' || what === 'download') {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(
      lines(0, 100_000)
        .lines.map((line) => `${line.text}\n`)
        .join(''),
    );
    return;
  }
  if (what === 'search' || what === 'marks') {
    // Nothing is ever found in what is made up.
    openStream(response);
    const end = { logId: log.id, hits: [], texts: [], done: log.lines, isFull: false };
    response.end(`event: end\ndata: ${JSON.stringify(end)}\n\n`);
    return;
  }
  follow(response, log, first, lines);
}

function follow(
  response: ServerResponse,
  log: Log,
  first: number,
  lines: (first: number, limit: number) => { lines: unknown[] },
) {
  openStream(response);
  let next = first;
  const timer = setInterval(() => {
    if (next < log.lines) {
      const piece = lines(next, 1000);
      next += piece.lines.length;
      response.write(`event: lines\ndata: ${JSON.stringify(piece)}\n\n`);
    } else if (log.complete) {
      clearInterval(timer);
      response.end('event: end\ndata: {}\n\n');
    }
  }, 200);
  response.on('close', () => clearInterval(timer));
}
