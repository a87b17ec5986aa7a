import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from '../http/server.ts';
import { OPERATOR, PASSWORD, ROLES, siteWith } from '../http/test-access.ts';
import { addHistory } from '../http/test-history.ts';
import { TestSite } from '../http/test-site.ts';
import { run } from './program.ts';
import { fakeTerminal } from './testing/fake-terminal.ts';

/** What each verb of the command line needs of who runs it: read from the program's own list of verbs. */

/** `here`: it asks no master, or for nothing that somebody could lack the right to. */
type Needs = 'here' | 'view' | 'force' | 'admin' | 'own';
interface Verb {
  readonly args: readonly string[];
  readonly needs: Needs;
}
const here: Verb = { args: [], needs: 'here' };

const VERBS: Readonly<Record<string, Verb>> = {
  init: here,
  check: here,
  simulate: here,
  start: here,
  stop: here,
  backup: here,
  restore: here,
  verify: here,
  completion: here,
  'hook install': here,
  'hook flush': here,
  login: here,
  logout: here,
  whoami: { args: ['whoami'], needs: 'own' },
  plan: here,
  status: { args: ['status'], needs: 'view' },
  builders: { args: ['builders'], needs: 'view' },
  queue: { args: ['queue'], needs: 'view' },
  builds: { args: ['builds'], needs: 'view' },
  log: { args: ['log', '2'], needs: 'view' },
  locks: { args: ['locks'], needs: 'view' },
  'locks release': { args: ['locks', 'release', 'tree', '2.1', '--reason', 'x', '--force'], needs: 'admin' },
  'worker list': { args: ['worker', 'list'], needs: 'view' },
  'worker pause': { args: ['worker', 'pause', 'w1'], needs: 'admin' },
  'worker resume': { args: ['worker', 'resume', 'w1'], needs: 'admin' },
  'worker shutdown': { args: ['worker', 'shutdown', 'w1'], needs: 'admin' },
  'worker token issue': { args: ['worker', 'token', 'issue', 'w1'], needs: 'admin' },
  'worker token revoke': { args: ['worker', 'token', 'revoke', 'w1'], needs: 'admin' },
  'scheduler list': { args: ['scheduler', 'list'], needs: 'view' },
  'scheduler on': { args: ['scheduler', 'on', 'force'], needs: 'admin' },
  'scheduler off': { args: ['scheduler', 'off', 'force'], needs: 'admin' },
  // All of its builders, of which the forcer may force some.
  'scheduler run': { args: ['scheduler', 'run', 'force'], needs: 'admin' },
  reload: { args: ['reload'], needs: 'admin' },
  force: { args: ['force', 'force', '--builder', 'docs', '--set', 'variant=v1'], needs: 'force' },
  'stop-build': { args: ['stop-build', '2'], needs: 'admin' },
  rebuild: { args: ['rebuild', '2'], needs: 'admin' },
  cancel: { args: ['cancel', '2'], needs: 'admin' },
  sendchange: { args: ['sendchange', '--repository', 'r'], needs: 'admin' },
  'token create': { args: ['token', 'create', 'x', '--allow', 'view'], needs: 'admin' },
  'token list': { args: ['token', 'list'], needs: 'own' },
  'token revoke': { args: ['token', 'revoke', '999'], needs: 'own' },
  'user add': { args: ['user', 'add', 'zoe'], needs: 'admin' },
  'user passwd': { args: ['user', 'passwd', 'nobody'], needs: 'admin' },
  'user groups': { args: ['user', 'groups', 'nobody'], needs: 'admin' },
  'user disable': { args: ['user', 'disable', 'nobody'], needs: 'admin' },
  'user enable': { args: ['user', 'enable', 'nobody'], needs: 'admin' },
  'user list': { args: ['user', 'list'], needs: 'admin' },
  audit: { args: ['audit'], needs: 'admin' },
  deliveries: { args: ['deliveries'], needs: 'admin' },
  'deliveries redeliver': { args: ['deliveries', 'redeliver', '1'], needs: 'admin' },
  reporters: { args: ['reporters'], needs: 'admin' },
  reports: { args: ['reports'], needs: 'admin' },
  'reports resend': { args: ['reports', 'resend', '1'], needs: 'admin' },
  'projects list': { args: ['projects', 'list'], needs: 'view' },
  'projects show': { args: ['projects', 'show', 'widgets'], needs: 'view' },
  'projects read': { args: ['projects', 'read', 'widgets'], needs: 'admin' },
  'projects schema': here,
  'platform add': here,
  'platform remove': here,
  'platform list': here,
  'images render': here,
  'images dockerfile': here,
  'images schema': here,
  'k8s render': here,
};

/** What the command says when it is refused for who runs it. */
const REFUSED = /sign in on the page|may not do this|the token is unknown|only who may admin/;
const WHO = ['anonymous', 'viewer', 'forcer', 'admin', 'worker', 'revoked'] as const;
type Who = (typeof WHO)[number];
const MAY: Readonly<Record<Who, readonly Needs[]>> = {
  anonymous: [],
  viewer: ['view', 'own'],
  // What they view of it is for another test to say.
  forcer: ['view', 'force', 'own'],
  admin: ['view', 'force', 'admin', 'own'],
  worker: [],
  revoked: [],
};
/** These need to view everything. */
const WHOLE = ['projects list', 'projects show'];

let site: TestSite;
let server: HttpServer;
const tokens = new Map<Who, string>();
beforeAll(async () => {
  site = new TestSite(siteWith(ROLES));
  addHistory(site);
  const pageDirectory = join(site.directory, 'no-page');
  server = await startHttpServer(site.port, { port: 0, pageDirectory, operatorToken: OPERATOR });
  for (const [who, name] of [
    ['viewer', 'vic'],
    ['forcer', 'fay'],
    ['admin', 'ada'],
  ] as const) {
    await icefall(['user', 'add', name], OPERATOR);
    const made = await icefall(['login', name, '--json'], undefined);
    expect(made.code, made.err).toBe(0);
    const { token } = JSON.parse(readFileSync(join(site.directory, '.config/icefall/logins.json'), 'utf8'))[server.url];
    tokens.set(who, token);
  }
  tokens.set('revoked', (await icefall(['token', 'create', 'old', '--allow', 'admin'], OPERATOR)).out.trim());
  await icefall(['token', 'revoke', '4'], OPERATOR);
  tokens.set('worker', (await icefall(['worker', 'token', 'issue', 'w1'], OPERATOR)).out.trim());
});
afterAll(async () => {
  await server.close();
  await site[Symbol.asyncDispose]();
});

/** `home`: where a login may be stored. */
async function icefall(args: readonly string[], token: string | undefined, home = site.directory) {
  const env = { ICEFALL_URL: server.url, HOME: home, ICEFALL_TOKEN: token };
  const terminal = fakeTerminal({ env, secret: () => Promise.resolve(PASSWORD) });
  const code = await run(args, terminal);
  return { code, ...terminal.written };
}

/** Verbs as the help texts list them. */
async function verbsBelow(...path: readonly string[]): Promise<string[]> {
  const terminal = fakeTerminal({ columns: 1000 });
  await run([...path, '--help'], terminal);
  const help = terminal.written.out;
  if (!/^Usage: .*\[command\]/m.test(help)) return [path.join(' ')];
  const names = [...help.matchAll(/^ {2}([a-z][a-z0-9-]*) /gm)].map(([, name = '']) => name);
  return (await Promise.all(names.filter((name) => name !== 'help').map((name) => verbsBelow(...path, name)))).flat();
}

describe('the command line', () => {
  test('has no verb of which nobody has said who may use it', async () => {
    expect(
      (await verbsBelow()).filter((verb) => !(verb in VERBS)),
      'add the verb to VERBS',
    ).toEqual([]);
  });

  test('takes no token and no password as an argument, where everybody on the machine could read it', async () => {
    for (const verb of ['', ...Object.keys(VERBS)]) {
      const terminal = fakeTerminal({ columns: 1000 });
      await run([...verb.split(' ').filter((word) => word !== ''), '--help'], terminal);
      const taking = [...terminal.written.out.matchAll(/--[\w-]*(?:token|password|secret|key)[\w-]* <[\w-]+>/g)];
      // `--token-file <file>` takes the name of a file.
      expect(
        taking.map(([text]) => text).filter((text) => !text.endsWith(' <file>')),
        verb,
      ).toEqual([]);
    }
  });

  test.each(Object.entries(VERBS).filter(([, { args }]) => args.length > 0))(
    'lets do "%s" only those who may',
    async (verb, { args, needs }) => {
      for (const who of WHO) {
        const { code, err, out } = await icefall(args, tokens.get(who), '/nonexistent');
        const isRefused = REFUSED.test(err);
        const mayDo = MAY[who].includes(needs) && !(who === 'forcer' && WHOLE.includes(verb));
        const isOwnWord = verb === 'whoami' && who === 'anonymous';
        expect(isRefused, `${who}: icefall ${args.join(' ')} ends with ${code}: ${err}${out}`).toBe(
          !mayDo && !isOwnWord,
        );
        if (isRefused) expect(code).toBe(1);
      }
    },
  );
});

describe('a login with a token that was made on the page', () => {
  const home = () => join(site.directory, 'another-home');
  const withToken = async (token: string) => {
    const env = { ICEFALL_URL: server.url, HOME: home() };
    const terminal = fakeTerminal({ env, secret: () => Promise.resolve(`${token}\n`) });
    return { code: await run(['login', '--with-token'], terminal), ...terminal.written };
  };

  test('lets the command act as its person', async () => {
    expect(await withToken(tokens.get('viewer') ?? '')).toMatchObject({ code: 0, out: `${server.url}: you are vic\n` });
    expect((await icefall(['whoami'], undefined, home())).out).toContain('vic');
    expect((await icefall(['logout'], undefined, home())).code).toBe(0);
    expect((await icefall(['whoami'], tokens.get('viewer'))).err).toContain('the token is unknown');
  });

  test("takes none that is revoked, the operator's, or empty", async () => {
    expect((await withToken(tokens.get('revoked') ?? '')).err).toContain('the token is unknown');
    expect((await withToken(OPERATOR)).err).toContain('no API token');
    expect((await withToken('')).err).toContain('a token is needed');
  });
});
