import type { InjectOptions } from 'fastify';
import type { AccessOptions } from '../config/access.ts';
import { takeProblems } from '../config/problems.ts';
import type { SiteDeclaration } from '../config/site.ts';
import { site } from '../config/site-program.ts';
import { clientOf, type TestAnswer } from './test-client.ts';
import { addHistory } from './test-history.ts';
import { SITE, TestSite } from './test-site.ts';

/** For tests: the test site with people in it. */

export const PASSWORD = 'correct horse battery';
export const OPERATOR = 'operator-token-of-the-test';
/** Not this machine. */
const ELSEWHERE = '192.0.2.7';

/** The test site, with who may do what; `url`: where people reach it. */
export function siteWith(access: AccessOptions, url?: string): SiteDeclaration {
  const declared = {
    ...{ title: SITE.title, workers: SITE.workers, builders: SITE.builders, schedulers: SITE.schedulers },
    changeSources: SITE.changeSources,
  };
  const made = site({ ...declared, access, ...(url === undefined ? {} : { url }) });
  const problems = takeProblems();
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return made;
}

const [linux] = SITE.builders.filter(({ name }) => name === 'linux');
const [docs] = SITE.builders.filter(({ name }) => name === 'docs');
if (linux === undefined || docs === undefined) throw new Error('the test site has other builders now');

/** Viewers see all, Fay works with `docs` only, and sees nothing else. Nobody is let in without a name. */
export const ROLES: AccessOptions = {
  roles: {
    viewer: { allow: ['view'], members: { users: ['vic'] } },
    writer: { allow: ['force'], builders: [docs], members: { users: ['fay'] } },
    keeper: { allow: ['stop', 'rebuild'], tags: ['fast'], members: { groups: ['keepers'] } },
    company: { allow: ['view'], members: { mailDomains: ['example.org'] } },
    admin: { allow: ['admin'], members: { users: ['ada'] } },
  },
};

export type Headers = Readonly<Record<string, string>>;

export class AccessSite {
  readonly site: TestSite;
  readonly client: Awaited<ReturnType<typeof clientOf>>;

  private constructor(made: TestSite, client: Awaited<ReturnType<typeof clientOf>>) {
    this.site = made;
    this.client = client;
  }

  static async open(access: AccessOptions = ROLES, url?: string): Promise<AccessSite> {
    const made = new TestSite(siteWith(access, url));
    addHistory(made);
    return new AccessSite(made, await clientOf(made, { operatorToken: OPERATOR }));
  }

  /** Asks from elsewhere, unless `local`. */
  ask(request: InjectOptions & { local?: boolean }): Promise<TestAnswer> {
    const { local = false, ...rest } = request;
    return this.client.ask({ ...rest, remoteAddress: local ? '127.0.0.1' : ELSEWHERE });
  }
  get(path: string, headers: Headers = {}): Promise<TestAnswer> {
    return this.ask({ method: 'GET', url: `/api/v1${path}`, headers });
  }
  post(path: string, payload: object = {}, headers: Headers = {}): Promise<TestAnswer> {
    return this.ask({ method: 'POST', url: `/api/v1${path}`, payload, headers });
  }

  /** As whoever runs the master, on its machine. */
  operate(path: string, payload: object = {}): Promise<TestAnswer> {
    const headers = bearer(OPERATOR);
    return this.ask({ method: 'POST', url: `/api/v1${path}`, payload, headers, local: true });
  }

  /** Adds a person and gives the header of a token of theirs. */
  async person(name: string, more: { mail?: string; groups?: string[] } = {}): Promise<Headers> {
    const added = await this.operate('/users', { name, password: PASSWORD, ...more });
    if (added.status !== 200) throw new Error(added.text);
    const { json } = await this.post('/login', { user: name, password: PASSWORD });
    return bearer(json.token);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.site[Symbol.asyncDispose]();
  }
}

export function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` };
}

/** What a browser keeps of an answer. */
export function cookieOf(answer: TestAnswer): Headers {
  const [first] = [answer.headers['set-cookie']].flat();
  return { cookie: String(first).split(';', 1)[0] ?? '' };
}
