import { createHmac } from 'node:crypto';
import { START } from '../schedulers/test-room.ts';

/** For tests: deliveries in the shape that each code host documents, cut down to what is told of a push. */
export const SECRET = 'a secret';
export const [BEFORE, ONE, TWO, ZERO] = ['b'.repeat(40), '1'.repeat(40), '2'.repeat(40), '0'.repeat(40)] as const;

export interface Delivery {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

export function commit(
  id: string,
  message: string,
  files: Partial<Record<'added' | 'modified' | 'removed', string[]>>,
) {
  return {
    id,
    message,
    timestamp: '2025-06-02T13:00:00+02:00',
    url: `https://host.example/org/scripts/commit/${id}`,
    author: { name: 'Ada', email: 'ada@example.org', username: 'ada' },
    committer: { name: 'Grace', email: 'grace@example.org', username: 'grace' },
    added: [],
    modified: [],
    removed: [],
    ...files,
  };
}

const one = commit(ONE, 'One', { added: ['b'], removed: ['c'] });
const two = commit(TWO, 'Two\n\nWith a body.\n', { modified: ['a'] });
const repository = {
  id: 1,
  full_name: 'org/scripts',
  html_url: 'https://host.example/org/scripts',
  ssh_url: 'git@host.example:org/scripts.git',
  clone_url: 'https://host.example/org/scripts.git',
  default_branch: 'main',
};

const hubPush = {
  ref: 'refs/heads/main',
  before: BEFORE,
  after: TWO,
  created: false,
  deleted: false,
  forced: false,
  base_ref: null,
  compare: 'https://host.example/org/scripts/compare/bbb...222',
  commits: [one, two],
  head_commit: two,
  repository,
  pusher: { name: 'ada', email: 'ada@example.org' },
  sender: { login: 'ada', id: 1 },
};

const PAYLOADS = {
  github: hubPush,
  generic: hubPush,
  gitea: {
    ref: 'refs/heads/main',
    before: BEFORE,
    after: TWO,
    compare_url: 'https://host.example/org/scripts/compare/bbb...222',
    commits: [two, one],
    total_commits: 2,
    head_commit: two,
    repository,
    pusher: { id: 1, login: 'ada', full_name: '', email: 'ada@example.org' },
  },
  gitlab: {
    object_kind: 'push',
    event_name: 'push',
    before: BEFORE,
    after: TWO,
    ref: 'refs/heads/main',
    checkout_sha: TWO,
    user_name: 'Ada',
    user_email: 'ada@example.org',
    project: {
      id: 1,
      web_url: 'https://host.example/org/scripts',
      git_ssh_url: 'git@host.example:org/scripts.git',
      git_http_url: 'https://host.example/org/scripts.git',
      path_with_namespace: 'org/scripts',
    },
    commits: [one, two].map(({ committer: _, ...rest }) => rest),
    total_commits_count: 2,
  },
};

/** A push of two commits to main, with some fields different. */
export function delivery(
  dialect: keyof typeof PAYLOADS,
  different: object = {},
  headers: Record<string, string> = {},
): Delivery {
  return signed(dialect, Buffer.from(JSON.stringify({ ...PAYLOADS[dialect], ...different })), headers);
}

/** Signs a body as the host does. */
export function signed(dialect: keyof typeof PAYLOADS, body: Buffer, headers: Record<string, string> = {}): Delivery {
  const hmac = createHmac('sha256', SECRET).update(body).digest('hex');
  const timestamp = String(Math.floor(START / 1000));
  const timed = createHmac('sha256', SECRET).update(`${timestamp}.`).update(body).digest('hex');
  const own = {
    generic: {
      'X-Icefall-Timestamp': timestamp,
      'X-Icefall-Event': 'push',
      'X-Icefall-Delivery': 'd1',
      'X-Icefall-Signature': `sha256=${timed}`,
    },
    github: { 'X-GitHub-Event': 'push', 'X-GitHub-Delivery': 'd1', 'X-Hub-Signature-256': `sha256=${hmac}` },
    gitea: { 'X-Gitea-Event': 'push', 'X-Gitea-Delivery': 'd1', 'X-Gitea-Signature': hmac },
    gitlab: { 'X-Gitlab-Event': 'Push Hook', 'X-Gitlab-Event-UUID': 'd1', 'X-Gitlab-Token': SECRET },
  }[dialect];
  const all = { 'Content-Type': 'application/json', ...own, ...headers };
  return { headers: Object.fromEntries(Object.entries(all).map(([name, v]) => [name.toLowerCase(), v])), body };
}
