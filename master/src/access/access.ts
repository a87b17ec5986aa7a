import { timingSafeEqual } from 'node:crypto';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { ApiTokens } from './api-tokens.ts';
import { AccessError } from './errors.ts';
import type { Grants } from './grants.ts';
import { type Identity, nameOfIdentity, type Person } from './identity.ts';
import { Owners } from './owners.ts';
import { grantsOf } from './policy.ts';
import { Visits } from './providers/visits.ts';
import { hashOf } from './secrets.ts';
import { type Session, Sessions } from './sessions.ts';
import { Sight } from './sight.ts';
import { SignIns } from './sign-ins.ts';
import { isReserved, Users } from './users.ts';

/** What a request shows of who sends it. */
export interface Credentials {
  /** IP address of the client, as far as it can be trusted. */
  readonly address: string;
  /** It comes from this machine itself, through nobody else. */
  readonly isLocal: boolean;
  /** The header `Authorization`. */
  readonly authorization: string | undefined;
  /** Of the session's cookie. */
  readonly cookie: string | undefined;
  /** Whom a proxy that the site believes says to have signed in. */
  readonly proxied?: Person | null;
}

/** Who asks, and what they may do and view. */
export interface Caller {
  readonly identity: Identity;
  readonly grants: Grants;
  readonly sight: Sight;
  /** Null: nobody in particular. */
  readonly name: string | null;
  readonly address: string;
  /** Of the cookie they came with. */
  readonly session: Session | null;
  /** The secret that the cookie is to hold from now on, where it was rotated. */
  readonly rotated: string | null;
}

/** Who somebody is, and what they may do: the only room that knows. */
export class Access {
  /** Somebody may have lost rights: what is open is to be looked at again. */
  readonly changed = new Hook<void>();
  readonly owners: Owners;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly tokens: ApiTokens;
  readonly signIns: SignIns;
  readonly visits: Visits;
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #operatorHash: string | null;

  /** `operatorToken` is in the master's state folder: who can read it runs the master. */
  constructor(core: Core, config: SiteConfig, operatorToken: string | null) {
    this.#core = core;
    this.#config = config;
    this.#operatorHash = operatorToken === null ? null : hashOf(operatorToken);
    this.owners = new Owners(core, config);
    this.users = new Users(core, config);
    this.sessions = new Sessions(core);
    this.tokens = new ApiTokens(core);
    this.signIns = new SignIns(core, config, this);
    this.visits = new Visits(core, config);
    config.applied.on(() => this.changed.fire());
  }

  /** Whether the site says who may do what; else this machine may do everything. */
  get isConfigured(): boolean {
    return this.#config.site.access !== null;
  }

  /** Throws {@link AccessError} for a token that is not good: it is never taken for nobody's. */
  callerOf(credentials: Credentials): Caller {
    const token = bearerOf(credentials.authorization);
    if (token !== null) return this.#caller(this.#ofToken(token, credentials), credentials);
    const found = credentials.cookie === undefined ? null : this.sessions.find(credentials.cookie);
    const person = found === null ? null : this.users.person(found.session.user);
    if (found === null || person === null) return this.#caller(this.#ofNoToken(credentials), credentials);
    const identity = { kind: 'person', person, sessionId: found.session.id } as const;
    return { ...this.#caller(identity, credentials), session: found.session, rotated: found.rotated };
  }

  /** Whether a caller of before has the same rights still: not signed out, revoked, expired, or declared otherwise. */
  isStill({ identity, grants }: Caller): boolean {
    return this.#isAlive(identity) && grantsOf(this.#config.site, identity).equals(grants);
  }

  /** Gives a person of ours other groups; with one less their sessions end. Throws {@link AccessError}. */
  setGroups(user: string, groups: readonly string[]): void {
    this.#core.turn(() => {
      const before = this.users.person(user)?.groups ?? [];
      this.users.setGroups(user, groups);
      if (before.some((group) => !groups.includes(group))) this.sessions.endAll(user);
    });
    this.changed.fire();
  }

  /** Log-out everywhere: sessions, and what the person's command lines use. */
  signOutEverywhere(user: string): void {
    this.#core.turn(() => {
      this.sessions.endAll(user);
      this.tokens.revokeAll(user);
    });
    this.changed.fire();
  }

  #ofToken(token: string, { address, isLocal }: Credentials): Identity {
    if (this.#isOperator(token)) {
      if (isLocal) return { kind: 'operator' };
      throw new AccessError('bad_token', "the operator's token is good on the master's own machine only");
    }
    const found = this.tokens.find(token, address);
    const person = found?.user == null ? null : this.users.person(found.user);
    if (found === null || (found.user !== null && person === null))
      throw new AccessError('bad_token', 'the token is unknown, expired or revoked; make another one: icefall login');
    const { id, name, allow, builders } = found;
    return { kind: 'token', tokenId: id, name, person, scope: { allow, builders } };
  }

  #isOperator(token: string): boolean {
    return (
      this.#operatorHash !== null &&
      timingSafeEqual(Buffer.from(hashOf(token), 'hex'), Buffer.from(this.#operatorHash, 'hex'))
    );
  }

  #ofNoToken({ isLocal, proxied = null }: Credentials): Identity {
    if (proxied !== null && !isReserved(proxied.user) && !this.users.isDisabled(proxied.user))
      return { kind: 'person', person: proxied, sessionId: null };
    return isLocal && !this.isConfigured ? { kind: 'local' } : { kind: 'anonymous' };
  }

  #caller(identity: Identity, { address }: Credentials): Caller {
    const grants = grantsOf(this.#config.site, identity);
    const sight = new Sight(grants, this.owners);
    return { identity, grants, sight, name: nameOfIdentity(identity), address, session: null, rotated: null };
  }

  #isAlive(identity: Identity): boolean {
    switch (identity.kind) {
      case 'local':
        return !this.isConfigured;
      case 'anonymous':
      case 'operator':
        return true;
      case 'person':
        return (
          // Of whom a proxy has told: that lasts as long as the request.
          identity.sessionId === null ||
          (this.sessions.isAlive(identity.sessionId) && this.users.person(identity.person.user) !== null)
        );
      case 'token':
        return (
          this.tokens.isGood(identity.tokenId) &&
          (identity.person === null || this.users.person(identity.person.user) !== null)
        );
    }
  }
}

function bearerOf(authorization: string | undefined): string | null {
  if (authorization === undefined) return null;
  const token = /^Bearer ([\x21-\x7e]{1,500})$/i.exec(authorization)?.[1];
  if (token === undefined) throw new AccessError('bad_token', 'the header Authorization must be: Bearer TOKEN');
  return token;
}
