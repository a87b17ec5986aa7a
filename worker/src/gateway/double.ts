import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A DOUBLE of the CernVM-FS repository gateway, for tests: it says so in a header of every answer. It grants leases as the
 * gateway does (paths that overlap exclude each other), checks what is signed the way the gateway checks it, and answers
 * refusals with status 200 and a JSON body, as the gateway does. Nothing can be published through it.
 */
export class GatewayDouble implements AsyncDisposable {
  readonly #server: Server;
  readonly #keys: ReadonlyMap<string, string>;
  /** Path by token. */
  readonly held = new Map<string, string>();
  /** Method and path of every request. */
  readonly asked: string[] = [];
  /** While it is set, every request is answered with this status, and a line of text: as by a proxy before a gateway that is down. */
  down: number | null = null;
  readonly #canRenew: boolean;
  #tokens = 0;

  private constructor(keys: ReadonlyMap<string, string>, canRenew: boolean) {
    this.#keys = keys;
    this.#canRenew = canRenew;
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  /** `canRenew`: as gateways since `cvmfs_server refresh-lease`. */
  static async start(keys: Readonly<Record<string, string>>, canRenew = true): Promise<GatewayDouble> {
    const double = new GatewayDouble(new Map(Object.entries(keys)), canRenew);
    await new Promise<void>((resolve) => double.#server.listen(0, '127.0.0.1', resolve));
    return double;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method = '', url = '' } = request;
    this.asked.push(`${method} ${url.replace(/token-\d+/, 'TOKEN')}`);
    const token = /^\/api\/v1\/leases\/(.+)$/.exec(url)?.[1] ?? null;
    if (this.down !== null) return plain(response, this.down);
    if (token === null && url !== '/api/v1/leases') return plain(response, 404);
    if (method === 'PATCH' && !this.#canRenew) return plain(response, 405);
    if (method !== 'GET' && !this.#isSigned(request, token === null ? body : Buffer.from(token)))
      return json(response, { status: 'error', reason: 'invalid_hmac' });
    json(response, this.#answer(method, token, body));
  }

  /** The key's id, a space, and in base64 the hexadecimal HMAC. */
  #isSigned(request: IncomingMessage, message: Buffer): boolean {
    const [id = '', mac = '', ...more] = (request.headers.authorization ?? '').split(' ');
    const secret = this.#keys.get(id);
    if (secret === undefined || more.length > 0) return false;
    const wanted = Buffer.from(createHmac('sha1', secret).update(message).digest('hex'));
    const given = Buffer.from(mac, 'base64');
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  }

  #answer(method: string, token: string | null, body: Buffer): object {
    if (method === 'GET')
      return { status: 'ok', data: Object.fromEntries([...this.held].map(([, path]) => [path, {}])) };
    if (token === null) return this.#newLease(body);
    if (!this.held.has(token)) return { status: 'error', reason: 'invalid_token' };
    if (method === 'DELETE') this.held.delete(token);
    return { status: 'ok' };
  }

  #newLease(body: Buffer): object {
    const { path, api_version: version } = JSON.parse(body.toString()) as Record<string, unknown>;
    // The gateway reads the version as text, and wants a slash after the repository.
    if (typeof version !== 'string' || typeof path !== 'string' || !path.includes('/'))
      return { status: 'error', reason: 'invalid request body' };
    const isBusy = [...this.held.values()].some((other) => overlap(other, path));
    if (isBusy) return { status: 'path_busy', time_remaining: '1h59m59s' };
    this.#tokens += 1;
    const token = `token-${this.#tokens}`;
    this.held.set(token, path);
    return { status: 'ok', session_token: token, max_api_version: 2 };
  }
}

function overlap(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => `${path.replace(/\/+$/, '')}/`);
  return (a ?? '').startsWith(b ?? '') || (b ?? '').startsWith(a ?? '');
}

function json(response: ServerResponse, answer: object): void {
  response.writeHead(200, { 'content-type': 'application/json', 'x-test-double': 'not a gateway' });
  response.end(JSON.stringify(answer));
}

function plain(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'x-test-double': 'not a gateway' }).end('no\n');
}
