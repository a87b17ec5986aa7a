import { z } from 'zod';
import { GatewayError } from './errors.ts';
import { authorization, type GatewayKey } from './key.ts';

/** Version of the protocol that is spoken; the gateway answers with the highest that both know. */
const API_VERSION = 2;
/** One answer; a commit is not among them, so none takes long. */
const ANSWER_MS = 60_000;
/** Of a renewal: it is asked for again soon, and whoever has ended must not wait for it. */
const RENEWAL_ANSWER_MS = 10_000;
/** Of what a gateway, or what is before it, says in plain text of an error. */
const ERROR_TEXT_CHARS = 200;

export interface GatewayOptions {
  /** Address of its API: `http://gateway.example.org:4929/api/v1`. */
  readonly url: string;
  readonly key: GatewayKey;
  readonly fetch?: typeof fetch;
}

const answerSchema = z.object({
  status: z.string().optional(),
  reason: z.string().optional(),
  session_token: z.string().min(1).optional(),
  time_remaining: z.string().optional(),
  data: z.unknown().optional(),
});
type Answer = z.output<typeof answerSchema>;

/**
 * A client of the CernVM-FS repository gateway's leases: nobody else can publish below a path while its lease is held.
 * What is published is sent by the tools of CernVM-FS. What is signed: the body of a request for a lease, and the lease's
 * token for everything about that lease.
 */
export class Gateway {
  readonly #options: GatewayOptions;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** Asks for a lease of `REPOSITORY/path` and gives its token. Throws `path_busy` while another one overlaps. */
  async acquire(target: string): Promise<string> {
    const path = target.includes('/') ? target : `${target}/`;
    const body = JSON.stringify({ path, api_version: String(API_VERSION) });
    const answer = await this.#ask('POST', '/leases', body, body);
    if (answer.status === 'path_busy') {
      const left = answer.time_remaining ?? 'an unknown time';
      throw new GatewayError('path_busy', `${target} is leased to somebody else, for ${left} at most`);
    }
    this.#expectOk(answer, `a lease of ${target}`);
    if (answer.session_token === undefined)
      throw new GatewayError('bad_answer', `the gateway granted a lease of ${target}, and gave no token`);
    return answer.session_token;
  }

  /**
   * Makes a lease last longer, by as much as the gateway's configuration says. Throws `not_renewed` where the gateway
   * cannot (before the release that has `cvmfs_server refresh-lease`) or the lease is gone, `unreachable` where the next time
   * may be better.
   */
  async renew(token: string): Promise<void> {
    const answer = await this.#ask('PATCH', leaseAt(token), token, null, RENEWAL_ANSWER_MS);
    if (answer.status !== 'ok')
      throw new GatewayError(
        'not_renewed',
        `the lease was not renewed: ${this.#reasonOf(answer) ?? 'the gateway cannot do it'}`,
      );
  }

  /** Gives a lease back; what was sent under it, and not committed, is dropped. */
  async release(token: string): Promise<void> {
    this.#expectOk(await this.#ask('DELETE', leaseAt(token), token, null), 'the end of the lease');
  }

  /** Leases that are held now, as the gateway tells them: by path. */
  async leases(): Promise<unknown> {
    const answer = await this.#ask('GET', '/leases', null, null);
    this.#expectOk(answer, 'the list of leases');
    return answer.data ?? {};
  }

  #expectOk(answer: Answer, what: string): void {
    if (answer.status !== 'ok')
      throw new GatewayError(
        'refused',
        `the gateway refuses ${what}: ${this.#reasonOf(answer) ?? answer.status ?? 'no reason'}`,
      );
  }

  /** The gateway has one word for a key that it does not know and for another secret. */
  #reasonOf({ reason }: Answer): string | undefined {
    if (reason !== 'invalid_hmac') return reason;
    return `${reason}: it does not know the key "${this.#options.key.id}", or has another secret for it`;
  }

  async #ask(
    method: string,
    path: string,
    signed: string | null,
    body: string | null,
    answerMs = ANSWER_MS,
  ): Promise<Answer> {
    const { url, key } = this.#options;
    const headers = {
      ...(signed === null ? {} : { authorization: authorization(key, signed) }),
      ...(body === null ? {} : { 'content-type': 'application/json' }),
    };
    const address = `${url.replace(/\/+$/, '')}${path}`;
    let response: Response;
    try {
      const ask = this.#options.fetch ?? fetch;
      response = await ask(address, { method, headers, body, signal: AbortSignal.timeout(answerMs) });
    } catch (error) {
      throw new GatewayError('unreachable', `the gateway at ${url} does not answer: ${messageOf(error)}`, {
        cause: error,
      });
    }
    if (!response.ok) return this.#refusal(method, response);
    const parsed = answerSchema.safeParse(await response.json().catch(() => null));
    if (parsed.success) return parsed.data;
    throw new GatewayError('bad_answer', `what answers at ${url} is no gateway`);
  }

  /** In plain text: a request that the gateway does not know, and trouble of its own or of a proxy before it, which may pass. */
  async #refusal(method: string, response: Response): Promise<Answer> {
    const text = (await response.text().catch(() => '')).replace(/\s+/g, ' ').trim().slice(0, ERROR_TEXT_CHARS);
    const said = `answered ${response.status} to ${method}${text === '' ? '' : `: ${text}`}`;
    if (response.status < 500) return { status: 'error', reason: `it ${said}` };
    throw new GatewayError('unreachable', `the gateway at ${this.#options.url} ${said}`);
  }
}

function leaseAt(token: string): string {
  return `/leases/${encodeURIComponent(token)}`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
