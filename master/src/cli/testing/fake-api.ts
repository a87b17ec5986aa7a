import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  /** Below /api/v1, with its query. */
  readonly path: string;
  readonly body: unknown;
  readonly key: string | undefined;
}

/** What a path answers: a body, an error's status and body, or whatever the handler does. */
export type Reply =
  | { readonly json: unknown; readonly status?: number }
  | ((response: ServerResponse, asked: Asked) => void | Promise<void>);

export interface FakeApi {
  readonly url: string;
  readonly asked: Asked[];
  /** By `METHOD /path?query` or `METHOD /path`; a list is used up one by one, its last reply stays. */
  readonly replies: Record<string, Reply | Reply[]>;
  close(): Promise<void>;
}

/** An HTTP server on loopback that answers as it is told. */
export async function fakeApi(replies: Record<string, Reply | Reply[]> = {}): Promise<FakeApi> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => void answer(request, response, asked, replies));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    replies,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  asked: Asked[],
  replies: Record<string, Reply | Reply[]>,
): Promise<void> {
  const path = (request.url ?? '').replace(/^\/api\/v1/, '');
  const method = request.method ?? 'GET';
  const text = (await request.toArray()).join('');
  const key = request.headers['idempotency-key'];
  const one: Asked = {
    method,
    path,
    body: text === '' ? undefined : JSON.parse(text),
    key: typeof key === 'string' ? key : undefined,
  };
  asked.push(one);
  const found = replies[`${method} ${path}`] ?? replies[`${method} ${path.split('?', 1)[0]}`];
  const reply = Array.isArray(found) ? (found.length > 1 ? found.shift() : found[0]) : found;
  if (typeof reply === 'function') return reply(response, one);
  const { json, status = 200 } = reply ?? {
    status: 404,
    json: { error: { code: 'not_found', message: `nothing is at ${path}` } },
  };
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}

/** A reply that streams frames and then ends in good order, is cut, or stays open. */
export function stream(frames: readonly string[], end: 'end' | 'cut' | 'open' = 'end'): Reply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': open\n\n');
    const last = () => {
      if (end === 'end') response.end();
      else if (end === 'cut') response.destroy();
    };
    response.write(frames.join(''), last);
  };
}

export function frame(event: string, data: unknown, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
