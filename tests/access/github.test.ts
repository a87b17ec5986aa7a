import { writeFileSync } from 'node:fs';
import type { AccessOptions } from '@icefall/master/config';
import { AccessSite } from '@icefall/master/http/test-access';
import type { TestAnswer } from '@icefall/master/http/test-client';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { groundOfFile } from '../support/vitest.ts';
import { GitHubDouble, type GitHubPerson } from './github-double.ts';

const PAGE = 'https://ci.example.org';
const SECRET = 'the client secret of the test';
const ROLES: AccessOptions['roles'] = {
  reader: { allow: ['view'], members: { groups: ['example'] } },
  keeper: { allow: ['drain'], members: { groups: ['example/keepers'] } },
  ops: { allow: ['pauseWorker'], members: { mailDomains: ['ops.example.org'] } },
  foreign: { allow: ['admin'], members: { groups: ['elsewhere', 'elsewhere/keepers'] } },
  owner: { allow: ['reload'], members: { users: ['github:grace'] } },
};
const GRACE: GitHubPerson = {
  ...{ id: 7, login: 'grace', organisations: { Example: 'active', elsewhere: 'active' } },
  mails: [
    { email: 'old@ops.example.org', primary: false, verified: true },
    { email: 'grace@ops.example.org', primary: true, verified: true },
  ],
  teams: ['Example/keepers', 'elsewhere/keepers'],
};

describe('people of GitHub', () => {
  const ground = groundOfFile();
  let github: GitHubDouble;
  let site: AccessSite;
  beforeAll(async () => {
    writeFileSync(ground.path('client.secret'), SECRET);
    github = await GitHubDouble.start(ground, GRACE, { id: 'icefall', secret: SECRET });
  });
  beforeEach(async () => {
    github.person = GRACE;
    await open(github.url);
  });

  async function open(url: string, file = 'client.secret'): Promise<void> {
    const clientSecret = { file: ground.path(file) };
    const declared = { type: 'github', url, clientId: 'icefall', clientSecret, organisations: ['example'] } as const;
    const opened = await AccessSite.open({ roles: ROLES, signIn: { providers: { github: declared } } }, PAGE);
    onTestFinished(() => opened[Symbol.asyncDispose]());
    site = opened;
  }

  const kept = (answer: TestAnswer, name: string) =>
    [answer.headers['set-cookie']]
      .flat()
      .map(String)
      .find((one) => one.startsWith(`${name}=`))
      ?.split(';', 1)[0] ?? '';

  /** Where they end, and what they may do there. */
  async function signIn(change = (address: string) => address): Promise<{ end: string; may: unknown[] }> {
    const begun = await site.get('/session/with/github');
    const address = (await fetch(String(begun.headers.location), { redirect: 'manual' })).headers.get('location') ?? '';
    const url = change(address).slice(PAGE.length);
    const end = await site.ask({ url, headers: { cookie: kept(begun, 'icefall_visit') } });
    const { json } = await site.get('/session', { cookie: kept(end, 'icefall_session') });
    const may = json.grants.map(({ permission }: { permission: string }) => permission);
    return { end: String(end.headers.location), may: [json.name, ...may] };
  }

  test("have their organisations and teams as groups, those that the site names only, and their primary mail's domain", async () => {
    expect(await signIn()).toEqual({ end: '/', may: ['github:grace', 'view', 'pauseWorker', 'drain', 'reload'] });
  });

  test('are members of what they have joined, not of what they were asked to join', async () => {
    github.person = { ...GRACE, organisations: { Example: 'pending', elsewhere: 'active' } };
    expect(await signIn()).toEqual({ end: '/?signIn=bad_login', may: [null] });
    github.person = { ...GRACE, organisations: {} };
    expect((await signIn()).end).toBe('/?signIn=bad_login');
  });

  test('get nothing from an address that is not verified, or not their primary one', async () => {
    github.person = { ...GRACE, mails: GRACE.mails.map((mail) => ({ ...mail, verified: !mail.primary })) };
    expect((await signIn()).may).not.toContain('pauseWorker');
  });

  test('have all their teams, on whatever page of the list', async () => {
    const others = Array.from({ length: 150 }, (_, i) => `Example/team-${i}`);
    github.person = { ...GRACE, teams: [...others, 'Example/keepers'] };
    expect((await signIn()).may).toContain('drain');
  });

  test('come back with an answer to our own question only', async () => {
    expect((await signIn((address) => address.replace(/state=[^&]+/, 'state=x'))).end).toBe('/?signIn=sign_in_expired');
    expect((await signIn((address) => address.replace(/code=[^&]+/, 'code=x'))).end).toBe('/?signIn=sign_in_expired');
    expect((await signIn((address) => address.replace(/code=[^&]+/, 'error=access_denied'))).end).toBe(
      '/?signIn=sign_in_cancelled',
    );
    // A code that was got hold of is of no use without what the browser keeps.
    const stolen = await site.get('/session/with/github');
    const address =
      (await fetch(String(stolen.headers.location), { redirect: 'manual' })).headers.get('location') ?? '';
    const code = new URL(address).searchParams.get('code') ?? '';
    expect((await signIn((own) => own.replace(/code=[^&]+/, `code=${code}`))).end).toBe('/?signIn=sign_in_expired');
  });

  test('cannot come in with the wrong client secret, or while GitHub cannot be asked; the operator is told', async () => {
    writeFileSync(ground.path('wrong.secret'), 'another secret than theirs');
    await open(github.url, 'wrong.secret');
    expect((await signIn()).end).toBe('/?signIn=sign_in_unavailable');
    expect(site.site.complaints.join()).toContain('client_secret passed are incorrect');
    expect(site.site.complaints.join()).not.toContain('another secret');
  });
});
