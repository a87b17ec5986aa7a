import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type SendChange, sendChangeSchema } from '@icefall/shared';
import { onTestFinished } from 'vitest';

/** How the master answers: a status, with a body if it is not the usual one. */
export interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** For tests: what a hook sends its changes to. It checks them as the master's door does. */
export class TestMaster {
  readonly changes: SendChange[] = [];
  readonly paths: string[] = [];
  answer: Answer = { status: 201 };
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        this.paths.push(`${request.method} ${request.url}`);
        const { status, body = '{}', headers = { 'content-type': 'application/json; charset=utf-8' } } = this.answer;
        if (status < 300) this.changes.push(sendChangeSchema.parse(JSON.parse(Buffer.concat(pieces).toString())));
        response.writeHead(status, headers).end(body);
      });
    });
  }

  static async started(): Promise<TestMaster> {
    const master = new TestMaster();
    await new Promise<void>((resolve) => master.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => master.stop());
    return master;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** Branch and first line of each commit's message, of each change. */
  get told(): string[] {
    return this.changes.map(({ branch, commits }) => `${branch}: ${commits.map((c) => c.message).join(', ')}`);
  }
}

/** An address where nobody listens. */
export async function deadUrl(): Promise<string> {
  const master = await TestMaster.started();
  const { url } = master;
  await master.stop();
  return url;
}
