import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ProviderDeclaration } from '../../config/sign-in.ts';
import type { Clock } from '../../engine/ports.ts';
import type { Told } from '../identity.ts';
import { reasonOf, secretOf } from './openid-connect.ts';
import { ANSWER_LIMIT_MS, type Kept, type Provider, ProviderError } from './provider.ts';

type Declaration = Extract<ProviderDeclaration, { type: 'github' }>;

/** Of an answer, characters: a page of teams has some 200,000. */
const MOST_ANSWER_CHARS = 2_000_000;
const TEAMS_A_PAGE = 100;
const MOST_TEAM_PAGES = 10;
/** Names, mail addresses, and memberships also where they are not public. */
const SCOPE = 'read:org user:email';

const tokenSchema = z.object({ access_token: z.string().min(1) });
const refusalSchema = z.object({ error: z.string(), error_description: z.string().optional() });
const userSchema = z.object({ id: z.number().int(), login: z.string().min(1) });
const mailSchema = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));
const membershipSchema = z.object({ state: z.string(), organization: z.object({ login: z.string() }) });
const teamsSchema = z.array(z.object({ slug: z.string(), organization: z.object({ login: z.string() }) }));

/** GitHub's "web application flow" of OAuth, with PKCE; members of the site's organisations, with their teams as groups. */
export class GitHub implements Provider {
  readonly #declared: Declaration;
  readonly #clock: Clock;

  constructor(declared: Declaration, clock: Clock) {
    this.#declared = declared;
    this.#clock = clock;
  }

  async address({ state, verifier }: Kept, returnTo: string): Promise<string> {
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const url = new URL(this.#web('/login/oauth/authorize'));
    url.search = new URLSearchParams({
      ...{ client_id: this.#declared.clientId, redirect_uri: returnTo, scope: SCOPE, state, allow_signup: 'false' },
      ...{ code_challenge: challenge, code_challenge_method: 'S256' },
    }).toString();
    return url.href;
  }

  async recognise({ state, verifier }: Kept, cameBack: URL): Promise<Told> {
    const { searchParams: answer } = cameBack;
    if (answer.get('state') !== state) throw new ProviderError('bad_answer', 'the state is not that of our question');
    const error = answer.get('error');
    if (error !== null) throw new ProviderError('cancelled', `GitHub says: ${error.slice(0, 200)}`);
    const code = answer.get('code');
    if (code === null) throw new ProviderError('bad_answer', 'GitHub has sent no code');
    const token = await this.#token(code, verifier, `${cameBack.origin}${cameBack.pathname}`);
    const { id, login } = await this.#get(token, '/user', userSchema);
    const groups = await this.#groups(token);
    if (groups.length === 0)
      throw new ProviderError(
        'not_let_in',
        `${login} is a member of none of ${this.#declared.organisations.join(', ')}`,
      );
    const mails = await this.#get(token, '/user/emails', mailSchema);
    const mail = mails.find(({ primary, verified }) => primary && verified)?.email ?? null;
    return { subject: `${this.#declared.url} ${id}`, name: login, mail, groups };
  }

  /** GitHub has no such thing. */
  async endAddress(): Promise<null> {
    return null;
  }

  async #token(code: string, verifier: string, returnTo: string): Promise<string> {
    const { clientId } = this.#declared;
    const body = new URLSearchParams({
      ...{ client_id: clientId, client_secret: secretOf(this.#declared), code, code_verifier: verifier },
      redirect_uri: returnTo,
    });
    const { json } = await this.#ask(this.#web('/login/oauth/access_token'), { method: 'POST', body });
    const token = tokenSchema.safeParse(json);
    if (token.success) return token.data.access_token;
    // With status 200, as GitHub has it.
    const refusal = refusalSchema.safeParse(json);
    const why = refusal.success ? (refusal.data.error_description ?? refusal.data.error) : 'it has sent no token';
    const isOurs = refusal.success && refusal.data.error === 'bad_verification_code';
    throw new ProviderError(isOurs ? 'bad_answer' : 'unavailable', `GitHub gives no token: ${why.slice(0, 300)}`);
  }

  /** The site's organisations that somebody is an active member of, as the site writes them, and their teams there. */
  async #groups(token: string): Promise<string[]> {
    const groups: string[] = [];
    for (const organisation of this.#declared.organisations) {
      const path = `/user/memberships/orgs/${encodeURIComponent(organisation)}`;
      const member = await this.#get(token, path, membershipSchema, null);
      if (member?.state === 'active') groups.push(organisation);
    }
    if (groups.length === 0) return [];
    const named = new Map(groups.map((organisation) => [organisation.toLowerCase(), organisation]));
    for (let page = 1; page <= MOST_TEAM_PAGES; page += 1) {
      const teams = await this.#get(token, `/user/teams?per_page=${TEAMS_A_PAGE}&page=${page}`, teamsSchema);
      for (const { slug, organization } of teams) {
        const organisation = named.get(organization.login.toLowerCase());
        if (organisation !== undefined) groups.push(`${organisation}/${slug}`);
      }
      if (teams.length < TEAMS_A_PAGE) break;
    }
    return groups;
  }

  /** `absent`: what it is where there is no such thing, or it may not be seen. */
  async #get<T>(token: string, path: string, schema: z.ZodType<T>, absent?: undefined): Promise<T>;
  async #get<T>(token: string, path: string, schema: z.ZodType<T>, absent: null): Promise<T | null>;
  async #get<T>(token: string, path: string, schema: z.ZodType<T>, absent?: null): Promise<T | null> {
    const { url } = this.#declared;
    const api = url === 'https://github.com' ? 'https://api.github.com' : this.#web('/api/v3');
    const headers = { authorization: `Bearer ${token}`, 'x-github-api-version': '2022-11-28' };
    const { status, json } = await this.#ask(`${api}${path}`, { headers });
    if (absent === null && (status === 404 || status === 403)) return null;
    const parsed = schema.safeParse(json);
    if (status === 200 && parsed.success) return parsed.data;
    throw new ProviderError('unavailable', `${api}${path} answered ${status}, and not what GitHub documents`);
  }

  async #ask(url: string, request: RequestInit): Promise<{ status: number; json: unknown }> {
    const limit = new AbortController();
    const timer = this.#clock.after(ANSWER_LIMIT_MS, () => limit.abort());
    try {
      const headers = { accept: 'application/json', 'user-agent': 'icefall', ...request.headers };
      // A server that sends secrets elsewhere is not to be followed.
      const response = await fetch(url, { ...request, headers, redirect: 'error', signal: limit.signal });
      const text = await response.text();
      return { status: response.status, json: text.length > MOST_ANSWER_CHARS ? null : JSON.parse(text) };
    } catch (error) {
      throw new ProviderError('unavailable', `${url} cannot be asked: ${reasonOf(error)}`, { cause: error });
    } finally {
      timer.cancel();
    }
  }

  #web(path: string): string {
    return `${this.#declared.url.replace(/\/+$/, '')}${path}`;
  }
}
