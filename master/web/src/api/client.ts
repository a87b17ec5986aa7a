import type { ApiError } from '@icefall/shared';
import { csrf, signInNeeded } from './standing.ts';
import { parseJson } from './text.ts';

export const API = '/api/v1';

/** An answer that takes longer will not come: the connection died in a laptop's sleep, or a proxy holds it. */
const READ_TIMEOUT_MS = 30_000;

/** The master answered with an error, or did not answer (`status` 0). */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly status: number;
  readonly code: string;
  /** What is wrong with single fields, by their path. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, fields: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

/** Values of a query; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** `path` below /api/v1, with its query. */
export function apiUrl(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return `${API}${path}${text === '' ? '' : `?${text}`}`;
}

/** The resource at `path`. Rejects with {@link ApiFailure}. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const timeout = AbortSignal.timeout(READ_TIMEOUT_MS);
  const headers = { accept: 'application/json' };
  const init = { headers, signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) };
  return (await ask(apiUrl(path, query), init)) as T;
}

/** Posts `body` as JSON. Rejects with {@link ApiFailure}. */
export async function post<T>(path: string, body: object = {}): Promise<T> {
  const proof = csrf.peek();
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    ...(proof === null ? {} : { 'x-icefall-csrf': proof }),
  };
  return (await ask(apiUrl(path), { method: 'POST', headers, body: JSON.stringify(body) })) as T;
}

async function ask(url: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, init);
    text = await response.text();
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new ApiFailure(0, 'unreachable', 'The master cannot be reached. Is it running, and the network up?');
  }
  if (!response.ok) {
    const failure = failureOf(response, text);
    if (failure.code === 'sign_in_needed' && init.method !== 'POST') signInNeeded.value = true;
    throw failure;
  }
  return text === '' ? {} : parseJson(text);
}

function failureOf(response: Response, text: string): ApiFailure {
  try {
    const { error } = parseJson(text) as Partial<ApiError>;
    if (error !== undefined) return new ApiFailure(response.status, error.code, error.message, error.fields);
  } catch {
    // Not an answer of ours: a proxy's page, most likely. Its status says what there is to say.
  }
  return new ApiFailure(response.status, 'http', `The master answered ${response.status} ${response.statusText}.`);
}
