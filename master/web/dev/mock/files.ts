import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';

const DIST = join(import.meta.dirname, '../../dist');
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.html': 'text/html',
  '.svg': 'image/svg+xml',
};

/** A file of dist, or the page for every other address. */
export async function sendFile(response: ServerResponse, path: string): Promise<void> {
  const name = extname(path) in TYPES ? normalize(path) : '/index.html';
  const body = await readFile(join(DIST, name)).catch(() => null);
  if (body === null) response.writeHead(404).end('not found');
  else response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'text/plain' }).end(body);
}
