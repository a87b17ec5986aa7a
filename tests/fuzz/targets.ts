import { createHmac } from 'node:crypto';
import { ROUTES } from '@icefall/master/http/routes/all';
import { buildServer } from '@icefall/master/http/server';
import type { Master } from '@icefall/master/master';
import {
  encodeOutputFrame,
  encodeRecord,
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR,
  STREAM,
  type WorkerMessage,
} from '@icefall/shared';
import { diceOf, Mutator } from './mutation.ts';

/** Something that takes input from outside. */
export interface Target {
  readonly name: string;
  /** Of so many inputs in all, how many are for it. */
  readonly share: number;
  /** Answers by what they were. */
  readonly taken?: Readonly<Record<string, number>>;
  /** Makes an input and hands it over. Throws for what must not happen. */
  send(): Promise<void> | void;
  close(): Promise<void>;
}

export const SECRET = 'fuzzed-secret';
const SENDER = '192.0.2.1';
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const person = { name: 'Ada', email: 'ada@example.org', username: 'ada' };
const id = 'a'.repeat(40);
const commit = { id, message: 'm', timestamp: '2025-06-02T13:00:00Z', url: 'https://h/c', author: person };
const commits = [{ ...commit, added: ['a'], modified: [], removed: [] }];
const push = {
  ...{ ref: 'refs/heads/main', before: 'b'.repeat(40), after: id, deleted: false, compare: 'https://h/x', commits },
  ...{ head_commit: commits[0], pusher: person, total_commits: 1, compare_url: 'https://h/x', object_kind: 'push' },
  repository: { clone_url: 'https://h/r.git', ssh_url: 'git@h:r.git', html_url: 'https://h/r', full_name: 'o/r' },
  project: { git_http_url: 'https://h/r.git', git_ssh_url: null, web_url: 'https://h/r', path_with_namespace: 'o/r' },
  ...{ user_name: 'Ada', user_email: 'a@h', checkout_sha: id, total_commits_count: 1 },
};
const BODIES = [
  json(push),
  json({ reason: 'r', owner: 'o', values: { variant: 'base' }, builders: ['linux'], priority: 3 }),
  json({
    repository: 'https://h/r',
    branch: 'main',
    revision: id,
    author: 'A',
    message: 'm',
    files: ['a'],
    commits: [],
  }),
  json({ enabled: false, reason: 'r' }),
  json({ user: 'ada', password: 'x' }),
  json({ name: 't', scopes: ['view'], expiresInDays: 5 }),
  json({ buildId: 1, stepNumber: 0, reason: 'r', force: true }),
];
const NAMES = [
  'force',
  'linux',
  'w1',
  'tree',
  '1',
  '2',
  '99',
  '-1',
  '%',
  '..',
  '%2e%2e%2f',
  'x'.repeat(500),
  '__proto__',
];

/** The REST API, with every route but streams, which do not end. */
export async function restTarget(master: Master, seed: number): Promise<Target> {
  const { app } = await buildServer(master, { host: '127.0.0.1', pageDirectory: '/nonexistent' });
  const dice = diceOf(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(dice() * of.length)] as T;
  const routes = ROUTES.filter(({ answer }) => !('media' in answer && answer.media === 'text/event-stream'));
  const bodies = new Mutator(BODIES, seed);
  const types = ['application/json', 'application/json; charset=utf-7', 'text/plain', 'multipart/form-data', ''];
  const taken: Record<string, number> = {};
  return {
    name: 'REST bodies',
    taken,
    share: 0.1,
    async send() {
      const { method, path } = pick(routes);
      const url =
        path.replace(/:\w+/g, () => pick(NAMES)) + (dice() < 0.3 ? `?limit=${pick(NAMES)}&before=${dice()}` : '');
      const headers = { 'content-type': dice() < 0.8 ? 'application/json' : pick(types) };
      const payload = method === 'GET' ? {} : { payload: bodies.next() };
      const { statusCode, body } = await app.inject({ method, url, headers, ...payload });
      taken[statusCode] = (taken[statusCode] ?? 0) + 1;
      // 503: the page is not built here, or a secret of a webhook is not there.
      if (statusCode >= 500 && statusCode !== 503) throw new Error(`${method} ${url} answered ${statusCode}: ${body}`);
    },
    close: () => app.close(),
  };
}

const DIALECTS = ['github', 'gitlab', 'gitea', 'generic', 'bitbucket'];
const EVENTS = ['push', 'pull_request', 'Push Hook', 'Tag Push Hook', 'Merge Request Hook', 'ping', ''];
const ANSWERED = new Set(['HookError', 'ChangeError']);

/** Deliveries of code hosts, most of them signed: what is not comes no further. */
export function webhookTarget(master: Master, seed: number): Target {
  const bodies = new Mutator(BODIES, seed);
  const dice = diceOf(seed + 1);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(dice() * of.length)] as T;
  return {
    name: 'webhooks',
    share: 0.2,
    send() {
      const body = bodies.next();
      const timestamp = String(Math.floor(master.core.now() / 1000));
      const timed = createHmac('sha256', SECRET).update(`${timestamp}.`).update(body).digest('hex');
      const signature = createHmac('sha256', SECRET).update(body).digest('hex');
      const event = pick(EVENTS);
      const signed = { 'x-hub-signature-256': `sha256=${signature}`, 'x-gitlab-token': SECRET };
      const generic = { 'x-icefall-timestamp': timestamp, 'x-icefall-signature': `sha256=${timed}` };
      const headers = {
        ...(dice() < 0.9 ? { ...signed, ...generic } : {}),
        ...{ 'x-github-event': event, 'x-gitlab-event': event, 'x-gitea-event': event, 'x-icefall-event': event },
        ...(dice() < 0.2 ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      };
      try {
        master.webhooks.receive(pick(DIALECTS), { headers, body, remoteAddress: SENDER, origin: SENDER });
      } catch (error) {
        if (!(error instanceof Error) || !ANSWERED.has(error.name)) throw error;
      }
    },
    close: () => Promise.resolve(),
  };
}

const hello: WorkerMessage = {
  kind: 'hello',
  protocol: { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR },
  ...{ storeId: 'store-fuzz', instanceId: 'instance-fuzz', startedAt: 1, greeting: 1 },
  info: {
    ...{ platform: 'linux', arch: 'x64', os: { name: 'L', id: 'l', version: '1' }, cpus: 1, memoryBytes: 1 },
    ...{ hostname: 'h', versions: {}, baseDirectory: '/w' },
  },
  commands: [{ commandId: 1, epoch: 1, state: 'running', firstOffset: 0, endOffset: 10 }],
};
const outcome = {
  ...{ reason: 'exited' as const, exitCode: 0, signal: null, error: null, values: {}, startedAt: 1, finishedAt: 2 },
};
const MESSAGES: readonly WorkerMessage[] = [
  hello,
  { kind: 'started', commandId: 1, epoch: 1, at: 1, pid: 1 },
  { kind: 'finished', commandId: 1, epoch: 1, endOffset: 0, outcome },
  { kind: 'leaving', reason: 'r' },
  { kind: 'error', code: 'c', message: 'm' },
];

/** One agent that may connect, and says anything: the connection is made anew when the master ends it. */
export function workerTarget(master: Master, seed: number): Target {
  const texts = new Mutator(MESSAGES.map(json), seed);
  const record = encodeRecord({ stream: STREAM.stdout, at: 1, data: Buffer.from('text\n') });
  const frame = (commandId: number) =>
    Buffer.from(encodeOutputFrame({ commandId, epoch: 1, offset: 0, payload: record }));
  const frames = new Mutator([frame(1), frame(2), Buffer.from(record)], seed);
  const dice = diceOf(seed + 2);
  let isOver = true;
  const wire = {
    peer: '192.0.2.9',
    send() {},
    ping() {},
    receivedBytes: () => 0,
    close() {
      isOver = true;
    },
    terminate() {
      isOver = true;
    },
  };
  let session = master.rooms.workers.accept('fuzzed', wire);
  return {
    name: 'worker messages',
    share: 0.7,
    send() {
      if (isOver || dice() < 0.01) {
        session.closed();
        isOver = false;
        session = master.rooms.workers.accept('fuzzed', wire);
        if (dice() < 0.8) session.received(JSON.stringify(hello));
      }
      if (dice() < 0.5) session.received(texts.next().toString());
      else session.receivedFrame(frames.next());
    },
    async close() {
      session.closed();
    },
  };
}
