import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * For tests: NOT Vault, but a double of the few answers of its HTTP API that the master uses: KV version 2 reads, and logins
 * by AppRole and Kubernetes. It is strict: what Vault would not take, it does not take.
 */
export class FakeVault implements AsyncDisposable {
  /** Entries of the engine at `secret/`, by path. */
  readonly entries = new Map<string, Record<string, unknown>>();
  /** Tokens that are valid. */
  readonly tokens = new Set(['root-token']);
  readonly asked: string[] = [];
  leaseSeconds = 3600;
  sealed = false;
  /** Where it sends whoever asks; null: nowhere. */
  elsewhere: string | null = null;
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));
  #logins = 0;

  static async listen(): Promise<FakeVault> {
    const vault = new FakeVault();
    vault.#server.listen(0, '127.0.0.1');
    await once(vault.#server, 'listening');
    return vault;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    this.asked.push(`${request.method} ${request.url}`);
    const [status, body] = this.#decide(request, Buffer.concat(chunks).toString());
    if (this.elsewhere !== null) response.writeHead(307, { location: this.elsewhere }).end();
    if (response.writableEnded) return;
    response.writeHead(status, { 'content-type': 'application/json', 'x-double': 'not Vault' });
    response.end(JSON.stringify(body));
  }

  #decide({ method, url = '', headers }: IncomingMessage, text: string): [number, object] {
    if (this.sealed) return [503, { errors: ['Vault is sealed'] }];
    if (method === 'POST') return this.#login(url, JSON.parse(text));
    if (!this.tokens.has(String(headers['x-vault-token']))) return [403, { errors: ['permission denied'] }];
    const path = /^\/v1\/secret\/data\/(.+)$/.exec(url)?.[1] ?? '';
    const data = this.entries.get(path);
    return data === undefined ? [404, { errors: [] }] : [200, { data: { data, metadata: { version: 1 } } }];
  }

  #login(url: string, body: Record<string, string>): [number, object] {
    const isRight =
      (url === '/v1/auth/approle/login' && body.role_id === 'role' && body.secret_id === 'role-secret') ||
      (url === '/v1/auth/kubernetes/login' && body.role === 'icefall' && body.jwt === 'service-jwt');
    if (!isRight) return [400, { errors: ['invalid credentials'] }];
    this.#logins += 1;
    const token = `login-${this.#logins}`;
    this.tokens.add(token);
    return [200, { auth: { client_token: token, lease_duration: this.leaseSeconds } }];
  }
}
