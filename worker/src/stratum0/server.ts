import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Stratum0Error, systemCode } from './errors.ts';
import { NAME_PATTERN } from './paths.ts';
import { repositoryNames } from './repository.ts';
import { hashOf } from './trust/signing.ts';

export interface ServerOptions {
  /** The stratum 0's directory; only what is below its `srv` is served. */
  readonly directory: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Told of requests that failed for a reason of ours. */
  readonly say: (line: string) => void;
}

/** Files that are replaced in place: what clients begin with, and what mirrors ask for (replica mark, reflog, status). */
const FILE_PATH = new RegExp(
  `^/cvmfs/(${NAME_PATTERN})/(\\.cvmfspublished|\\.cvmfswhitelist|\\.cvmfs_master_replica|\\.cvmfsreflog|\\.cvmfs_status\\.json)$`,
);
const OBJECT_PATH = new RegExp(
  `^/cvmfs/(${NAME_PATTERN})/(data/[0-9a-f]{2}/[0-9a-f]{38}(?:-rmd160|-shake128)?[A-Z]?)$`,
);
/** What monitors begin with: which repositories there are (CernVM-FS documentation, "CernVM-FS Server Meta Information"). */
const LIST_PATH = '/cvmfs/info/v1/repositories.json';
/**
 * Of what is replaced in place: as the stock tools have their web servers say, so that the proxies of a site ask once a
 * minute, not for each of its clients. (Squid keeps nothing that may be kept for a minute or less.) Whoever must have the
 * newest says so, and proxies then ask.
 */
const SHORT = 'public, max-age=61';
/** An object's name is the hash of its bytes: what a cache has of it stays right for ever. */
const IMMUTABLE = 'public, max-age=31536000, immutable';
/** Larger than any reflog: one grows by less than a kilobyte with each publish, and shrinks with garbage collection. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Serves all repositories over HTTP, read-only. Resolves once it listens; throws `port_taken`. */
export async function serve(options: ServerOptions): Promise<Server> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.say(`${request.method} ${request.url}: ${String(error)}`);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, 'the server failed');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, options)));
    server.listen(options.port, options.host, resolve);
  });
  return server;
}

function listenError(error: Error, { host, port }: ServerOptions): Error {
  if (systemCode(error) !== 'EADDRINUSE') return error;
  return new Stratum0Error(
    'port_taken',
    `port ${port} on ${host} is in use by another program; choose another one with --port`,
  );
}

async function answer(options: ServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return refuse(response, 405, 'only GET and HEAD are served');
  }
  const path = pathOf(request.url ?? '');
  if (path === LIST_PATH) return sendContent(listOf(options), 'application/json', request, response);
  const replaced = FILE_PATH.exec(path);
  const object = OBJECT_PATH.exec(path);
  const [, repository, name] = replaced ?? object ?? [];
  if (repository === undefined || name === undefined) return refuse(response, 404, 'no such file');
  const file = join(options.directory, 'srv', repository, name);
  return replaced === null ? sendObject(file, request, response) : sendWhole(file, request, response);
}

/**
 * The path of a request, however it is written: with the server's address before it (RFC 9112, section 3.2.2), with
 * characters as `%2E`, with slashes doubled where somebody has joined an address with a slash at its end.
 */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?]*/i, '').replace(/\?.*$/s, '');
  try {
    return decodeURIComponent(path).replace(/\/{2,}/g, '/');
  } catch {
    return path;
  }
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-cache' });
  response.end(`${text}\n`);
}

function listOf({ directory }: ServerOptions): Buffer {
  const repositories = repositoryNames({ directory }).map((name) => ({ name, url: `/cvmfs/${name}` }));
  return Buffer.from(`${JSON.stringify({ schema: 1, repositories, replicas: [] }, null, 2)}\n`);
}

/** Whole in memory, so that a publish in the middle of an answer cannot mix two of them. */
async function sendWhole(file: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const content = await readFile(file).catch(() => null);
  if (content === null || content.length > MAX_FILE_BYTES) return refuse(response, 404, 'no such file');
  sendContent(content, typeOf(file), request, response);
}

function sendContent(content: Buffer, type: string, request: IncomingMessage, response: ServerResponse): void {
  const tag = `"${hashOf(content)}"`;
  const headers = { 'Cache-Control': SHORT, ETag: tag, 'Content-Type': type };
  if (request.headers['if-none-match'] === tag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, 'Content-Length': content.length });
  response.end(request.method === 'HEAD' ? undefined : content);
}

function typeOf(file: string): string {
  if (file.endsWith('.cvmfspublished')) return 'application/x-cvmfs';
  if (file.endsWith('.json')) return 'application/json';
  return file.endsWith('reflog') ? 'application/octet-stream' : 'text/plain';
}

async function sendObject(file: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const handle = await open(file).catch(() => null);
  if (handle === null) return refuse(response, 404, 'no such object');
  let size: number;
  try {
    size = (await handle.stat()).size;
  } finally {
    await handle.close();
  }
  const tag = `"${file.slice(file.lastIndexOf('/data/') + 6).replace('/', '')}"`;
  const headers = {
    'Cache-Control': IMMUTABLE,
    ETag: tag,
    'Accept-Ranges': 'bytes',
    'Content-Type': 'application/octet-stream',
  };
  if (request.headers['if-none-match'] === tag) {
    response.writeHead(304, headers).end();
    return;
  }
  const range = parseRange(request.headers.range, size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  const [first, last] = range ?? [0, size - 1];
  const partial = range === null ? {} : { 'Content-Range': `bytes ${first}-${last}/${size}` };
  response.writeHead(range === null ? 200 : 206, { ...headers, ...partial, 'Content-Length': last - first + 1 });
  if (request.method === 'HEAD') response.end();
  else await pipeline(createReadStream(file, { start: first, end: last }), response).catch(ignoreHangUp);
}

/** A client that went away in the middle is no failure of ours. */
function ignoreHangUp(error: unknown): void {
  if (systemCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
}

/** One range of bytes (RFC 9110, section 14.1.2); null: the whole (also for several ranges, which it is allowed to ignore). */
export function parseRange(header: string | undefined, size: number): [number, number] | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null) return null;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return null;
  if (from === '') return Number(to) === 0 ? 'unsatisfiable' : [Math.max(0, size - Number(to)), size - 1];
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return null;
  return first >= size ? 'unsatisfiable' : [first, last];
}
