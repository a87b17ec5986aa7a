import * as client from 'openid-client';
import type { ProviderDeclaration } from '../../config/sign-in.ts';
import { readToken } from '../../config/workers.ts';
import type { Clock } from '../../engine/ports.ts';
import type { Told } from '../identity.ts';
import { ANSWER_LIMIT_MS, isOfDomain, type Kept, type Provider, ProviderError } from './provider.ts';

type Declaration = Extract<ProviderDeclaration, { type: 'openIdConnect' }>;
type Claims = Readonly<Record<string, unknown>>;

/** What a provider says of itself is asked again after this time; where it could not be asked, after the other. */
const DISCOVERED_FOR_MS = 3_600_000;
const FAILED_FOR_MS = 10_000;

/** A provider by OpenID Connect Core 1.0: authorization code flow with PKCE, state and nonce. */
export class OpenIdConnect implements Provider {
  readonly #declared: Declaration;
  readonly #clock: Clock;
  #discovered: { readonly at: number; readonly metadata: Promise<client.ServerMetadata>; isFailure: boolean } | null =
    null;

  constructor(declared: Declaration, clock: Clock) {
    this.#declared = declared;
    this.#clock = clock;
  }

  async address({ state, nonce, verifier }: Kept, returnTo: string): Promise<string> {
    const configuration = await this.#configuration();
    const challenge = await client.calculatePKCECodeChallenge(verifier);
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: returnTo,
      scope: ['openid', ...this.#declared.scopes].join(' '),
      ...{ state, nonce, code_challenge: challenge, code_challenge_method: 'S256' },
    });
    return url.href;
  }

  async recognise({ state, nonce, verifier }: Kept, cameBack: URL): Promise<Told> {
    const configuration = await this.#configuration();
    try {
      const tokens = await client.authorizationCodeGrant(configuration, cameBack, {
        ...{ pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new ProviderError('bad_answer', 'the provider has sent no ID token');
      return this.#told(claims.sub, [claims, await this.#more(configuration, tokens.access_token, claims)]);
    } catch (error) {
      throw providerErrorOf(error, this.#declared.issuer);
    }
  }

  async endAddress(returnTo: string): Promise<string | null> {
    const configuration = await this.#configuration();
    if (configuration.serverMetadata().end_session_endpoint === undefined) return null;
    return client.buildEndSessionUrl(configuration, { post_logout_redirect_uri: returnTo }).href;
  }

  /** What the ID token leaves out: many providers tell of mail and groups only when they are asked for them. */
  async #more(configuration: client.Configuration, accessToken: string, claims: client.IDToken): Promise<Claims> {
    const { nameClaim, groupsClaim } = this.#declared;
    const isWhole = [nameClaim, groupsClaim, 'email'].every((claim) => claim in claims);
    if (isWhole || configuration.serverMetadata().userinfo_endpoint === undefined) return {};
    return client.fetchUserInfo(configuration, accessToken, claims.sub);
  }

  #told(subject: string, sources: readonly Claims[]): Told {
    const { issuer, nameClaim, groupsClaim, mailDomains } = this.#declared;
    const first = (claim: string) => sources.map((claims) => claims[claim]).find((value) => value !== undefined);
    const name = first(nameClaim);
    if (typeof name !== 'string' || name === '')
      throw new ProviderError(
        'unavailable',
        `the provider does not tell the claim ${nameClaim}; see nameClaim and scopes`,
      );
    // Address and its verification are of one source.
    const mail = sources.map(verifiedMail).find((address) => address !== null) ?? null;
    if (mailDomains !== undefined && !isOfDomain(mail, mailDomains))
      throw new ProviderError('not_let_in', `${name} has no verified mail address of ${mailDomains.join(', ')}`);
    const groups = [first(groupsClaim) ?? []].flat().filter((group) => typeof group === 'string');
    // Another provider under the same name may call somebody else so.
    return { subject: `${issuer} ${subject}`, name, mail, groups };
  }

  /** The client's secret is read anew each time: a changed one is in force at once. */
  async #configuration(): Promise<client.Configuration> {
    const { issuer, clientId } = this.#declared;
    const metadata = await this.#metadata();
    const secret = secretOf(this.#declared);
    const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const isBasic = methods.includes('client_secret_basic');
    const authentication = isBasic ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret);
    const configuration = new client.Configuration(metadata, clientId, {}, authentication);
    configuration.timeout = ANSWER_LIMIT_MS / 1000;
    if (isPlain(issuer)) client.allowInsecureRequests(configuration);
    return configuration;
  }

  async #metadata(): Promise<client.ServerMetadata> {
    const known = this.#discovered;
    const age = known === null ? 0 : this.#clock.monotonic() - known.at;
    if (known !== null && age < (known.isFailure ? FAILED_FOR_MS : DISCOVERED_FOR_MS)) return known.metadata;
    const asked = { at: this.#clock.monotonic(), metadata: discovered(this.#declared), isFailure: false };
    this.#discovered = asked;
    asked.metadata.catch(() => {
      asked.isFailure = true;
    });
    return asked.metadata;
  }
}

async function discovered({ issuer, clientId }: Declaration): Promise<client.ServerMetadata> {
  try {
    const execute = isPlain(issuer) ? [client.allowInsecureRequests] : [];
    const options = { execute, timeout: ANSWER_LIMIT_MS / 1000 };
    return (await client.discovery(new URL(issuer), clientId, undefined, client.None(), options)).serverMetadata();
  } catch (error) {
    throw new ProviderError('unavailable', `${issuer} does not tell of itself: ${reasonOf(error)}`, { cause: error });
  }
}

/** Only on this machine, see the schema: a provider of tests. */
function isPlain(issuer: string): boolean {
  return new URL(issuer).protocol === 'http:';
}

export function secretOf({ name, clientSecret }: ProviderDeclaration): string {
  try {
    return readToken(clientSecret);
  } catch (error) {
    throw new ProviderError('unavailable', `the client secret of ${name} cannot be read: ${reasonOf(error)}`);
  }
}

function verifiedMail({ email, email_verified: isVerified }: Claims): string | null {
  return typeof email === 'string' && isVerified === true ? email : null;
}

function providerErrorOf(error: unknown, issuer: string): ProviderError {
  if (error instanceof ProviderError) return error;
  if (error instanceof client.AuthorizationResponseError)
    return new ProviderError('cancelled', `${issuer} says: ${reasonOf(error)} (${error.error})`, { cause: error });
  // With or without a challenge beside it (RFC 6749, section 5.2).
  const isClient =
    error instanceof client.WWWAuthenticateChallengeError ||
    (error instanceof client.ResponseBodyError && error.error === 'invalid_client');
  if (isClient)
    return new ProviderError('unavailable', `${issuer} refuses clientId and clientSecret of the site (invalid_client)`);
  const code = error instanceof Error ? String(Reflect.get(error, 'code')) : '';
  // What does not fit our question, or what the provider refuses of it, is no trouble of the provider's.
  const isOurs = code.startsWith('OAUTH_') || error instanceof client.ResponseBodyError;
  return new ProviderError(isOurs ? 'bad_answer' : 'unavailable', `${issuer}: ${reasonOf(error)}`, { cause: error });
}

/** Error texts of the library hold no secret; what is below them tells more. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const description = Reflect.get(error, 'error_description');
  const more = typeof description === 'string' ? description : error.cause instanceof Error ? error.cause.message : '';
  return [error.message, more]
    .filter((part) => part !== '')
    .join(': ')
    .replace(/\s+/g, ' ')
    .slice(0, 300);
}
