import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface Asked {
  readonly method: string;
  readonly url: URL;
  /** Null: there is none that is JSON. */
  readonly body: unknown;
  readonly authorization: string | null;
}

export interface Answer {
  readonly status: number;
  /** Text is sent as it is. */
  readonly body: unknown;
}

/** Serves a double of an API over HTTP, at a port or socket, until the test ends. */
export async function serveDouble(answer: (asked: Asked) => Answer, at: number | string): Promise<Server> {
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = 'GET', headers } = request;
    const hasBody = method === 'POST' && headers['content-length'] !== '0';
    const body = hasBody && /json/.test(headers['content-type'] ?? '') ? await json(request) : null;
    const url = new URL(request.url ?? '', 'http://double');
    const { status, body: told } = answer({ method, url, body, authorization: headers.authorization ?? null });
    const type = typeof told === 'string' ? 'text/html' : 'application/json';
    response.writeHead(status, { 'content-type': type }).end(typeof told === 'string' ? told : JSON.stringify(told));
  };
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(at);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'icefall-pools-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
