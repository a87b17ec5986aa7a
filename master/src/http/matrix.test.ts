import { EVENT_KINDS, type EventKind } from '@icefall/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUILDER_PERMISSIONS, PERMISSIONS } from '../access/permissions.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes/all.ts';
import { AccessSite, bearer, type Headers, OPERATOR, PASSWORD } from './test-access.ts';
import { addBuildset } from './test-history.ts';
import { REPOSITORY } from './test-site.ts';

/**
 * Who gets in where: every route and every kind of event, as the code's own lists have them, for everybody there is. A
 * route that is new is asked here by its rule alone; one whose rule is changed has to be changed in TABLE, too.
 */

/** What a route asks of who uses it. */
type Rule = 'open' | 'signed in' | `${string} somewhere` | `${string} on all` | `${string} of it`;

/** The rules, written down a second time: nobody loosens one by accident. */
const TABLE: Readonly<Record<string, Rule>> = {
  live: 'open',
  ready: 'open',
  metrics: 'open',
  health: 'open',
  receiveHook: 'open',
  getCaller: 'open',
  signIn: 'open',
  login: 'open',
  beginVisit: 'open',
  endVisit: 'open',
  signOut: 'signed in',
  listTokens: 'signed in',
  createToken: 'signed in',
  revokeToken: 'signed in',
  setPassword: 'signed in',
  status: 'view somewhere',
  snapshot: 'view somewhere',
  events: 'view somewhere',
  listBuilders: 'view somewhere',
  getProjects: 'view somewhere',
  listBuilds: 'view somewhere',
  listRequests: 'view somewhere',
  listChanges: 'view somewhere',
  listSchedulers: 'view somewhere',
  listWorkers: 'view somewhere',
  listWorkerConnections: 'view somewhere',
  listLocks: 'view somewhere',
  listLockUses: 'view somewhere',
  getConfiguration: 'view on all',
  getPastConfiguration: 'view on all',
  getBuilder: 'view of it',
  getBuildByNumber: 'view of it',
  getBadge: 'view of it',
  getBuild: 'view of it',
  getRequest: 'view of it',
  getBuildset: 'view of it',
  getChange: 'view of it',
  getWorker: 'view of it',
  getLog: 'view of it',
  getLogLines: 'view of it',
  getLogText: 'view of it',
  downloadLog: 'view of it',
  followLog: 'view of it',
  searchLog: 'view of it',
  listLogMarks: 'view of it',
  searchBuild: 'view of it',
  listProjects: 'view on all',
  getProject: 'view on all',
  getPipelineSchema: 'open',
  readProject: 'reload on all',
  stopBuild: 'stop of it',
  cancelRequest: 'stop of it',
  rebuild: 'rebuild of it',
  force: 'force of it',
  previewForce: 'force of it',
  runScheduler: 'force of it',
  sendChange: 'sendChange on all',
  enableScheduler: 'switchScheduler on all',
  pauseWorker: 'pauseWorker on all',
  resumeWorker: 'pauseWorker on all',
  shutdownWorker: 'pauseWorker on all',
  releaseLock: 'releaseLock on all',
  drain: 'drain on all',
  reload: 'reload on all',
  issueWorkerToken: 'admin on all',
  revokeWorkerToken: 'admin on all',
  listUsers: 'admin on all',
  addUser: 'admin on all',
  disableUser: 'admin on all',
  setGroups: 'admin on all',
  listAudit: 'admin on all',
  listHookDeliveries: 'admin on all',
  redeliverHook: 'admin on all',
  listReporters: 'admin on all',
  listReports: 'admin on all',
  resendReport: 'admin on all',
};

function ruleOf({ access }: Route): Rule {
  if ('open' in access) return 'open';
  if ('signedIn' in access) return 'signed in';
  if ('of' in access) return `${access.may} of it`;
  return 'seen' in access ? `${access.may} somewhere` : `${access.may} on all`;
}

/** What is asked for: things of `docs`, and of `linux`, which the forcer does not see. */
const PARAMS = {
  docs: { id: '2', name: 'docs', number: '1', version: '1', file: 'docs.svg', dialect: 'gitea', provider: 'sso' },
  linux: { id: '1', name: 'linux', number: '1', version: '1', file: 'linux.svg', dialect: 'gitea', provider: 'sso' },
} as const;
/** Names that are of something else than a builder. */
const NAMED: readonly (readonly [prefix: string, docs: string, linux: string])[] = [
  ['/api/v1/workers/', 'w1', 'w2'],
  ['/api/v1/schedulers/', 'force', 'nightly'],
  ['/api/v1/locks/', 'tree', 'tree'],
  ['/api/v1/users/', 'nobody', 'nobody'],
  ['/api/v1/projects/', 'widgets', 'widgets'],
];
/** Ids that are of something else than a build: of no token at all, so that nobody loses theirs. */
const NUMBERED: typeof NAMED = [
  ['/api/v1/tokens/', '999', '999'],
  ['/api/v1/buildsets/', '1', '2'],
  ['/api/v1/changes/', '1', '2'],
];

function pathOf({ path }: Route, of: 'docs' | 'linux'): string {
  const values: Record<string, string> = { ...PARAMS[of] };
  for (const [name, list] of [
    ['name', NAMED],
    ['id', NUMBERED],
  ] as const) {
    const found = list.find(([prefix]) => path.startsWith(prefix));
    if (found !== undefined) values[name] = of === 'docs' ? found[1] : found[2];
  }
  const query = path.endsWith('/search') ? '?q=x' : '';
  return path.replace(/:(\w+)/g, (_all, name: string) => values[name] ?? '?') + query;
}

const WHO = ['anonymous', 'viewer', 'forcer', 'admin', 'revoked', 'worker', 'operator elsewhere'] as const;
type Who = (typeof WHO)[number];
/** Those who are shown the same door whatever they ask. */
const BAD_TOKEN: readonly Who[] = ['revoked', 'worker', 'operator elsewhere'];

let site: AccessSite;
const headers = new Map<Who, Headers>();
beforeAll(async () => {
  site = await AccessSite.open();
  // A change that only linux builds.
  const { id: changeId } = (await site.operate('/changes', { repository: REPOSITORY, revision: 'def' })).json;
  addBuildset(site.site, ['linux'], { changeIds: [changeId] });
  headers.set('anonymous', {});
  headers.set('viewer', await site.person('vic'));
  headers.set('forcer', await site.person('fay'));
  headers.set('admin', await site.person('ada'));
  const { id, token } = (await site.operate('/tokens', { name: 'old', allow: ['admin'] })).json;
  await site.operate(`/tokens/${id}/revoke`);
  headers.set('revoked', bearer(token));
  headers.set('worker', bearer('token-of-w1'));
  headers.set('operator elsewhere', bearer(OPERATOR));
});
afterAll(() => site[Symbol.asyncDispose]());

/** The status of a refusal by the rule; null: the rule lets them through, to whatever the handler says. */
function refusal({ name }: Route, who: Who, of: 'docs' | 'linux'): number | null {
  const rule = TABLE[name] ?? 'open';
  if (BAD_TOKEN.includes(who)) return 401;
  if (rule === 'open') return null;
  if (who === 'anonymous') return 401;
  if (rule === 'signed in' || who === 'admin') return null;
  const [permission = '', , scope] = rule.split(' ');
  if (who === 'viewer') return permission === 'view' ? null : 403;
  // The forcer of docs.
  if (permission !== 'view' && permission !== 'force') return 403;
  if (scope === 'all') return 403;
  if (rule.endsWith('somewhere')) return null;
  // The scheduler starts both builders.
  if (name === 'runScheduler' && of === 'docs') return 403;
  return of === 'docs' ? null : 404;
}

async function ask(route: Route, who: Who, of: 'docs' | 'linux'): Promise<{ status: number; code: string }> {
  const shown = route.name === 'signOut' ? await ofAnotherLogin(who) : headers.get(who);
  const answer = site.ask({
    method: route.method,
    url: pathOf(route, of),
    headers: shown ?? {},
    ...(route.method === 'POST'
      ? { payload: ['force', 'previewForce'].includes(route.name) ? { builders: [of] } : {} }
      : {}),
  });
  if (isStream(route)) await endStreams();
  const { status, json } = await answer;
  return { status, code: String(json?.error?.code ?? '') };
}

function isStream({ answer }: Route): boolean {
  return 'media' in answer && answer.media === 'text/event-stream';
}

/** A stream does not end by itself. */
async function endStreams(): Promise<void> {
  // Asked after it, so answered after it has begun.
  await site.get('/health');
  site.client.door.sse.close();
}

/** Who signs out has to come in again. */
async function ofAnotherLogin(who: Who): Promise<Headers | undefined> {
  const user = { viewer: 'vic', forcer: 'fay', admin: 'ada' }[who as string];
  if (user === undefined) return headers.get(who);
  return bearer((await site.post('/login', { user, password: PASSWORD })).json.token);
}

/** What fastify says that it serves: a tree of pieces of paths, each with its methods. */
function servedRoutes(tree: string): string[] {
  const above: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', piece = '', methods = ''] = /^(.*?)[├└]── (\S+)(?: \((.*)\))?$/.exec(line) ?? [];
    above.splice(indent.length / 4, above.length, piece);
    const asked = methods.split(', ').filter((method) => method !== '' && method !== 'HEAD');
    return asked.map((method) => `${method} ${above.join('')}`);
  });
}

describe('the routes', () => {
  test('all have a rule, which is the one of the table', () => {
    const known = ROUTES.filter(({ name }) => name in TABLE);
    expect(Object.fromEntries(known.map((route) => [route.name, ruleOf(route)]))).toEqual(
      Object.fromEntries(known.map(({ name }) => [name, TABLE[name]])),
    );
    const unknown = ROUTES.filter(({ name }) => !(name in TABLE)).map(({ name }) => name);
    expect(unknown, 'add the new route to TABLE, with the rule that it is to have').toEqual([]);
  });

  test('are all that the server has, beside the document that describes them', () => {
    const served = servedRoutes(site.client.app.printRoutes({ commonPrefix: false }));
    const declared = ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect(served.filter((one) => !declared.includes(one))).toEqual(['GET /api/v1/openapi.json']);
    expect(declared.filter((one) => !served.includes(one))).toEqual([]);
  });

  test('ask for the same of a HEAD as of a GET', async () => {
    for (const route of ROUTES.filter(({ method, answer }) => method === 'GET' && 'json' in answer)) {
      const { status } = await site.ask({ method: 'HEAD', url: pathOf(route, 'docs') });
      expect(status === 401, route.name).toBe(TABLE[route.name] !== 'open');
    }
  });

  test.each(ROUTES.map((route) => [route.name, route] as const))(
    '%s lets in only whom its rule names',
    async (_name, route) => {
      for (const who of WHO)
        for (const of of ['docs', 'linux'] as const) {
          const expected = refusal(route, who, of);
          const { status, code } = await ask(route, who, of);
          const what = `${who}: ${route.method} ${pathOf(route, of)} answers ${status} ${code}`;
          if (expected !== null) expect(status, what).toBe(expected);
          else expect(['sign_in_needed', 'denied', 'bad_token'].includes(code), what).toBe(false);
          expect(code === 'bad_token', what).toBe(BAD_TOKEN.includes(who));
        }
    },
  );
});

/** Of each kind, what belongs to `docs` and what to `linux`. `worker`, `lock`: those that only linux uses. */
const KEYS: Readonly<Record<EventKind, readonly [docs: string | null, linux: string | null]>> = {
  change: ['1', '2'],
  buildset: ['1', '2'],
  request: ['2', '1'],
  build: ['2', '1'],
  step: ['2.0', '1.0'],
  builder: ['docs', 'linux'],
  worker: ['w1', 'w2'],
  lock: ['tree', 'disk@w2'],
  scheduler: ['force', 'nightly'],
  config: ['', null],
};

describe('the events', () => {
  test.each(EVENT_KINDS)('of kind %s go to whom may view what they are of', async (kind) => {
    const [docs, linux] = KEYS[kind];
    const refused = { status: 401, keys: [] };
    const told = (...keys: readonly (string | null)[]) => ({ status: 200, keys: keys.filter((key) => key !== null) });
    const expected: Readonly<Record<Who, typeof refused | ReturnType<typeof told>>> = {
      ...{ anonymous: refused, revoked: refused, worker: refused, 'operator elsewhere': refused },
      ...{ viewer: told(docs, linux), forcer: told(docs), admin: told(docs, linux) },
    };
    for (const who of WHO) expect(await toldOf(kind, headers.get(who) ?? {}), who).toEqual(expected[who]);
  });

  test.each(EVENT_KINDS)('of kind %s go no more to whose token is revoked while they read', async (kind) => {
    const { id, token } = (await site.operate('/tokens', { name: 'reader', allow: ['view'] })).json;
    const { status, keys } = await toldOf(kind, bearer(token), () => site.operate(`/tokens/${id}/revoke`));
    expect([status, keys]).toEqual([200, []]);
  });
});

/** Opens the stream, has things of a kind change, and gives what was told of it. */
async function toldOf(kind: EventKind, shown: Headers, before = () => Promise.resolve<unknown>(null)) {
  const { core } = site.site;
  const stream = site.ask({ url: '/api/v1/events', headers: shown });
  await site.get('/health');
  await before();
  core.turn(() => {
    for (const key of KEYS[kind]) if (key !== null) core.touch(kind, key);
  });
  site.site.settle();
  await endStreams();
  const { status, text } = await stream;
  return { status, keys: [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? '').key) };
}

test('no permission is without a route that asks for it', () => {
  const asked = new Set(ROUTES.flatMap(({ access }) => ('may' in access ? [access.may] : [])));
  expect(PERMISSIONS.filter((permission) => !asked.has(permission))).toEqual([]);
  const perBuilder = ROUTES.flatMap(({ access }) => ('of' in access ? [access.may] : []));
  expect(perBuilder.filter((permission) => !(permission in BUILDER_PERMISSIONS))).toEqual([]);
});
