import { createServer } from 'node:http';
import Provider, { type Configuration } from 'oidc-provider';
import type { TestGround } from '../support/ground.ts';
import { close, listen, portOf } from '../support/ports.ts';

export const CLIENT_ID = 'icefall';
export const CLIENT_SECRET = 'the client secret of the test';

/** What the provider tells of people, by the name that they sign in with. */
export type Accounts = Record<string, Readonly<Record<string, unknown>>>;

/** A real provider (`oidc-provider`) on loopback, whose people sign in by name. */
export class OpenIdProvider {
  readonly issuer: string;
  readonly accounts: Accounts;

  private constructor(issuer: string, accounts: Accounts) {
    this.issuer = issuer;
    this.accounts = accounts;
  }

  /** `page`: the addresses that it sends people back to. */
  static async start(ground: TestGround, page: string, accounts: Accounts): Promise<OpenIdProvider> {
    const server = await listen(0, createServer());
    const issuer = `http://127.0.0.1:${portOf(server)}`;
    keepQuiet(ground);
    const provider = new Provider(issuer, configurationOf(page, accounts));
    server.on('request', provider.callback());
    ground.atEnd(() => close(server));
    return new OpenIdProvider(issuer, accounts);
  }
}

/** It says for each key and lifetime that it makes up that it is a provider of tests, which these are. */
function keepQuiet(ground: TestGround): void {
  for (const level of ['info', 'warn'] as const) {
    const told = console[level];
    console[level] = (...words: unknown[]) => {
      if (!String(words[0]).includes('oidc-provider ')) told.apply(console, words);
    };
    ground.atEnd(() => void Object.assign(console, { [level]: told }));
  }
}

function configurationOf(page: string, accounts: Accounts): Configuration {
  return {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [`${page}/api/v1/session/from/sso`],
        post_logout_redirect_uris: [`${page}/`],
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email', 'email_verified'] },
    findAccount: (_context, id) => ({ accountId: id, claims: () => Promise.resolve({ sub: id, ...accounts[id] }) }),
    cookies: { keys: ['a key of the test'] },
    features: { devInteractions: { enabled: true } },
  };
}

/** A browser that signs in at the provider: follows it, fills in its forms, and stops where it is sent back to the page. */
export class Visitor {
  readonly #cookies = new Map<string, string>();

  /** The address that the provider sends to. */
  async signIn(address: string, name: string, page: string): Promise<string> {
    let next = await this.#go(address);
    for (let step = 0; step < 20; step += 1) {
      if (next.location?.startsWith(page) === true) return next.location;
      if (next.location !== null) next = await this.#go(new URL(next.location, address).href);
      else next = await this.#submit(next.text, name);
    }
    throw new Error(`the provider never sends back: ${next.text}`);
  }

  /** Presses the button that calls the sign-in off. */
  async cancel(address: string, page: string): Promise<string> {
    const first = await this.#go(address);
    let next = await this.#go(`${new URL(first.location ?? '', address).href}/abort`);
    while (next.location?.startsWith(page) !== true) next = await this.#go(new URL(next.location ?? '', address).href);
    return next.location;
  }

  async #submit(html: string, name: string): Promise<{ location: string | null; text: string }> {
    const action = /action="([^"]+)"/.exec(html)?.[1] ?? '';
    const prompt = /name="prompt" value="(\w+)"/.exec(html)?.[1] ?? '';
    return this.#go(action, new URLSearchParams({ prompt, login: name, password: 'any' }));
  }

  async #go(url: string, body?: URLSearchParams): Promise<{ location: string | null; text: string }> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const post = body === undefined ? {} : { method: 'POST', body };
    const answer = await fetch(url, { ...post, headers: { cookie }, redirect: 'manual' });
    for (const set of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      this.#cookies.set(name, value);
    }
    return { location: answer.headers.get('location'), text: await answer.text() };
  }
}
