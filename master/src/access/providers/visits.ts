import { z } from 'zod';
import type { ProviderDeclaration } from '../../config/sign-in.ts';
import { Attempts } from '../../engine/attempts.ts';
import type { Core } from '../../engine/core.ts';
import type { SiteConfig } from '../../engine/site-config.ts';
import { AccessError } from '../errors.ts';
import type { Told } from '../identity.ts';
import { networkOf } from '../network.ts';
import { newSecret } from '../secrets.ts';
import { Envelope } from './envelope.ts';
import { GitHub } from './github.ts';
import { OpenIdConnect } from './openid-connect.ts';
import { type Provider, ProviderError } from './provider.ts';

/** Whoever is longer at a provider has to begin again. */
export const LONGEST_VISIT_MS = 10 * 60_000;
/** Of a page to come back to, characters: browsers keep 4096 bytes of a cookie, sealed. */
const LONGEST_PATH = 2000;
/** Failures of one address in a quarter of an hour: each may have asked the provider something. */
const MOST_FAILURES = 30;
const FAILURES_WITHIN_MS = 15 * 60_000;

const visitSchema = z.object({
  ...{ provider: z.string(), state: z.string(), nonce: z.string(), verifier: z.string() },
  /** Where on the page the person wants to be. */
  to: z.string(),
  beganAt: z.number(),
});

/** People on their way to a provider and back. Nothing is stored of them but what their browsers keep. */
export class Visits {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #envelope = new Envelope();
  readonly #failures = new Attempts({ most: MOST_FAILURES, withinMs: FAILURES_WITHIN_MS });
  readonly #complaints = new Attempts({ most: 1, withinMs: 60_000 });
  readonly #providers = new Map<ProviderDeclaration, Provider>();

  constructor(core: Core, config: SiteConfig) {
    this.#core = core;
    this.#config = config;
    config.applied.on(() => this.#providers.clear());
  }

  /** Those that a page offers. */
  get offered(): { name: string; title: string }[] {
    return this.#declared.map(({ name, title = name }) => ({ name, title }));
  }

  /** Where to send somebody, and what their browser is to keep. Null: there is no such provider. Throws {@link AccessError}. */
  async begin(name: string, to: string): Promise<{ address: string; sealed: string } | null> {
    const provider = this.#provider(name);
    if (provider === null) return null;
    const kept = { state: newSecret(), nonce: newSecret(), verifier: newSecret() };
    const address = await this.#asked(name, () => provider.address(kept, this.#returnTo(name)));
    const visit = { provider: name, ...kept, to: ownPath(to), beganAt: this.#core.now() };
    return { address, sealed: this.#envelope.seal(JSON.stringify(visit)) };
  }

  /** Who has come back, and where they want to be. `query` is that of the address they came back with. */
  async end(
    name: string,
    sealed: string | undefined,
    query: string,
    from: string,
  ): Promise<{ told: Told; to: string }> {
    if (this.#failures.exceeded(networkOf(from), this.#core.now()))
      throw new AccessError('too_many_attempts', 'too many failed attempts to sign in; wait a quarter of an hour');
    const provider = this.#provider(name);
    const visit = this.#visit(sealed);
    if (provider === null || visit?.provider !== name)
      throw new AccessError('sign_in_expired', 'this took too long, or began elsewhere; sign in again');
    try {
      const url = new URL(this.#returnTo(name));
      url.search = query;
      const told = await this.#asked(name, () => provider.recognise(visit, url));
      return { told: { ...told, name: `${name}:${told.name}` }, to: visit.to };
    } catch (error) {
      this.#failures.note(networkOf(from), this.#core.now());
      throw error;
    }
  }

  /** Where somebody goes to sign out at their provider, too; null: nowhere. */
  async endAddress(name: string): Promise<string | null> {
    const provider = this.#provider(name);
    if (provider === null) return null;
    try {
      return await provider.endAddress(this.#site);
    } catch (error) {
      // They are signed out here; a provider that cannot be asked does not change that.
      if (error instanceof ProviderError) return null;
      throw error;
    }
  }

  get #declared(): readonly ProviderDeclaration[] {
    return this.#config.site.access?.signIn.providers ?? [];
  }

  /** The page's own address; the site cannot be declared with providers and without it. */
  get #site(): string {
    return `${(this.#config.site.url ?? '').replace(/\/+$/, '')}/`;
  }

  /** As it is registered with the provider. */
  #returnTo(name: string): string {
    return `${this.#site}api/v1/session/from/${name}`;
  }

  #provider(name: string): Provider | null {
    const declared = this.#declared.find((one) => one.name === name);
    if (declared === undefined) return null;
    const { clock } = this.#core;
    const made = this.#providers.get(declared);
    if (made !== undefined) return made;
    const provider = declared.type === 'github' ? new GitHub(declared, clock) : new OpenIdConnect(declared, clock);
    this.#providers.set(declared, provider);
    return provider;
  }

  #visit(sealed: string | undefined): z.output<typeof visitSchema> | null {
    const text = sealed === undefined ? null : this.#envelope.open(sealed);
    const visit = text === null ? null : visitSchema.parse(JSON.parse(text));
    const isLate = visit !== null && this.#core.now() - visit.beganAt > LONGEST_VISIT_MS;
    return isLate ? null : visit;
  }

  async #asked<T>(name: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw error instanceof ProviderError ? this.#refusal(name, error) : error;
    }
  }

  #refusal(name: string, { code, message }: ProviderError): AccessError {
    const reason = `${code}: ${message}`;
    if (code === 'cancelled') return new AccessError('sign_in_cancelled', 'the sign-in was called off', reason);
    if (code === 'bad_answer') return new AccessError('sign_in_expired', 'sign in again', reason);
    if (code === 'not_let_in') return new AccessError('bad_login', 'this site does not let you in', reason);
    const now = this.#core.now();
    if (!this.#complaints.exceeded(name, now)) {
      this.#complaints.note(name, now);
      this.#core.log.error({ provider: name }, `nobody can sign in with ${name}: ${message}`);
    }
    return new AccessError('sign_in_unavailable', `nobody can sign in with ${name} at this moment`, reason);
  }
}

/** The path of a page of ours; the first page for whatever leads elsewhere (an open redirect), or to no page. */
export function ownPath(to: string): string {
  const here = 'http://page.invalid';
  if (!to.startsWith('/') || !URL.canParse(to, here)) return '/';
  const { origin, pathname, search, hash } = new URL(to, here);
  const isPage = origin === here && !pathname.startsWith('//') && !/^\/(api|hooks)(\/|$)/.test(pathname);
  const path = `${pathname}${search}${hash}`;
  return isPage && path.length <= LONGEST_PATH ? path : '/';
}
