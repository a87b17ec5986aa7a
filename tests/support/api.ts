import { setTimeout as delay } from 'node:timers/promises';
import { SseParser } from '@icefall/master/cli/client/sse';
import {
  type Build,
  type Buildset,
  buildSchema,
  buildsetSchema,
  type ForceRequest,
  type LogLine,
  logLinesSchema,
  type Request,
  requestSchema,
  type Snapshot,
  type Step,
  snapshotSchema,
  type Worker,
  workerSchema,
} from '@icefall/shared';
import { LIMIT_MS } from './process.ts';

/** A schema of `@icefall/shared`, or anything else that checks and types what came. */
interface Schema<T> {
  parse(value: unknown): T;
}

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** From one try to reach a master that is away to the next. */
const RETRY_MS = 50;

/** A master's REST API and event stream, as a program uses them. */
export class TestApi {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Asks, and gives the answer whatever it is. A body that is no text is sent as JSON. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<RawAnswer> {
    const isJson = body !== undefined && typeof body !== 'string';
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : body }),
    });
    const text = await response.text();
    return { status: response.status, body: parseJson(text) };
  }

  /** Throws for an answer that is not well. */
  async get<T>(path: string, schema: Schema<T>): Promise<T> {
    return this.#well('GET', path, undefined, schema);
  }

  async post<T>(path: string, body: unknown, schema: Schema<T>, headers?: Record<string, string>): Promise<T> {
    return this.#well('POST', path, body, schema, headers);
  }

  async #well<T>(
    method: string,
    path: string,
    body: unknown,
    schema: Schema<T>,
    headers?: Record<string, string>,
  ): Promise<T> {
    const answer = await this.ask(method, `/api/v1${path}`, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return schema.parse(answer.body);
  }

  snapshot(): Promise<Snapshot> {
    return this.get('/snapshot', snapshotSchema);
  }

  worker(name: string): Promise<Worker> {
    return this.get(`/workers/${name}`, workerSchema);
  }

  build(id: number): Promise<Build> {
    return this.get(`/builds/${id}`, buildSchema);
  }

  request(id: number): Promise<Request> {
    return this.get(`/requests/${id}`, requestSchema);
  }

  buildset(id: number): Promise<Buildset> {
    return this.get(`/buildsets/${id}`, buildsetSchema);
  }

  /** Presses the button of a force scheduler. */
  async force(
    scheduler: string,
    request: Partial<ForceRequest> = {},
    headers?: Record<string, string>,
  ): Promise<Buildset> {
    return this.post(`/schedulers/${scheduler}/force`, request, field('buildset', buildsetSchema), headers);
  }

  /** The last attempt of a request, or null before it has one. */
  async buildOf(requestId: number): Promise<Build | null> {
    const id = (await this.request(requestId)).buildIds.at(-1);
    return id === undefined ? null : this.build(id);
  }

  /** The last attempts of a buildset's requests and of everything they triggered, parents first. */
  async buildsOf(buildset: Pick<Buildset, 'requestIds'>): Promise<Build[]> {
    const builds: Build[] = [];
    for (const requestId of buildset.requestIds) {
      const build = await this.buildOf(requestId);
      if (build === null) continue;
      builds.push(
        build,
        ...(await this.buildsOf({ requestIds: build.steps.flatMap((step) => step.triggeredRequestIds) })),
      );
    }
    return builds;
  }

  /** Waits for the end of a buildset. */
  finished(buildset: Pick<Buildset, 'id'>, limitMs?: number): Promise<Buildset> {
    return this.waitFor(
      `the end of buildset ${buildset.id}`,
      async () => {
        const now = await this.buildset(buildset.id);
        return now.finishedAt === null ? null : now;
      },
      limitMs,
    );
  }

  /** Waits until a step of a buildset's first build is as wanted. */
  stepOf(buildset: Pick<Buildset, 'requestIds'>, name: string, state: Step['state'] = 'running'): Promise<Step> {
    return this.waitFor(`step "${name}" to be ${state}`, async () => {
      const [build] = await this.buildsOf(buildset);
      return build?.steps.find((step) => step.name === name && step.state === state) ?? null;
    });
  }

  /** Waits until a worker is connected. */
  connected(name: string): Promise<Worker> {
    return this.waitFor(`worker ${name} to connect`, async () => {
      const worker = await this.worker(name);
      return worker.connected ? worker : null;
    });
  }

  /**
   * Looks at once, and again after every event and every gap in the stream (the master may be away meanwhile), until
   * there is something. Throws after the limit with what the builds are doing.
   */
  async waitFor<T>(what: string, look: () => Promise<T | null>, limitMs = LIMIT_MS): Promise<T> {
    const limit = AbortSignal.timeout(limitMs);
    const end = new AbortController();
    const bell = new Bell();
    const listening = this.#ring(bell, AbortSignal.any([limit, end.signal]));
    try {
      for (;;) {
        await bell.rung(limit);
        const found = await this.#look(look, limit);
        if (found !== null) return found;
      }
    } catch (error) {
      if (!limit.aborted) throw error;
      throw new Error(`waited ${limitMs / 1000} s for ${what}\n${await this.#summary()}`);
    } finally {
      end.abort();
      await listening;
    }
  }

  /** A master that is away has nothing to show. */
  async #look<T>(look: () => Promise<T | null>, limit: AbortSignal): Promise<T | null> {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof TypeError) || limit.aborted) throw error;
      return null;
    }
  }

  /** Rings once the stream of events is open, with every event, and goes on after a cut. */
  async #ring(bell: Bell, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const _ of this.stream('/events', signal)) bell.ring();
      } catch {
        // Cut, or nobody there.
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Events of a stream as they come; a comment gives one without data. Ends when the master ends it. */
  async *stream(path: string, signal: AbortSignal): AsyncGenerator<{ event: string; data: string }> {
    const response = await fetch(`${this.url}/api/v1${path}`, { headers: { accept: 'text/event-stream' }, signal });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    const parser = new SseParser();
    const decoder = new TextDecoder();
    yield { event: 'open', data: '' };
    for await (const piece of response.body ?? []) yield* parser.push(decoder.decode(piece, { stream: true }));
  }

  /** The lines of a log: all that there are until it is complete, however long that takes. */
  async *followLog(logId: number, signal = AbortSignal.timeout(LIMIT_MS)): AsyncGenerator<LogLine> {
    for await (const { event, data } of this.stream(`/logs/${logId}/follow`, signal)) {
      if (event === 'end') return;
      if (event === 'lines') yield* logLinesSchema.parse(JSON.parse(data)).lines;
    }
  }

  /** Waits for a line of a step's log that matches. */
  async line(step: Pick<Step, 'buildId' | 'number' | 'logs'>, pattern: RegExp): Promise<string> {
    const log = step.logs[0] ?? (await this.#logOf(step));
    for await (const { text } of this.followLog(log.id)) if (pattern.test(text)) return text;
    throw new Error(`the log of step ${step.number} of build ${step.buildId} ended without ${pattern}`);
  }

  #logOf({ buildId, number }: Pick<Step, 'buildId' | 'number'>): Promise<Step['logs'][number]> {
    return this.waitFor('a log', async () => (await this.build(buildId)).steps[number]?.logs[0] ?? null);
  }

  /** All lines of a step's first log, as they are now. */
  async lines(step: Pick<Step, 'logs'>): Promise<LogLine[]> {
    const [log] = step.logs;
    if (log === undefined) return [];
    const lines: LogLine[] = [];
    for (let total = 1; lines.length < total; ) {
      const page = await this.get(`/logs/${log.id}/lines?first=${lines.length}&limit=1000`, logLinesSchema);
      if (page.lines.length === 0) break;
      lines.push(...page.lines);
      total = page.total;
    }
    return lines;
  }

  /** The text of a step's first log. */
  async text(step: Pick<Step, 'logs'>): Promise<string> {
    return (await this.lines(step)).map(({ text }) => text).join('\n');
  }

  async #summary(): Promise<string> {
    try {
      const { builds, requests } = await this.snapshot();
      return [
        ...builds.map(describeBuild),
        ...requests.map((request) => `request ${request.id} ${request.builder}: ${JSON.stringify(request.blocker)}`),
      ].join('\n');
    } catch (error) {
      return `the master does not answer: ${String(error)}`;
    }
  }
}

/** A line for people who read a failed test. */
export function describeBuild(build: Build): string {
  const steps = build.steps.map(
    (step) => `${step.name}=${step.result ?? step.state}${step.result === 'FAILURE' ? ` (${step.summary})` : ''}`,
  );
  return `${build.builder} #${build.number}: ${build.result ?? build.state}; ${steps.join(', ')}`;
}

/** The schema of an answer that holds its value under a name. */
export function field<T>(name: string, schema: Schema<T>): Schema<T> {
  return {
    parse: (value) => schema.parse(typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Remembers that it was rung while nobody waited; many rings are one. */
class Bell {
  #wasRung = false;
  #wake: () => void = () => {};

  ring(): void {
    this.#wasRung = true;
    this.#wake();
  }

  async rung(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (!this.#wasRung) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      signal.throwIfAborted();
    }
    this.#wasRung = false;
  }
}
