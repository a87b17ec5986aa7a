import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { BenchError } from '../bench-case.ts';

/** Long beside any measurement, short enough that a hang is told. */
const ANSWER_WITHIN_MS = 120_000;

/** A program that uses the REST API over a connection that it keeps. */
export class Client implements Disposable {
  readonly #base: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });

  constructor(url: string) {
    this.#base = `${url}/api/v1`;
  }

  /** The caller names what the API document promises. */
  async get<T>(path: string): Promise<T> {
    return (await json(await this.open('GET', path))) as T;
  }

  async post<T>(path: string, body: object = {}): Promise<T> {
    return (await json(await this.open('POST', path, body))) as T;
  }

  /** The answer with its body unread. Throws {@link BenchError} for a refusal. */
  async open(method: string, path: string, body?: object): Promise<IncomingMessage> {
    const text = body === undefined ? null : JSON.stringify(body);
    const headers =
      text === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const asked = request(`${this.#base}${path}`, { method, headers, agent: this.#agent, timeout: ANSWER_WITHIN_MS });
    asked.on('timeout', () => asked.destroy(new BenchError(`${method} ${path}: no answer came`)));
    asked.end(text);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const status = answer.statusCode ?? 0;
    if (status >= 300) throw new BenchError(`${method} ${path}: ${status} ${JSON.stringify(await json(answer))}`);
    return answer;
  }

  /** Asks again and again until the answer is as wanted; gives it. */
  async until<T>(path: string, isWanted: (answer: T) => boolean, everyMs: number, withinMs: number): Promise<T> {
    const end = performance.now() + withinMs;
    for (;;) {
      const answer = await this.get<T>(path);
      if (isWanted(answer)) return answer;
      if (performance.now() > end)
        throw new BenchError(
          `GET ${path} is not as awaited after ${withinMs} ms: ${JSON.stringify(answer).slice(0, 500)}`,
        );
      await pause(everyMs);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
