import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { RECHECK_MS } from '@icefall/master/access/sign-ins';
import type { AccessOptions, LdapOptions } from '@icefall/master/config';
import { AccessSite, bearer, cookieOf, OPERATOR, PASSWORD } from '@icefall/master/http/test-access';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { TestAuthority } from '../support/authority.ts';
import { lacking } from '../support/debian-programs.ts';
import { close, listen, portOf } from '../support/ports.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { groundOfFile } from '../support/vitest.ts';
import { ACCOUNT, ACCOUNT_PASSWORD, GROUPS, PEOPLE, Slapd } from './slapd.ts';

const without = lacking('slapd', 'slapadd', 'openssl');
const GRACE = {
  uid: 'grace',
  password: 'nanoseconds are short',
  mail: 'grace@ops.example.org',
  groups: ['keepers', 'navy'],
};
const ALAN = { uid: 'alan', password: 'the tape is not infinite', groups: ['navy'] };
const ROLES: AccessOptions['roles'] = {
  reader: { allow: ['view'], members: { groups: ['navy'] } },
  keeper: { allow: ['drain'], members: { groups: ['keepers'] } },
  ops: { allow: ['pauseWorker'], members: { mailDomains: ['ops.example.org'] } },
  admin: { allow: ['admin'], members: { users: ['ada'] } },
};

/** What a message asks: it comes in one piece, and begins with its length and a number of one byte (RFC 4511, section 4.1.1). */
function questionOf(message: Buffer): string {
  const length = message[1] ?? 0;
  const head = 2 + (length < 0x80 ? 0 : length & 0x7f) + 3;
  return { 96: 'bind', 99: 'search' }[message[head] ?? 0] ?? message.toString('hex');
}

describe.skipIf(without !== '')(`people of an LDAP directory${without}`, () => {
  const ground = groundOfFile();
  let authority: TestAuthority;
  let slapd: Slapd;
  let site: AccessSite;

  beforeAll(async () => {
    authority = new TestAuthority(ground.path('ca'));
    slapd = await Slapd.start(ground, authority, [GRACE, ALAN]);
    writeFileSync(ground.path('account.password'), `${ACCOUNT_PASSWORD}\n`);
  });

  const searching = (): LdapOptions => ({
    servers: [slapd.plain],
    ca: authority.file,
    people: {
      base: PEOPLE,
      account: { dn: ACCOUNT, password: { file: ground.path('account.password') } },
      mail: 'mail',
    },
    groups: { base: GROUPS },
  });
  async function open(ldap: LdapOptions): Promise<AccessSite> {
    const opened = await AccessSite.open({ roles: ROLES, signIn: { ldap } });
    onTestFinished(() => opened[Symbol.asyncDispose]());
    site = opened;
    return opened;
  }
  const signIn = (user: string, password: string) => site.post('/session', { user, password });
  const outcome = async (user: string, password: string) => {
    const { status, json } = await signIn(user, password);
    return status === 200
      ? [json.name, ...json.grants.map((grant: { permission: string }) => grant.permission)]
      : [status, json.error.code];
  };
  /** What the operator reads of the newest refusal. */
  const reason = () =>
    String(site.site.core.db.one<{ detail: string }>('SELECT detail FROM audit ORDER BY id DESC LIMIT 1')?.detail);

  test('are found by the account that searches, over StartTLS, with groups by a search and their mail', async () => {
    await open(searching());
    expect(await outcome('grace', GRACE.password)).toEqual(['grace', 'view', 'pauseWorker', 'drain']);
    expect(await outcome('alan', ALAN.password)).toEqual(['alan', 'view']);
    // As the directory writes it, however it was typed: there are no two accounts of one person.
    expect(await outcome('GRACE', GRACE.password)).toEqual(['grace', 'view', 'pauseWorker', 'drain']);
    const { json } = await site.ask({ url: '/api/v1/users', local: true, headers: bearer(OPERATOR) });
    expect(json.users).toMatchObject([
      { name: 'alan', source: 'ldap', groups: ['navy'] },
      { name: 'grace', source: 'ldap' },
    ]);
  });

  test('are found over ldaps, with groups by memberOf, and by their own entry', async () => {
    await open({ ...searching(), servers: [slapd.secure], groups: { memberOfBelow: GROUPS } });
    expect(await outcome('alan', ALAN.password)).toEqual(['alan', 'view']);
    await open({
      ...{ servers: [slapd.secure], ca: authority.file },
      people: { dn: `uid={name},${PEOPLE}`, mail: 'mail' },
      groups: { memberOfBelow: GROUPS },
    });
    expect(await outcome('grace', GRACE.password)).toEqual(['grace', 'view', 'pauseWorker', 'drain']);
  });

  test.each([
    ['a wrong password', 'grace', 'a wild guess', 'wrong_password'],
    ['a name that nobody has', 'nobody', 'wrong', 'no_entry'],
    ['a name that is a filter for all', '*', GRACE.password, 'no_entry'],
    ['a name that ends the filter', 'grace)(|(uid=*', GRACE.password, 'no_entry'],
    ['a name that widens the filter', '*)(uid=*))(|(uid=*', GRACE.password, 'no_entry'],
    ['a name with a NUL', 'grace\0', GRACE.password, 'no_entry'],
  ])('are told the same of %s; the operator is told which', async (_what, name, password, code) => {
    await open(searching());
    const answer = await signIn(name, password);
    expect([answer.status, answer.json.error]).toEqual([
      401,
      { code: 'bad_login', message: 'the name or the password is wrong' },
    ]);
    expect(reason()).toContain(code);
    expect(reason()).not.toContain(password);
  });

  test('cost the directory the same questions, whether or not anybody has the name: time tells no names', async () => {
    const asked: string[] = [];
    const proxy = await TcpProxy.start(ground, Number(new URL(slapd.plain).port), (piece) =>
      asked.push(questionOf(piece)),
    );
    const people = { ...searching().people, filter: '(|(uid={name})(objectClass={name}))' };
    await open({ servers: [`ldap://127.0.0.1:${proxy.port}`], protection: 'none', people });
    const questions = async (name: string) => {
      asked.length = 0;
      const [status, code] = await outcome(name, 'a wild guess');
      expect([status, code]).toEqual([401, 'bad_login']);
      return [...asked];
    };
    for (const name of ['grace', 'nobody', 'inetOrgPerson'])
      expect(await questions(name), name).toEqual(['bind', 'search', 'bind']);
  });

  test.each([`alan,${PEOPLE}`, 'grace,ou=people', 'grace+cn=grace', '*', 'grace\\', '"grace"', '#grace'])(
    'with the name %j are nobody: it is no part of the name of an entry',
    async (name) => {
      await open({ servers: [slapd.secure], ca: authority.file, people: { dn: `uid={name},${PEOPLE}` } });
      const [status, code] = await outcome(name, GRACE.password);
      expect([status, code]).toEqual([401, 'bad_login']);
    },
  );

  test('are not let in by an empty password, which a server takes for nobody in particular', async () => {
    await open(searching());
    expect((await signIn('grace', '')).status).toBe(422);
    await expect(site.client.door.access.signIns.byPassword('grace', '', '192.0.2.1')).rejects.toMatchObject({
      code: 'bad_login',
    });
  });

  test('are asked of the next server where the first does not answer, or is not who it says', async () => {
    const dead = await listen(0);
    const port = portOf(dead);
    await close(dead);
    await open({ ...searching(), servers: [`ldap://127.0.0.1:${port}`, slapd.plain] });
    expect((await outcome('alan', ALAN.password))[0]).toBe('alan');
    await open({ ...searching(), servers: [`ldap://127.0.0.1:${port}`] });
    expect(await outcome('alan', ALAN.password)).toEqual([503, 'sign_in_unavailable']);
    expect(reason()).toContain('unreachable');
    expect(site.site.complaints.join()).toContain('ECONNREFUSED');
  });

  test('get no password out to a server whose certificate is of another authority, or of another name', async () => {
    const other = new TestAuthority(ground.path(`other-${Date.now()}`));
    for (const server of [slapd.plain, slapd.secure]) {
      await open({ ...searching(), servers: [server], ca: other.file });
      expect(await outcome('grace', GRACE.password)).toEqual([503, 'sign_in_unavailable']);
      expect(reason()).toContain('untrusted');
    }
    await open({ ...searching(), servers: [slapd.secure.replace('127.0.0.1', 'localhost')] });
    expect(await outcome('grace', GRACE.password)).toEqual([503, 'sign_in_unavailable']);
    expect(reason()).toContain('untrusted');
  });

  test('get no password out to a server that does not start TLS, or says more than that in front of it', async () => {
    const success = Buffer.from('300c02010178070a010004000400', 'hex');
    // The beginning of "your bind has succeeded", which would be read on behind the protection.
    const slipped = Buffer.concat([success, Buffer.from('300c0201016107', 'hex')]);
    const refused = Buffer.from('300c02010178070a013404000400', 'hex');
    const answers: readonly (readonly [Buffer, string])[] = [
      [refused, 'give its ldaps:// address'],
      [slipped, 'more came than its answer'],
      [Buffer.from('hello'), 'its answer is none'],
      [Buffer.from('30840fffffff', 'hex'), 'its answer is none'],
    ];
    for (const [answer, why] of answers) {
      const heard: Buffer[] = [];
      const sockets = new Set<Socket>();
      const fake = await listen(
        0,
        createServer((socket) => {
          sockets.add(
            socket
              .on('data', (piece) => {
                heard.push(piece);
                socket.write(answer);
              })
              .on('error', () => {}),
          );
        }),
      );
      onTestFinished(async () => {
        for (const socket of sockets) socket.destroy();
        await close(fake);
      });
      await open({ ...searching(), servers: [`ldap://127.0.0.1:${portOf(fake)}`] });
      expect(await outcome('grace', GRACE.password)).toEqual([503, 'sign_in_unavailable']);
      expect(reason()).toContain(why);
      const all = Buffer.concat(heard).toString('latin1');
      expect(all).toContain('1.3.6.1.4.1.1466.20037');
      expect(all).not.toContain(GRACE.password);
      expect(all).not.toContain(ACCOUNT_PASSWORD);
    }
  });

  test('are not waited for longer than the site says', async () => {
    const silent = await listen(0);
    onTestFinished(() => close(silent));
    await open({ ...searching(), servers: [`ldap://127.0.0.1:${portOf(silent)}`], timeout: '2s' });
    const answer = outcome('grace', GRACE.password);
    // The site's own time: nothing is waited for in the test.
    await site.get('/health');
    site.site.clock.advance(2000);
    expect(await answer).toEqual([503, 'sign_in_unavailable']);
    expect(reason()).toContain('did not answer within 2 s');
  });

  test('cannot come in while the account that searches is refused, and the operator hears why', async () => {
    writeFileSync(ground.path('stale.password'), 'old\n');
    const people = { base: PEOPLE, account: { dn: ACCOUNT, password: { file: ground.path('stale.password') } } };
    await open({ ...searching(), people });
    expect(await outcome('grace', GRACE.password)).toEqual([503, 'sign_in_unavailable']);
    expect(site.site.complaints.join()).toContain(`refuses the account ${ACCOUNT}`);
    expect(site.site.complaints.join()).not.toContain('old');
  });

  test('do not get the account of somebody who has a password here, though they have the same name', async () => {
    await open(searching());
    await site.operate('/users', { name: 'grace', password: PASSWORD });
    expect(await outcome('grace', GRACE.password)).toEqual([401, 'bad_login']);
    expect(await outcome('Grace', GRACE.password)).toEqual([401, 'bad_login']);
    expect(reason()).toContain('whom local recognises');
    expect((await outcome('grace', PASSWORD))[0]).toBe('grace');
  });

  test('who are disabled here are kept out, and have no password here to change', async () => {
    await open(searching());
    await signIn('grace', GRACE.password);
    expect((await site.operate('/users/grace/password', { password: PASSWORD })).json.error.code).toBe('bad_account');
    await site.operate('/users/grace/disable', { disabled: true });
    expect(await outcome('grace', GRACE.password)).toEqual([401, 'bad_login']);
  });

  test('lose their rights with their groups, and their sessions; and everything when they have gone', async () => {
    await open(searching());
    onTestFinished(() => slapd.replace([GRACE, ALAN]));
    const { json, ...answer } = await signIn('grace', GRACE.password);
    const cookie = cookieOf({ json, ...answer });
    const made = await site.post('/tokens', { name: 'mine', mine: true }, { ...cookie, 'x-icefall-csrf': json.csrf });
    const token = bearer(made.json.token);
    const alan = cookieOf(await signIn('alan', ALAN.password));

    await slapd.replace([{ ...GRACE, groups: ['navy'] }, ALAN]);
    site.site.clock.advance(RECHECK_MS + 1);
    await site.client.door.access.signIns.recheck();
    expect((await site.get('/session', cookie)).json.kind).toBe('anonymous');
    const { grants } = (await site.get('/session', token)).json;
    expect(grants.map((grant: { permission: string }) => grant.permission)).toEqual(['view', 'pauseWorker']);
    expect((await site.get('/session', alan)).json.name).toBe('alan');

    await slapd.replace([ALAN]);
    site.site.clock.advance(RECHECK_MS + 1);
    await site.client.door.access.signIns.recheck();
    expect((await site.get('/session', token)).json.error.code).toBe('bad_token');
    expect((await site.get('/session', alan)).json.name).toBe('alan');
  });

  test('are believed for a while when the directory cannot be asked any more, and no longer', async () => {
    await open({ ...searching(), believedFor: '1h' });
    onTestFinished(() => slapd.begin());
    const cookie = cookieOf(await signIn('grace', GRACE.password));
    await slapd.stop();
    site.site.clock.advance(RECHECK_MS + 1);
    await site.client.door.access.signIns.recheck();
    expect((await site.get('/session', cookie)).json.name).toBe('grace');
    expect(site.site.complaints.join()).toContain('could not be asked again');
    site.site.clock.advance(60 * 60_000);
    expect((await site.get('/session', cookie)).json.kind).toBe('anonymous');
  });

  test('leave no password in the database', async () => {
    await open(searching());
    await signIn('grace', GRACE.password);
    await signIn('grace', 'wrong nanoseconds');
    const tables = ['users', 'sessions', 'audit', 'api_tokens'].map((table) =>
      site.site.core.db.all(`SELECT * FROM ${table}`),
    );
    expect(JSON.stringify(tables)).not.toMatch(/nanoseconds|account that searches/);
  });
});
