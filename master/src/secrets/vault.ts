import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { callerPlace, reportIssues } from '../config/problems.ts';
import { readToken, type TokenSource, tokenSourceSchema } from '../config/workers.ts';
import { namesVariable } from './named-variable.ts';
import { SecretError, type SecretProvider } from './provider.ts';

/** How the master shows Vault who it is. */
export type VaultAuth =
  | { readonly token: TokenSource }
  | { readonly appRole: { readonly roleId: string; readonly secretId: TokenSource; readonly mount?: string } }
  | { readonly kubernetes: { readonly role: string; readonly tokenFile?: string; readonly mount?: string } };

export interface VaultOptions {
  /** `https://vault.example.org:8200` */
  readonly url: string;
  readonly auth: VaultAuth;
  /** Of the KV version 2 engine; default `secret`. */
  readonly mount?: string;
  /** Put before the path of every secret. */
  readonly path?: string;
  readonly namespace?: string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** A token of Vault is renewed by logging in anew this long before it ends. */
const LOGIN_MARGIN_MS = 30_000;
/** What Vault answers is small; anything else is no Vault. */
const MOST_ANSWER_CHARS = 1024 * 1024;

const pathWord = z
  .string()
  .regex(/^[\w.-]+(\/[\w.-]+)*$/, 'must be a path such as ci/deploy')
  .refine((path) => !path.split('/').some((word) => /^\.+$/.test(word)), 'must not hold . or ..');
const authSchema = z.union(
  [
    z.strictObject({ token: tokenSourceSchema }),
    z.strictObject({
      appRole: z.strictObject({
        roleId: z.string().min(1),
        secretId: tokenSourceSchema,
        mount: pathWord.default('approle'),
      }),
    }),
    z.strictObject({
      kubernetes: z.strictObject({
        role: z.string().min(1),
        tokenFile: z.string().min(1).default(SERVICE_ACCOUNT),
        mount: pathWord.default('kubernetes'),
      }),
    }),
  ],
  'must be { token }, { appRole: { roleId, secretId } } or { kubernetes: { role } }',
);
const optionsSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  auth: authSchema,
  mount: pathWord.default('secret'),
  path: pathWord.optional(),
  namespace: pathWord.optional(),
});
type Parsed = z.output<typeof optionsSchema>;

/**
 * Secrets in a KV version 2 engine of HashiCorp Vault: `secret('ci/deploy:token')` is the field `token` of the entry
 * `ci/deploy`; without a field, `value`.
 */
export function vault(options: VaultOptions): SecretProvider {
  const place = callerPlace();
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) reportIssues(place, 'secretsFrom.vault', options, parsed.error.issues);
  const client = parsed.success ? new VaultClient(parsed.data) : null;
  return Object.freeze({
    type: 'secretProvider' as const,
    title: `Vault ${parsed.data?.url ?? ''}`,
    place,
    owns: (variable: string) => namesVariable(parsed.data?.auth, variable),
    read: async (name: string, signal: AbortSignal) => (await client?.read(name, signal)) ?? null,
  });
}

const entrySchema = z.object({ data: z.object({ data: z.record(z.string(), z.json()).nullable() }) });
const loginSchema = z.object({ auth: z.object({ client_token: z.string().min(1), lease_duration: z.number() }) });

interface Login {
  readonly token: string;
  /** By the clock of {@link performance}. */
  readonly until: number;
}

class VaultClient {
  readonly #options: Parsed;
  #login: Login | null = null;

  constructor(options: Parsed) {
    this.#options = options;
  }

  async read(name: string, signal: AbortSignal): Promise<Buffer | null> {
    const { mount, path } = this.#options;
    const [entry = '', field = 'value'] = name.split(':');
    const words = [mount, 'data', ...(path === undefined ? [] : [path]), entry].join('/');
    const ask = async () => this.#ask(words, { token: await this.#token(signal) }, signal);
    let answer = await ask();
    // A token that was revoked, or whose time ran out early: Vault tells no more than that.
    if (answer.status === 403 && !('token' in this.#options.auth) && this.#login !== null) {
      this.#login = null;
      answer = await ask();
    }
    if (answer.status === 404) return null;
    const parsed = entrySchema.safeParse(this.#body(answer));
    if (!parsed.success) throw unavailable(`${this.#options.url} answered what is no entry of a KV version 2 engine`);
    const value = parsed.data.data.data?.[field];
    if (value === undefined || value === null) return null;
    return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  }

  async #token(signal: AbortSignal): Promise<string> {
    const { auth } = this.#options;
    if ('token' in auth) return own(() => readToken(auth.token));
    if (this.#login !== null && performance.now() < this.#login.until) return this.#login.token;
    const { path, body } = await loginOf(auth);
    const answer = await this.#ask(path, { body }, signal);
    const parsed = loginSchema.safeParse(this.#body(answer));
    if (!parsed.success) throw unavailable(`${this.#options.url} answered a login with what is no token`);
    const { client_token: token, lease_duration: seconds } = parsed.data.auth;
    // Zero: it does not end.
    const until = seconds === 0 ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000 - LOGIN_MARGIN_MS;
    this.#login = { token, until };
    return token;
  }

  async #ask(path: string, what: { readonly token?: string; readonly body?: object }, signal: AbortSignal) {
    const { url, namespace } = this.#options;
    const headers: Record<string, string> = { 'x-vault-request': 'true' };
    if (what.token !== undefined) headers['x-vault-token'] = what.token;
    if (namespace !== undefined) headers['x-vault-namespace'] = namespace;
    const post = what.body === undefined ? {} : { method: 'POST', body: JSON.stringify(what.body) };
    try {
      // A server that sends the token elsewhere is not to be followed.
      const response = await fetch(new URL(`/v1/${path}`, url), { headers, redirect: 'error', signal, ...post });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      const why =
        error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.name) : 'unknown';
      throw unavailable(`${url} cannot be reached (${why})`);
    }
  }

  #body({ status, text }: { readonly status: number; readonly text: string }): unknown {
    if (status !== 200) throw unavailable(`${this.#options.url} answered ${status}${hintOf(status)}`);
    try {
      return text.length > MOST_ANSWER_CHARS ? null : JSON.parse(text);
    } catch {
      return null;
    }
  }
}

async function loginOf(auth: Exclude<Parsed['auth'], { token: unknown }>): Promise<{ path: string; body: object }> {
  if ('appRole' in auth) {
    const { roleId, secretId, mount } = auth.appRole;
    return { path: `auth/${mount}/login`, body: { role_id: roleId, secret_id: own(() => readToken(secretId)) } };
  }
  const { role, tokenFile, mount } = auth.kubernetes;
  const jwt = await readFile(tokenFile, 'utf8').catch(() => {
    throw unavailable(`the service account's token ${tokenFile} cannot be read`);
  });
  return { path: `auth/${mount}/login`, body: { role, jwt: jwt.trim() } };
}

/** The master's own credentials: what is wrong with them is told by file or variable. */
function own(read: () => string): string {
  try {
    return read();
  } catch (error) {
    throw unavailable(error instanceof Error ? error.message : String(error));
  }
}

function hintOf(status: number): string {
  if (status === 403 || status === 400) return ': its policy does not let this master read it, or the login is wrong';
  return status === 503 ? ': it is sealed' : '';
}

function unavailable(message: string): SecretError {
  return new SecretError('secret_unavailable', `Vault: ${message}`);
}
