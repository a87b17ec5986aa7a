import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Vite puts everything whose name carries a hash of its content here: it never changes under its name. */
const HASHED = 'assets';
const YEAR_MS = 365 * 24 * 3600 * 1000;
/** Never answered with the page. */
const NOT_PAGES = new Set(['api', 'hooks', HASHED]);

const NOT_BUILT = `The page of this master is not built.

Build it in the project's folder with:

  node scripts/setup.mjs --page

and load this again. The API below /api/v1 works without it; /api/v1/openapi.json describes it.
`;

/**
 * The page's files, and the page itself for the addresses of its views. Gives what answers a request that no route
 * takes: whether it did.
 */
export async function servePage(
  app: FastifyInstance,
  directory: string,
): Promise<(request: FastifyRequest, reply: FastifyReply) => boolean> {
  await app.register(fastifyStatic, { root: directory, serve: false, index: false });
  return (request, reply) => {
    const path = pathOf(request.url);
    if (path === null || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
    const file = path.join('/');
    if (file !== '' && isFile(join(directory, file))) {
      const caching = path[0] === HASHED ? { maxAge: YEAR_MS, immutable: true } : { maxAge: 0 };
      reply.sendFile(file, caching);
      return true;
    }
    if (NOT_PAGES.has(path[0] ?? '')) return false;
    if (existsSync(join(directory, 'index.html')))
      reply.header('cache-control', 'no-cache').sendFile('index.html', { cacheControl: false });
    else reply.code(503).type('text/plain; charset=utf-8').header('cache-control', 'no-store').send(NOT_BUILT);
    return true;
  };
}

/** The parts of a path, decoded; null for what cannot name a file of ours. */
function pathOf(url: string): string[] | null {
  try {
    const parts = decodeURIComponent(url.split('?', 1)[0] ?? '')
      .split('/')
      .filter((part) => part !== '');
    return parts.some((part) => part.startsWith('.') || /[\\\0]/.test(part)) ? null : parts;
  } catch {
    // A stray % in an address that somebody typed: no file has it in its name.
    return null;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
