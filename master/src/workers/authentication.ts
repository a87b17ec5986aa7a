import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isApiToken } from '../access/api-tokens.ts';
import { networkOf } from '../access/network.ts';
import { clientAddress } from '../access/proxies.ts';
import { formatProblem } from '../config/problems.ts';
import { readToken, type TokenSource, type WorkerDeclaration } from '../config/workers.ts';
import { Attempts } from '../engine/attempts.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { SiteConfig } from '../engine/site-config.ts';

const TOKEN_BYTES = 32;
/** A refusal of the same kind is logged once in this time. */
const LOG_AGAIN_MS = 60_000;
/** More wrong tokens than a person or an agent with an old one sends; what guesses is turned away. */
export const MAX_FAILURES_A_MINUTE = 20;
const MINUTE_MS = 60_000;

/** Why an agent may not connect, as the answer to its request. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** What an agent shows of itself. */
export interface Credentials {
  readonly name: string | undefined;
  /** The header `Authorization`. */
  readonly authorization: string | undefined;
  /** IP address of the connection's other end. */
  readonly address: string;
  /** The header `X-Forwarded-For`. */
  readonly forwardedFor?: string | undefined;
  /** Why its certificate is not that of the worker; null: it is, or none is asked for. */
  readonly certificateFault?: string | null;
}

type Secret = { readonly hash: Buffer } | { readonly fault: string };

/**
 * Who is which worker: a name that the site declares, and the token that its declaration names, or else the one that was
 * issued last. Only hashes are kept.
 */
export class Authentication {
  /** An agent with the name of a worker was refused. */
  readonly refused = new Hook<{ readonly name: string; readonly why: string }>();
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #declared = new Map<string, Secret>();
  readonly #failures: Attempts;
  readonly #logged: Attempts;

  constructor(core: Core, config: SiteConfig) {
    this.#core = core;
    this.#config = config;
    this.#failures = new Attempts({ most: MAX_FAILURES_A_MINUTE, withinMs: MINUTE_MS });
    this.#logged = new Attempts({ most: 1, withinMs: LOG_AGAIN_MS });
    this.reload();
  }

  /** Reads the tokens of the configuration in force. One that cannot be read is logged, and keeps its worker out. */
  reload(): void {
    const names = new Set(this.#config.site.workers.map(({ name }) => name));
    for (const name of this.#declared.keys())
      if (!names.has(name) && !this.#hasBuilds(name)) this.#declared.delete(name);
    for (const worker of this.#config.site.workers) {
      if (worker.token === null) this.#declared.delete(worker.name);
      else this.#declared.set(worker.name, this.#read(worker, worker.token));
    }
  }

  /** Null where the agent is who it says. */
  check(shown: Credentials): Refusal | null {
    // Behind a proxy one that keeps guessing must not keep out all others.
    const address = clientAddress(this.#config.site.access, shown.address, shown.forwardedFor);
    const credentials = { ...shown, address };
    const { name } = credentials;
    const now = this.#core.now();
    if (this.#failures.exceeded(networkOf(address), now))
      return this.#refuse(
        credentials,
        429,
        'too_many_failures',
        'too many refused attempts from this address; wait a minute',
      );
    if (name === undefined)
      return this.#refuse(credentials, 401, 'no_name', 'the request does not say which worker it comes from');
    if (!this.#mayConnect(name)) {
      this.#failures.note(networkOf(address), now);
      const message = `the master's configuration has no worker named "${name.slice(0, 100)}"`;
      return this.#refuse(credentials, 403, 'unknown_worker', message);
    }
    if (credentials.certificateFault != null) {
      this.#failures.note(networkOf(address), now);
      const message = `worker "${name}" is not let in: ${credentials.certificateFault}`;
      return this.#refuse(credentials, 401, 'bad_certificate', message);
    }
    const secret = this.#declared.get(name) ?? this.#issued(name);
    if ('fault' in secret) return this.#refuse(credentials, 503, 'no_token', secret.fault);
    if (matches(tokenOf(credentials), secret.hash)) return null;
    this.#failures.note(networkOf(address), now);
    if (isApiToken(tokenOf(credentials))) {
      const remedy = `a worker needs one of its own: icefall worker token issue ${name}`;
      return this.#refuse(credentials, 401, 'api_token', `API tokens open nothing at the port for workers; ${remedy}`);
    }
    return this.#refuse(credentials, 401, 'bad_token', `the token is not that of worker "${name}"`);
  }

  /** Makes a new token for a worker and keeps its hash; the old one is of no use any more. */
  issueToken(name: string): string {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    this.#core.turn(() => {
      this.#core.db.run(
        'INSERT INTO workers (name, token_hash) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET token_hash = excluded.token_hash',
        name,
        sha256(token).toString('hex'),
      );
      this.#core.touch('worker', name);
    });
    return token;
  }

  /** Ends the token that was issued to a worker. False where there is none. */
  revokeToken(name: string): boolean {
    return this.#core.turn(() => {
      this.#core.touch('worker', name);
      const sql = 'UPDATE workers SET token_hash = NULL WHERE name = ? AND token_hash IS NOT NULL';
      return this.#core.db.run(sql, name).changes > 0;
    });
  }

  /** A worker that the site has dropped may still bring its builds to their end. */
  #mayConnect(name: string): boolean {
    return this.#config.worker(name) !== null || this.#hasBuilds(name);
  }

  #hasBuilds(name: string): boolean {
    const build = this.#core.db.one("SELECT id FROM builds WHERE state <> 'finished' AND worker = ? LIMIT 1", name);
    return build !== null;
  }

  #issued(name: string): Secret {
    const row = this.#core.db.one<{ token_hash: string | null }>('SELECT token_hash FROM workers WHERE name = ?', name);
    if (row?.token_hash == null)
      return { fault: `worker "${name}" has no token yet; make one with: icefall worker token issue ${name}` };
    return { hash: Buffer.from(row.token_hash, 'hex') };
  }

  #read(worker: WorkerDeclaration, source: TokenSource): Secret {
    try {
      return { hash: sha256(readToken(source)) };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `the token of worker "${worker.name}" cannot be read: ${why}`;
      this.#core.log.error({ worker: worker.name }, formatProblem({ place: worker.place, message }));
      return { fault: message };
    }
  }

  #refuse({ name, address }: Credentials, status: number, code: string, message: string): Refusal {
    const now = this.#core.now();
    const key = `${networkOf(address)} ${code}`;
    if (!this.#logged.exceeded(key, now)) {
      this.#logged.note(key, now);
      this.#core.log.warn({ worker: name?.slice(0, 100), address, code }, `a worker was refused: ${message}`);
    }
    if (name !== undefined && this.#config.worker(name) !== null)
      this.refused.fire({ name, why: `${message} (from ${address})` });
    return { status, code, message };
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function tokenOf({ authorization }: Credentials): string {
  return /^Bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1] ?? '';
}

function matches(token: string, hash: Buffer): boolean {
  return token !== '' && hash.length === 32 && timingSafeEqual(sha256(token), hash);
}
