import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TestGround } from '../support/ground.ts';
import { close, listen, portOf } from '../support/ports.ts';

/** A person of the double. */
export interface GitHubPerson {
  readonly id: number;
  readonly login: string;
  readonly mails: readonly { email: string; primary: boolean; verified: boolean }[];
  /** State of the membership, by organisation. */
  readonly organisations: Readonly<Record<string, 'active' | 'pending'>>;
  /** `organisation/slug`. */
  readonly teams: readonly string[];
}

interface Grant {
  readonly person: GitHubPerson;
  readonly challenge: string;
  readonly returnTo: string;
}

/**
 * A double of the parts of a GitHub Enterprise Server that sign-ins use: there is none that could run here. Paths,
 * parameters, answers and refusals (200 for a wrong code, 404 for no membership) are those of its documentation, "Authorizing
 * OAuth apps" and the REST API's pages of users, emails, members and teams. It is strict: what is not as documented is a 400.
 */
export class GitHubDouble {
  readonly url: string;
  /** Who signs in. */
  person: GitHubPerson;
  /** Of the documented answers, in the order that they were given. */
  readonly asked: string[] = [];
  readonly #client: { readonly id: string; readonly secret: string };
  readonly #codes = new Map<string, Grant>();
  readonly #tokens = new Map<string, GitHubPerson>();
  #made = 0;

  private constructor(url: string, person: GitHubPerson, client: { id: string; secret: string }) {
    this.url = url;
    this.person = person;
    this.#client = client;
  }

  static async start(
    ground: TestGround,
    person: GitHubPerson,
    client: { id: string; secret: string },
  ): Promise<GitHubDouble> {
    const server = createServer();
    await listen(0, server);
    const double = new GitHubDouble(`http://127.0.0.1:${portOf(server)}`, person, client);
    server.on('request', (request, response) => void double.#answer(request, response));
    ground.atEnd(() => {
      server.closeAllConnections();
      return close(server);
    });
    return double;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    this.asked.push(`${request.method} ${url.pathname}`);
    if (url.pathname === '/login/oauth/authorize') {
      response.writeHead(302, { location: this.#authorized(url.searchParams) }).end();
      return;
    }
    const isToken = url.pathname === '/login/oauth/access_token' && request.method === 'POST';
    const [status, body] = isToken
      ? this.#token(new URLSearchParams(await textOf(request)))
      : this.#resource(url, request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  #authorized(question: URLSearchParams): string {
    const said = (name: string) => question.get(name) ?? '';
    const isAsked = said('client_id') === this.#client.id && said('scope') === 'read:org user:email';
    const back = new URL(said('redirect_uri'));
    back.searchParams.set('state', said('state'));
    if (!isAsked || said('code_challenge_method') !== 'S256') back.searchParams.set('error', 'application_suspended');
    else {
      const code = this.#new('code');
      this.#codes.set(code, { person: this.person, challenge: said('code_challenge'), returnTo: said('redirect_uri') });
      back.searchParams.set('code', code);
    }
    return back.href;
  }

  #token(body: URLSearchParams): [number, object] {
    if (body.get('client_id') !== this.#client.id || body.get('client_secret') !== this.#client.secret)
      return [
        200,
        {
          error: 'incorrect_client_credentials',
          error_description: 'The client_id and/or client_secret passed are incorrect.',
        },
      ];
    const code = body.get('code') ?? '';
    const grant = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url');
    if (grant === undefined || grant.challenge !== challenge || grant.returnTo !== body.get('redirect_uri'))
      return [200, { error: 'bad_verification_code', error_description: 'The code passed is incorrect or expired.' }];
    const token = this.#new('gho_token');
    this.#tokens.set(token, grant.person);
    return [200, { access_token: token, token_type: 'bearer', scope: 'read:org,user:email' }];
  }

  #resource(url: URL, { headers }: IncomingMessage): [number, object] {
    const person = this.#tokens.get(headers.authorization?.replace(/^Bearer /, '') ?? '');
    if (person === undefined) return [401, { message: 'Bad credentials' }];
    const path = url.pathname.replace('/api/v3', '');
    if (path === '/user') return [200, { id: person.id, login: person.login, type: 'User' }];
    if (path === '/user/emails') return [200, person.mails];
    if (path === '/user/teams') return [200, teamsOf(person, url.searchParams)];
    const [, organisation] = /^\/user\/memberships\/orgs\/([^/]+)$/.exec(path) ?? [];
    // GitHub takes upper and lower case for the same.
    const login = Object.keys(person.organisations).find((name) => name.toLowerCase() === organisation?.toLowerCase());
    const state = login === undefined ? undefined : person.organisations[login];
    return state === undefined
      ? [404, { message: 'Not Found' }]
      : [200, { state, role: 'member', organization: { login } }];
  }

  #new(kind: string): string {
    this.#made += 1;
    return `${kind}_${this.#made}`;
  }
}

function teamsOf({ teams }: GitHubPerson, query: URLSearchParams): object[] {
  const [size, page] = [Number(query.get('per_page')), Number(query.get('page'))];
  return teams.slice((page - 1) * size, page * size).map((team) => {
    const [login, slug] = team.split('/');
    return { slug, name: slug, organization: { login } };
  });
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text;
}
