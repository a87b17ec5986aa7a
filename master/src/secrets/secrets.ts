import type { SourceStamp } from '@icefall/shared';
import { fromColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { SecretsOptions } from './declaration.ts';
import { refusalOf } from './policy.ts';
import { MOST_SECRET_BYTES, SecretError } from './provider.ts';

/** What a provider is given to answer; it is asked again after a pause. */
const ANSWER_LIMIT_MS = 10_000;
/** Pauses before a provider that did not answer is asked again. */
const PAUSES_MS = [1000, 5000, 15_000];
/** A shorter value cannot be told from ordinary words, so it could not be taken out of logs. */
const SHORTEST_SECRET_BYTES = 6;
/** Of one command together: the order to start it must fit into one message. */
const MOST_BYTES_TOGETHER = 512 * 1024;

/** The answer to a request for secrets: by name in base64, or why not. */
export type SecretAnswer =
  | { readonly values: Readonly<Record<string, string>> }
  | { readonly error: { readonly code: string; readonly message: string } };

/** Where commands get the secrets they name, at the moment when they are sent. */
export interface SecretSource {
  /** Answers once, now or later; not inside a turn. */
  fetch(buildId: number, names: readonly string[], answer: (answer: SecretAnswer) => void): void;
}

/** The secrets of a site: looks at its rules, then asks its providers. Nothing is kept. */
export class Secrets implements SecretSource {
  readonly #core: Core;
  readonly #config: SiteConfig;

  constructor(core: Core, config: SiteConfig) {
    this.#core = core;
    this.#config = config;
  }

  fetch(buildId: number, names: readonly string[], answer: (answer: SecretAnswer) => void): void {
    this.#values(buildId, names).then(
      (values) => answer({ values }),
      (error: unknown) => {
        const { code, message } = error instanceof SecretError ? error : unexpected(error);
        answer({ error: { code, message } });
      },
    );
  }

  /** The value of a secret that the site itself uses, as its program says: rules are for builds. Throws SecretError. */
  async ofSite(name: string): Promise<Buffer> {
    return await this.#value(this.#options(), name);
  }

  #options(): SecretsOptions {
    const { secrets } = this.#config.site;
    if (secrets !== null) return secrets;
    throw new SecretError('secret_unknown', 'the site says nowhere where secrets are kept: site({ secrets })');
  }

  async #values(buildId: number, names: readonly string[]): Promise<Record<string, string>> {
    const secrets = this.#options();
    const build = this.#build(buildId);
    for (const secret of names) {
      const refusal = refusalOf(secrets.allow, { secret, ...build });
      if (refusal !== null) throw new SecretError('secret_refused', `secret "${secret}" is not given: ${refusal}`);
    }
    const values: Record<string, string> = {};
    let bytes = 0;
    for (const name of names) {
      const value = await this.#value(secrets, name);
      bytes += value.length;
      values[name] = value.toString('base64');
    }
    if (bytes > MOST_BYTES_TOGETHER)
      throw new SecretError(
        'bad_secret',
        `the secrets of one step are more than ${MOST_BYTES_TOGETHER} bytes together`,
      );
    return values;
  }

  #build(buildId: number) {
    const row = this.#core.db.one<{ builder: string; source_stamps: string }>(
      `SELECT builder, source_stamps FROM builds JOIN buildsets ON buildsets.id = builds.buildset_id
       WHERE builds.id = ?`,
      buildId,
    );
    if (row === null) throw new SecretError('secret_unavailable', `there is no build ${buildId} any more`);
    return { builder: row.builder, sourceStamps: fromColumn<SourceStamp[]>(row.source_stamps) };
  }

  async #value({ from }: SecretsOptions, name: string): Promise<Buffer> {
    for (const provider of from) {
      const value = await this.#patiently(
        (signal) => provider.read(name, signal),
        `secret "${name}": ${provider.title}`,
      );
      if (value !== null) return checked(name, value, provider.title);
    }
    const asked = from.map(({ title }) => title).join(', ');
    throw new SecretError('secret_unknown', `secret "${name}" is nowhere; asked: ${asked}`);
  }

  /** Asks, and asks again where there was no answer. */
  async #patiently<T>(ask: (signal: AbortSignal) => Promise<T>, what: string): Promise<T> {
    for (const pauseMs of PAUSES_MS) {
      try {
        return await this.#inTime(ask, what);
      } catch (error) {
        if (error instanceof SecretError && error.code !== 'secret_unavailable') throw error;
        this.#core.log.warn({ what }, `${unexpected(error).message}; asked again in ${pauseMs / 1000} s`);
      }
      await new Promise<void>((resolve) => this.#core.clock.after(pauseMs, resolve));
    }
    return await this.#inTime(ask, what);
  }

  async #inTime<T>(ask: (signal: AbortSignal) => Promise<T>, what: string): Promise<T> {
    const limit = new AbortController();
    const late = Promise.withResolvers<never>();
    const timer = this.#core.clock.after(ANSWER_LIMIT_MS, () => {
      late.reject(new SecretError('secret_unavailable', `${what} did not answer within ${ANSWER_LIMIT_MS / 1000} s`));
      limit.abort();
    });
    try {
      return await Promise.race([ask(limit.signal), late.promise]);
    } finally {
      timer.cancel();
    }
  }
}

function checked(name: string, value: Buffer, title: string): Buffer {
  const bad = (why: string) => new SecretError('bad_secret', `secret "${name}" of ${title} ${why}`);
  if (value.length > MOST_SECRET_BYTES) throw bad(`is larger than ${MOST_SECRET_BYTES} bytes`);
  if (value.toString('latin1').replace(/\s/g, '').length < SHORTEST_SECRET_BYTES)
    throw bad(
      `is shorter than ${SHORTEST_SECRET_BYTES} characters: it could not be taken out of logs; make it longer, or a property if it is none`,
    );
  return value;
}

/** A provider may throw anything; its words are not repeated, since they may hold a value. */
function unexpected(error: unknown): SecretError {
  if (error instanceof SecretError) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new SecretError('secret_unavailable', `a place where secrets are kept failed (${name})`);
}
