import { z } from 'zod';
import { isLoopback } from '../access/loopback.ts';
import { type Duration, positiveDurationSchema } from './durations.ts';
import { type TokenSource, tokenSourceSchema } from './workers.ts';

/** Who has a place in a directory, and what it says of them. */
export interface LdapOptions {
  /** `ldaps://HOST[:PORT]` or `ldap://HOST[:PORT]`. The first is asked; the next where it does not answer. */
  readonly servers: readonly string[];
  /** How `ldap://` is kept secret: `startTls` (default), or for a server on this machine `none`. */
  readonly protection?: 'startTls' | 'none';
  /** PEM file of the authority that has signed the servers' certificates; default: those that Node knows. */
  readonly ca?: string;
  /** One server is given so long for all of a sign-in; default 5 seconds. */
  readonly timeout?: Duration;
  readonly people: LdapPeople;
  /** Default: people have no groups. */
  readonly groups?: LdapGroups;
  /**
   * What the directory has said of somebody is believed for so long, if it cannot be asked anew; default 12 hours. With
   * `people.base` it is asked anew every ten minutes for those who are signed in or have tokens.
   */
  readonly believedFor?: Duration;
}

/** How an entry is found: by its name alone, with the person's own right to read it; or by a search. */
export type LdapPeople = (
  | {
      /** `{name}` stands for what the person typed: `uid={name},ou=people,dc=example,dc=org`. */
      readonly dn: string;
    }
  | {
      readonly base: string;
      /** `{name}` stands for what the person typed; default `(uid={name})`. Who does not match is not let in. */
      readonly filter?: string;
      /** Who searches; default: nobody in particular, if the directory lets them. */
      readonly account?: { readonly dn: string; readonly password: TokenSource };
    }
) & {
  /** Attribute with the person's name here; default `uid`. */
  readonly name?: string;
  /** Attribute with the mail address; roles may go by its domain, so nobody may change their own. Default: none. */
  readonly mail?: string;
};

/** Whose groups: those that an entry's `memberOf` names below a place, or those that a search finds. */
export type LdapGroups =
  | { readonly memberOfBelow: string }
  | {
      readonly base: string;
      /** `{dn}` is the person's entry, `{name}` their name; default `(member={dn})`. */
      readonly filter?: string;
      /** Attribute with the group's name; default `cn`. */
      readonly name?: string;
    };

/** A service that people sign in to with their browser, by OpenID Connect 1.0. */
export interface OpenIdConnectOptions {
  readonly type: 'openIdConnect';
  /** On the button; default: the provider's name. */
  readonly title?: string;
  /** `https://HOST/…`, as the service calls itself. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: TokenSource;
  /** Beside `openid`; default `profile` and `email`. */
  readonly scopes?: readonly string[];
  /** Claim with a name that nobody can choose for themselves; default `preferred_username`. */
  readonly nameClaim?: string;
  /** Claim with the list of groups; default `groups`. */
  readonly groupsClaim?: string;
  /** Only people whose address in one of these domains is verified are let in; default: whoever the service knows. */
  readonly mailDomains?: readonly string[];
  /** What it has said is believed for so long; then people sign in again. Default 12 hours. */
  readonly believedFor?: Duration;
}

/** GitHub, or a GitHub Enterprise Server. Groups are `ORGANISATION` and `ORGANISATION/TEAM`. */
export interface GitHubOptions {
  readonly type: 'github';
  /** On the button; default: the provider's name. */
  readonly title?: string;
  /** Of a GitHub Enterprise Server; default `https://github.com`. */
  readonly url?: string;
  readonly clientId: string;
  readonly clientSecret: TokenSource;
  /** Only members of one of these are let in. */
  readonly organisations: readonly string[];
  /** What it has said is believed for so long; then people sign in again. Default 12 hours. */
  readonly believedFor?: Duration;
}

/** Where people are recognised, beside those who have a password here. */
export interface SignInOptions {
  readonly ldap?: LdapOptions;
  /** By name. People of it are `NAME:PERSON`, in roles as well: `sso:ada`. */
  readonly providers?: Readonly<Record<string, OpenIdConnectOptions | GitHubOptions>>;
}

export type LdapDeclaration = z.output<typeof ldapSchema>;
export type ProviderDeclaration = z.output<typeof providerSchema> & { readonly name: string };
export interface SignInDeclaration {
  readonly ldap: LdapDeclaration | null;
  readonly providers: readonly ProviderDeclaration[];
}

const text = z.string().min(1).max(1000);
const named = (what: string) => text.refine((value) => value.includes(`{${what}}`), `must contain {${what}}`);
const attribute = z.string().regex(/^[A-Za-z][A-Za-z0-9;-]{0,99}$/, 'must be the name of an attribute');
const believedFor = positiveDurationSchema.default(12 * 3_600_000);

const ldapUrl = z.string().refine(isLdapUrl, 'must be ldaps://HOST[:PORT] or ldap://HOST[:PORT]');
const names = { name: attribute.default('uid'), mail: attribute.optional() };
const peopleSchema = z.union(
  [
    z.strictObject({ dn: named('name').refine((dn) => dn.includes('='), 'must be the name of an entry'), ...names }),
    z.strictObject({
      base: text,
      filter: named('name').default('(uid={name})'),
      account: z.strictObject({ dn: text, password: tokenSourceSchema }).optional(),
      ...names,
    }),
  ],
  "must be { dn: 'uid={name},…' } or { base: '…', filter: '(uid={name})', account: { dn, password } }, with { name, mail } as wanted",
);
const groupsSchema = z.union(
  [
    z.strictObject({ memberOfBelow: text }),
    z.strictObject({
      base: text,
      filter: text
        .refine((value) => /\{dn\}|\{name\}/.test(value), 'must contain {dn} or {name}')
        .default('(member={dn})'),
      name: attribute.default('cn'),
    }),
  ],
  "must be { memberOfBelow: '…' } or { base: '…', filter: '(member={dn})' }",
);
const ldapSchema = z
  .strictObject({
    servers: z.array(ldapUrl).min(1).max(10),
    protection: z.enum(['startTls', 'none']).default('startTls'),
    ca: text.optional(),
    timeout: positiveDurationSchema.default(5000).refine((ms) => ms <= 60_000, 'must be a minute at most'),
    people: peopleSchema,
    groups: groupsSchema.optional(),
    believedFor,
  })
  .refine(({ servers, protection }) => protection !== 'none' || servers.every(isHidden), {
    path: ['protection'],
    message: "none shows passwords to the network; it is for servers on this machine only: use 'startTls' or ldaps://",
  });

const webUrl = z.url().refine(isSafeUrl, 'must be an https:// address without a query (http:// on this machine only)');
const domains = z
  .array(z.string().regex(/^[^@\s]+$/, 'must be a domain like example.org, without @'))
  .min(1)
  .transform((list) => list.map((domain) => domain.toLowerCase()));
const common = {
  title: z.string().min(1).max(50).optional(),
  clientId: text,
  clientSecret: tokenSourceSchema,
  believedFor,
};
const providerSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('openIdConnect'),
    issuer: webUrl,
    scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)).default(['profile', 'email']),
    nameClaim: text.default('preferred_username'),
    groupsClaim: text.default('groups'),
    mailDomains: domains.optional(),
    ...common,
  }),
  z.strictObject({
    type: z.literal('github'),
    url: webUrl.default('https://github.com'),
    organisations: z.array(z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'must be the name of an organisation')).min(1),
    ...common,
  }),
]);
const providerName = z
  .string()
  .regex(
    /^(?!local$|ldap$)[a-z][a-z0-9-]{0,30}$/,
    "must be a word of small letters, digits and '-', not local or ldap",
  );

export const signInSchema = z.strictObject({
  ldap: ldapSchema.optional(),
  providers: z.record(providerName, providerSchema).default({}),
});

/** What `access.signIn` declares. */
export function signInOf(given: z.output<typeof signInSchema> | undefined): SignInDeclaration {
  const providers = Object.entries(given?.providers ?? {}).map(([name, provider]) => ({ ...provider, name }));
  return { ldap: given?.ldap ?? null, providers };
}

function isLdapUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, pathname, search, username } = new URL(value);
  return /^ldaps?:$/.test(protocol) && hostname !== '' && /^\/?$/.test(pathname) && search === '' && username === '';
}

function isHidden(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'ldaps:' || isLoopback(hostname);
}

function isSafeUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, search, hash, username } = new URL(value);
  if (search !== '' || hash !== '' || username !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
