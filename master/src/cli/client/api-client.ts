import { randomUUID } from 'node:crypto';
import { type ApiError, errorSchema } from '@icefall/shared';
import type { z } from 'zod';
import { CliError, EXIT } from '../exit.ts';
import type { ClientLimits } from './limits.ts';
import { type SseEvent, SseParser } from './sse.ts';

export const DEFAULT_URL = 'http://127.0.0.1:8010';

/** An answer of the master: checked, and as it came (what `--json` prints). */
export interface Answer<T> {
  readonly value: T;
  readonly json: unknown;
}

/** The master did not answer, or something else did. */
export class Unreachable extends CliError {
  constructor(message: string, options?: ErrorOptions) {
    super(EXIT.unreachable, message, options);
    this.name = 'Unreachable';
  }
}

/** The person interrupted. */
export class Interrupted extends CliError {
  constructor() {
    super(EXIT.interrupted, 'interrupted');
    this.name = 'Interrupted';
  }
}

/** The master refused. With `fields` the mistake is in what was given to it. */
export class Refusal extends CliError {
  readonly status: number;
  readonly code: string;
  readonly fields: Readonly<Record<string, string>>;
  constructor(status: number, { error }: ApiError) {
    const fields = Object.entries(error.fields ?? {});
    super(
      fields.length > 0 && error.code !== 'bad_config' ? EXIT.usage : EXIT.failed,
      messageOf(error.message, fields),
    );
    this.name = 'Refusal';
    this.status = status;
    this.code = error.code;
    this.fields = error.fields ?? {};
  }
}

/** A list of fields is shown a line each; the message has it on one line, after a colon. Numbers only count mistakes. */
function messageOf(message: string, fields: readonly (readonly [string, string])[]): string {
  if (fields.length === 0) return message;
  const lines = fields.map(([path, why]) => (/^\d*$/.test(path) ? `  ${why}` : `  ${path}: ${why}`));
  return [`${/^[^:]*/.exec(message)?.[0]}:`, ...lines].join('\n');
}

interface ClientOptions {
  readonly url: string;
  readonly limits: ClientLimits;
  /** Shown to the master; null: nothing is. */
  readonly token?: string | null;
  /** Aborted when the person interrupts. */
  readonly signal: AbortSignal;
}

/** Talks to a master's API. Throws {@link Unreachable}, {@link Refusal} and {@link Interrupted}. */
export class ApiClient {
  readonly limits: ClientLimits;
  readonly #url: string;
  readonly #token: string | null;
  readonly #signal: AbortSignal;

  constructor({ url, limits, signal, token = null }: ClientOptions) {
    const parsed = URL.canParse(url) ? new URL(url) : null;
    if (parsed === null || !/^https?:$/.test(parsed.protocol))
      throw new CliError(EXIT.usage, `${JSON.stringify(url)} is not an address like ${DEFAULT_URL}`);
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
    this.#signal = signal;
    this.limits = limits;
  }

  get url(): string {
    return this.#url;
  }

  get<T>(path: string, schema: z.ZodType<T>): Promise<Answer<T>> {
    return this.#ask('GET', path, undefined, schema, this.limits.answerMs);
  }

  /** Asked once more if the connection is cut before the answer comes; the key keeps the master from doing it twice. */
  async post<T>(path: string, body: unknown, schema: z.ZodType<T>, limitMs = this.limits.answerMs): Promise<Answer<T>> {
    const key = randomUUID();
    const ask = () => this.#ask('POST', path, body, schema, limitMs, { 'idempotency-key': key });
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Unreachable) || !wasCut(error.cause)) throw error;
      return ask();
    }
  }

  /** Opens a stream of events. Ends when the master ends it; throws {@link Unreachable} when it is cut or falls silent. */
  async *events(path: string, signal: AbortSignal, lastEventId: string | null = null): AsyncGenerator<SseEvent> {
    const silence = new AbortController();
    const watch = setTimeout(() => silence.abort(), this.limits.silenceMs);
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (lastEventId !== null) headers['last-event-id'] = lastEventId;
    try {
      const response = await this.#fetch(path, { headers }, AbortSignal.any([silence.signal, signal]));
      if (!response.ok) throw await this.#refusal('GET', path, response);
      const parser = new SseParser();
      for await (const piece of textOf(response)) {
        watch.refresh();
        yield* parser.push(piece);
      }
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw this.#failure(error, silence.signal.aborted ? 'it has fallen silent' : null);
    } finally {
      clearTimeout(watch);
      silence.abort();
    }
  }

  async #ask<T>(
    method: string,
    path: string,
    body: unknown,
    schema: z.ZodType<T>,
    limitMs: number,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> {
    const limit = AbortSignal.timeout(limitMs);
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const headers = { accept: 'application/json', ...type, ...more };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    try {
      const response = await this.#fetch(path, init, limit);
      if (!response.ok) throw await this.#refusal(method, path, response);
      return this.#read(method, path, await response.text(), schema);
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw this.#failure(error, limit.aborted ? `it did not answer within ${limitMs / 1000} s` : null);
    }
  }

  #fetch(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token !== null) headers.set('authorization', `Bearer ${this.#token}`);
    return fetch(`${this.#url}/api/v1${path}`, {
      ...init,
      headers,
      // A token goes to the master that was named, and nowhere that it may point to.
      redirect: 'error',
      signal: AbortSignal.any([signal, this.#signal]),
    });
  }

  #read<T>(method: string, path: string, text: string, schema: z.ZodType<T>): Answer<T> {
    const json = parseJson(text);
    const parsed = schema.safeParse(json);
    if (parsed.success) return { value: parsed.data, json };
    const issue = parsed.error.issues[0];
    const why = json === undefined ? 'it is not JSON' : `${issue?.path.join('.')}: ${issue?.message}`;
    // Asking again does not mend it.
    throw new CliError(
      EXIT.unreachable,
      `${this.#url} answers ${method} /api/v1${path} with something that this version of icefall does not know (${why}); is it an Icefall master, and of this version?`,
    );
  }

  async #refusal(method: string, path: string, response: Response): Promise<CliError> {
    const parsed = errorSchema.safeParse(parseJson(await response.text()));
    if (parsed.success) return new Refusal(response.status, parsed.data);
    return new Unreachable(
      `${this.#url} answers ${method} /api/v1${path} with ${response.status} ${response.statusText}; is it an Icefall master?`,
    );
  }

  #failure(error: unknown, why: string | null): CliError {
    if (this.#signal.aborted) return new Interrupted();
    return new Unreachable(
      `cannot reach the master at ${this.#url}: ${why ?? reasonOf(error)}. Is it running (icefall start)? Name another one with --url or ICEFALL_URL`,
      { cause: error },
    );
  }
}

async function* textOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  for await (const piece of response.body) yield decoder.decode(piece, { stream: true });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name cannot be looked up now',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS; is it http://',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
};

function reasonOf(error: unknown): string {
  const { inner, code } = causeOf(error);
  if (code !== null) return REASONS[code] ?? code;
  return inner instanceof Error ? inner.message : String(inner);
}

function wasCut(error: unknown): boolean {
  const { code } = causeOf(error);
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET';
}

/** fetch hides why it failed in its error's cause, which for a name with several addresses has causes of its own. */
function causeOf(error: unknown): { readonly inner: unknown; readonly code: string | null } {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const code: unknown = inner instanceof Error ? Reflect.get(inner, 'code') : undefined;
  return { inner, code: typeof code === 'string' ? code : null };
}
