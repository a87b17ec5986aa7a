import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { gitPoller, HOOK_DIALECTS, type HookDialect, type WebhookOptions, webhook } from '../config/changes.ts';
import { anyBranchScheduler } from '../config/schedulers.ts';
import type { SiteOptions } from '../config/site.ts';
import { linux, TestRoom } from '../schedulers/test-room.ts';
import { MOST_COMMITS, MOST_FILES } from './git-commits.ts';
import { HookError } from './hook-error.ts';
import { BEFORE, commit, type Delivery, delivery, ONE, SECRET, signed, TWO, ZERO } from './test-deliveries.ts';
import { temporaryDirectory } from './test-repository.ts';
import { LONGEST_HOOK_BODY_BYTES, Webhooks } from './webhooks.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const all = anyBranchScheduler({ name: 'all', builders: [linux] });
const CLONE = 'https://host.example/org/scripts.git';
const SSH = 'git@host.example:org/scripts.git';

function setUp(dialect: HookDialect, options: WebhookOptions = {}, more: Partial<SiteOptions> = {}) {
  vi.stubEnv('HOOK_SECRET', SECRET);
  const source = webhook(dialect, { secrets: [{ env: 'HOOK_SECRET' }], ...options });
  const room = TestRoom.started(more.schedulers ?? [all], { changeSources: [source, ...(more.changeSources ?? [])] });
  const webhooks = new Webhooks(room.core, room.config, room.changes);
  const receive = ({ headers, body }: Delivery, from: string | null = null) =>
    webhooks.receive(dialect, { headers, body, remoteAddress: from, origin: from });
  return { room, webhooks, receive };
}

const bare = (body: Buffer) => ({ headers: {}, body, remoteAddress: null, origin: null });

function refused(work: () => unknown): HookError {
  try {
    work();
  } catch (error) {
    if (error instanceof HookError) return error;
    throw error;
  }
  throw new Error('the request was taken');
}

describe.each(HOOK_DIALECTS)('a push told by %s', (dialect) => {
  test('is one change with all its commits, oldest first, and is built once', () => {
    const { room, receive } = setUp(dialect, { codebase: 'code', project: 'p' });
    expect(receive(delivery(dialect))).toEqual({ changeIds: [1], ignored: null });
    expect(room.change(1)).toMatchObject({
      repository: CLONE,
      branch: 'main',
      revision: TWO,
      author: 'Ada <ada@example.org>',
      committer: dialect === 'gitlab' ? null : 'Grace <grace@example.org>',
      message: 'Two\n\nWith a body.',
      files: ['a', 'b', 'c'],
      commits: [
        { revision: ONE, message: 'One', author: 'Ada <ada@example.org>', at: Date.UTC(2025, 5, 2, 11) },
        { revision: TWO, message: 'Two\n\nWith a body.' },
      ],
      codebase: 'code',
      project: 'p',
      category: null,
      properties: {},
      source: `webhook:${dialect}`,
      at: Date.UTC(2025, 5, 2, 11),
    });
    expect(room.change(1).link).toMatch(/^https:\/\/host\.example\/org\/scripts\//);
    expect(room.listed()).toEqual([[1]]);
  });

  test('a second time is no second change', () => {
    const { room, receive } = setUp(dialect);
    receive(delivery(dialect));
    expect(receive(delivery(dialect))).toEqual({ changeIds: [1], ignored: null });
    expect(room.built()).toHaveLength(1);
  });

  test('under one id for two references is two changes', () => {
    const { receive } = setUp(dialect);
    receive(delivery(dialect));
    expect(receive(delivery(dialect, { ref: 'refs/heads/next' })).changeIds).toEqual([2]);
  });

  test('of a tag has its whole name for a branch, and a category', () => {
    const { room, receive } = setUp(dialect);
    const kind = dialect === 'gitlab' ? { object_kind: 'tag_push' } : {};
    const headers = dialect === 'gitlab' ? { 'X-Gitlab-Event': 'Tag Push Hook' } : {};
    // An annotated tag: `after` is the tag's own object.
    receive(delivery(dialect, { ...kind, ref: 'refs/tags/v1', before: ZERO, after: 'f'.repeat(40) }, headers));
    expect(room.change(1)).toMatchObject({ branch: 'refs/tags/v1', category: 'tag', revision: TWO });
  });

  test('that deletes a branch is acknowledged, and nothing made of it', () => {
    const { room, receive } = setUp(dialect);
    const gone = { after: ZERO, deleted: true, commits: [], head_commit: null, checkout_sha: null };
    expect(receive(delivery(dialect, gone))).toEqual({ changeIds: [], ignored: 'refs/heads/main was deleted' });
    expect(room.built()).toEqual([]);
  });

  test('without commits is told by who pushed, or by the commit it is at', () => {
    const { room, receive } = setUp(dialect);
    receive(delivery(dialect, { commits: null, head_commit: null, total_commits: 0, total_commits_count: 0 }));
    const { author, message, commits, revision } = room.change(1);
    expect([author.toLowerCase(), message, commits, revision]).toEqual(['ada <ada@example.org>', '', [], TWO]);
    if (dialect === 'gitlab') return;
    receive(delivery(dialect, { ref: 'refs/heads/copy', commits: [], total_commits: 0 }));
    expect(room.change(2)).toMatchObject({ message: 'Two\n\nWith a body.', commits: [{ revision: TWO }] });
  });

  test('of another reference is acknowledged, and nothing made of it', () => {
    const { receive } = setUp(dialect);
    expect(receive(delivery(dialect, { ref: 'refs/notes/commits' })).ignored).toMatch(/neither a branch nor a tag/);
  });

  test('whose newest commit says so is not built', () => {
    const { receive } = setUp(dialect, { skip: [/^two/gi] });
    const why = "the newest commit's message matches /^two/gi";
    expect(receive(delivery(dialect)).ignored).toBe(why);
    expect(receive(delivery(dialect)).ignored).toBe(why);
  });

  test("with a branch that the site's validation refuses is acknowledged with the reason, which is noted", () => {
    const { room, receive } = setUp(dialect);
    expect(receive(delivery(dialect, { ref: 'refs/heads/a;b' })).ignored).toContain('a;b');
    expect(room.errors).toHaveLength(1);
  });

  test('lists the newest commits of many, and says so', () => {
    const { room, receive } = setUp(dialect);
    const files = Array.from({ length: MOST_FILES + 1 }, (_, i) => `f${i}`);
    const older = Array.from({ length: MOST_COMMITS }, (_, i) =>
      commit(`c${i}`, 'x'.repeat(3000), { added: files.slice(i * 11, i * 11 + 11) }),
    );
    const tip = commit(TWO, 'Newest', {});
    const commits = dialect === 'gitea' ? [tip, ...older.toReversed()] : [...older, tip];
    receive(delivery(dialect, { commits, head_commit: tip, total_commits: 1200, total_commits_count: 1200 }));
    const change = room.change(1);
    expect(change.commits).toHaveLength(MOST_COMMITS);
    expect([change.commits[0]?.revision, change.commits.at(-1)?.revision]).toEqual(['c1', TWO]);
    expect(change.commits[0]?.message).toHaveLength(2000);
    expect(change.files).toHaveLength(MOST_FILES);
    const total = dialect === 'github' ? MOST_COMMITS + 1 : 1200;
    expect(change.properties.truncated?.value).toMatch(`${MOST_COMMITS} of ${total} commits are listed`);
    expect(change.properties.truncated?.value).toMatch(`${MOST_FILES} of ${MOST_FILES + 1} files are listed`);
  });

  test('is refused if it is not signed, or with another secret, or was altered', () => {
    const { room, receive } = setUp(dialect);
    const { headers, body } = delivery(dialect);
    const names = Object.keys(headers).filter((name) => /signature|token/.test(name));
    const without = Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
    const wrong = Object.fromEntries(names.map((name) => [name, (headers[name] ?? '').replace(/.$/, '#')]));
    const requests = [
      { headers: without, body },
      { headers: { ...headers, ...wrong }, body },
      ...(dialect === 'gitlab' ? [] : [{ headers, body: Buffer.concat([body, Buffer.from(' ')]) }]),
    ];
    for (const request of requests) {
      const error = refused(() => receive(request, '127.0.0.1'));
      expect([error.code, error.status]).toEqual(['bad_signature', 401]);
    }
    expect(room.built()).toEqual([]);
  });

  test.each([
    ['no JSON', '{', /not JSON/],
    ['no push', '{"ref": 7}', /no push of/],
    ['null', 'null', /no push of/],
  ])('with a body that is %s is refused', (_title, text, message) => {
    const { receive } = setUp(dialect);
    const body = text.startsWith('{"') && dialect === 'gitlab' ? '{"object_kind": "push", "ref": 7}' : text;
    const error = refused(() => receive(signed(dialect, Buffer.from(body))));
    expect([error.code, error.status]).toEqual(['bad_payload', 400]);
    expect(error.message).toMatch(message);
  });

  test('without its event is refused: no page in a browser can send that header', () => {
    const { receive } = setUp(dialect);
    const { headers, body } = delivery(dialect);
    const rest = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.endsWith('-event')));
    expect(refused(() => receive({ headers: rest, body })).code).toBe('bad_payload');
  });

  test('may have headers in any case', () => {
    const { receive } = setUp(dialect);
    const { headers, body } = delivery(dialect);
    const upper = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
    expect(receive({ headers: upper, body }).changeIds).toEqual([1]);
  });
});

describe('events that are no pushes are acknowledged', () => {
  test.each([
    ['github', { 'X-GitHub-Event': 'ping' }, {}, 'event "ping" is not used'],
    ['gitea', { 'X-Gitea-Event': 'issues' }, {}, 'event "issues" is not used'],
    ['gitlab', { 'X-Gitlab-Event': 'Issue Hook' }, {}, 'event "Issue Hook" is not used'],
    [
      'gitlab',
      { 'X-Gitlab-Event': 'System Hook' },
      { object_kind: null, event_name: 'project_create' },
      'event "project_create" is not used',
    ],
  ] as const)('%s: %j', (dialect, headers, different, why) => {
    const { receive } = setUp(dialect);
    expect(receive(delivery(dialect, different, headers))).toEqual({ changeIds: [], ignored: why });
  });

  test('a push told by a system hook of GitLab is one', () => {
    const { receive } = setUp('gitlab');
    expect(receive(delivery('gitlab', {}, { 'X-Gitlab-Event': 'System Hook' })).changeIds).toEqual([1]);
  });
});

test('a payload may come as a form', () => {
  const { room, receive } = setUp('github');
  const form = new URLSearchParams({ payload: delivery('github').body.toString() }).toString();
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' };
  expect(receive(signed('github', Buffer.from(form), headers)).changeIds).toEqual([1]);
  expect(room.change(1).revision).toBe(TWO);
  expect(refused(() => receive(signed('github', Buffer.from('x=1'), headers))).code).toBe('bad_payload');
});

test("Gitea's signature may come under GitHub's name", () => {
  const { receive } = setUp('gitea');
  const { headers, body } = delivery('gitea');
  const { 'x-gitea-signature': signature, ...rest } = headers;
  expect(receive({ headers: { ...rest, 'x-hub-signature-256': `sha256=${signature}` }, body }).changeIds).toEqual([1]);
});

test('a delivery of GitLab is known by the key that its repetitions share, before the id of its event', () => {
  const { receive } = setUp('gitlab');
  receive(delivery('gitlab', {}, { 'Idempotency-Key': 'k1' }));
  expect(receive(delivery('gitlab', {}, { 'Idempotency-Key': 'k1', 'X-Gitlab-Event-UUID': 'd2' })).changeIds).toEqual([
    1,
  ]);
  expect(receive(delivery('gitlab', {}, { 'Idempotency-Key': 'k2' })).changeIds).toEqual([2]);
});

test('a link that leads to no web page is left out', () => {
  const { room, receive } = setUp('github');
  receive(delivery('github', { compare: 'javascript:alert(1)' }));
  expect(room.change(1).link).toBeNull();
});

describe('the repository of a push', () => {
  test('is what the webhook says, by any address of the payload', () => {
    for (const address of [CLONE, SSH, 'https://host.example/org/scripts', 'org/scripts']) {
      const { room, receive } = setUp('github', { repositories: { [address]: '/srv/scripts.git' } });
      receive(delivery('github'));
      expect(room.change(1).repository).toBe('/srv/scripts.git');
    }
  });

  test('is the address that the site uses itself, so that a poller tells the same push no second time', () => {
    for (const dialect of HOOK_DIALECTS) {
      const poller = gitPoller({ name: 'scripts', repository: SSH });
      const { room, receive } = setUp(dialect, {}, { changeSources: [poller] });
      receive(delivery(dialect));
      expect(room.change(1).repository).toBe(SSH);
      room.push({ repository: SSH, revision: TWO, source: 'gitPoller:scripts' });
      expect(room.built()).toHaveLength(1);
    }
  });

  test.each([
    ['a filter', { changes: { repository: ['other', SSH] } }],
    ['a code base', { codebases: { '': { repository: SSH } } }],
  ])('may be named by %s of a scheduler', (_title, options) => {
    const { room, receive } = setUp('gitlab');
    const scheduler = anyBranchScheduler({ name: 'some', builders: [linux], ...options });
    room.config.replace({ ...room.config.site, schedulers: [scheduler] });
    receive(delivery('gitlab'));
    expect(room.change(1).repository).toBe(SSH);
  });
});

describe('secrets', () => {
  test('may be two while they are being rotated; one that cannot be read is told and does not hinder the other', () => {
    const { room, receive } = setUp('github', { secrets: [{ env: 'MISSING_SECRET' }, { env: 'HOOK_SECRET' }] });
    expect(receive(delivery('github')).changeIds).toEqual([1]);
    expect(room.errors[0]?.message).toContain('$MISSING_SECRET');
  });

  test('of which none can be read are a trouble of the master, not of the request', () => {
    const { receive } = setUp('github', { secrets: [{ env: 'MISSING_SECRET' }] });
    const error = refused(() => receive(delivery('github')));
    expect([error.code, error.status]).toEqual(['secret_unavailable', 503]);
  });

  test('are read anew each time: a file may be replaced', () => {
    const file = join(temporaryDirectory(), 'secret');
    writeFileSync(file, 'an old secret\n');
    const { receive } = setUp('github', { secrets: [{ file }] });
    expect(refused(() => receive(delivery('github'))).code).toBe('bad_signature');
    writeFileSync(file, `${SECRET}\n`);
    expect(receive(delivery('github')).changeIds).toEqual([1]);
  });

  test.each([
    ['127.0.0.1', {}, true],
    ['::1', {}, true],
    ['::ffff:127.0.0.1', {}, true],
    ['192.0.2.7', {}, false],
    ['127.example.org', {}, false],
    [undefined, {}, false],
    ['127.0.0.1', { 'X-Forwarded-For': '192.0.2.7' }, false],
    ['127.0.0.1', { Forwarded: 'for=192.0.2.7' }, false],
    ['127.0.0.1', { Via: '1.1 proxy' }, false],
  ])('where there are none, a request from %s (%j) is taken: %s', (from, headers, isTaken) => {
    const { receive } = setUp('github', { secrets: [] });
    const request = delivery('github', {}, headers);
    if (isTaken) expect(receive(request, from).changeIds).toEqual([1]);
    else expect(refused(() => receive(request, from))).toMatchObject({ code: 'bad_signature' });
  });
});

describe('a request is refused', () => {
  test('for a host that nobody knows, naming those that are', () => {
    const { webhooks } = setUp('github');
    for (const name of ['sourceforge', 'constructor', '__proto__']) {
      const error = refused(() => webhooks.receive(name, bare(Buffer.alloc(0))));
      expect([error.code, error.status]).toEqual(['unknown_dialect', 404]);
      expect(error.message).toContain('github, gitlab, gitea');
    }
  });

  test('for a host that the site does not declare, with the remedy', () => {
    const { webhooks } = setUp('github');
    const { headers, body } = delivery('gitea');
    const error = refused(() => webhooks.receive('gitea', { ...bare(body), headers }));
    expect([error.code, error.status]).toEqual(['not_configured', 404]);
    expect(error.message).toContain("add webhook('gitea'");
  });

  test('if it is longer than any host makes it', () => {
    const { webhooks } = setUp('github');
    const body = Buffer.alloc(LONGEST_HOOK_BODY_BYTES + 1);
    expect(refused(() => webhooks.receive('github', bare(body))).code).toBe('too_large');
  });
});

test('a forced push is the same as any', () => {
  const { room, receive } = setUp('github');
  receive(delivery('github', { forced: true, before: BEFORE }));
  expect(room.change(1).revision).toBe(TWO);
});

/** Code hosts that have pull requests. */
const HOSTS = ['github', 'gitlab', 'gitea'] as const;

/** A pull request of a branch of the repository, or of somebody's copy of it, as each host tells it. */
function pullRequest(dialect: (typeof HOSTS)[number], isFork: boolean, action: string): Delivery {
  const base = {
    full_name: 'org/scripts',
    clone_url: CLONE,
    ssh_url: SSH,
    html_url: 'https://host.example/org/scripts',
  };
  const head = isFork ? { ...base, clone_url: 'https://host.example/eve/scripts.git', full_name: 'eve/scripts' } : base;
  const merge = {
    ...{
      iid: 7,
      action,
      title: 'Better',
      target_branch: 'main',
      url: 'https://host.example/7',
      last_commit: { id: TWO },
    },
    ...{ source_project_id: isFork ? 2 : 1, target_project_id: 1, ...(action === 'update' ? { oldrev: ONE } : {}) },
  };
  const payload =
    dialect === 'gitlab'
      ? {
          ...{ object_kind: 'merge_request', user: { name: 'Eve' }, object_attributes: merge },
          project: { git_http_url: CLONE, git_ssh_url: SSH, web_url: 'https://host.example/org/scripts' },
        }
      : {
          action,
          pull_request: {
            ...{ number: 7, title: 'Better', html_url: 'https://host.example/7', user: { login: 'Eve' } },
            ...{ head: { sha: TWO, repo: head }, base: { ref: 'main', repo: base } },
          },
        };
  const events = {
    github: 'X-GitHub-Event',
    gitea: 'X-Gitea-Event',
    gitlab: 'X-Gitlab-Event',
    generic: 'X-Icefall-Event',
  };
  const event = dialect === 'gitlab' ? 'Merge Request Hook' : 'pull_request';
  return signed(dialect, Buffer.from(JSON.stringify(payload)), { [events[dialect]]: event });
}

describe.each(HOSTS)('a pull request told by %s', (dialect) => {
  const [opened, pushed] = dialect === 'gitlab' ? (['open', 'update'] as const) : (['opened', 'synchronize'] as const);

  test('is a change of its own category, at its tip, that usual schedulers do not build', () => {
    const { room, receive } = setUp(dialect, { pullRequests: true });
    expect(receive(pullRequest(dialect, false, opened))).toEqual({ changeIds: [1], ignored: null });
    expect(room.change(1)).toMatchObject({
      ...{ repository: CLONE, revision: TWO, category: 'pullRequest', author: 'Eve', message: 'Better' },
      branch: dialect === 'gitlab' ? 'refs/merge-requests/7/head' : 'refs/pull/7/head',
      properties: { pull_request: { value: 7 }, pull_request_base: { value: 'main' } },
    });
    expect(room.built()).toEqual([]);
  });

  test('from a copy of the repository is of the category fork', () => {
    const { room, receive } = setUp(dialect, { pullRequests: true });
    receive(pullRequest(dialect, true, pushed));
    expect(room.change(1)).toMatchObject({ category: 'fork', repository: CLONE });
  });

  test('is built by a scheduler that names its category', () => {
    const pulls = anyBranchScheduler({
      name: 'pulls',
      builders: [linux],
      changes: { category: ['pullRequest', 'fork'] },
    });
    const { room, receive } = setUp(dialect, { pullRequests: true }, { schedulers: [all, pulls] });
    receive(pullRequest(dialect, true, opened));
    expect(room.built().map(({ scheduler }) => scheduler)).toEqual(['pulls']);
  });

  test('is ignored where the site takes none, and where it brings no commits', () => {
    expect(setUp(dialect).receive(pullRequest(dialect, false, opened)).ignored).toContain('takes none');
    const { receive } = setUp(dialect, { pullRequests: true });
    expect(receive(pullRequest(dialect, false, 'closed'))).toEqual({ changeIds: [], ignored: expect.anything() });
  });
});

describe.each(['github', 'gitea'] as const)('a delivery of %s that somebody has overheard', (dialect) => {
  test('is no second change under another id, which is not signed, or none', () => {
    const { room, receive } = setUp(dialect);
    receive(delivery(dialect));
    for (const id of ['d2', ''])
      expect(receive(delivery(dialect, {}, { [`X-${dialect}-Delivery`]: id })).changeIds).toEqual([1]);
    expect(room.built()).toHaveLength(1);
  });

  test('is one where the repository gets another push, also under the same id', () => {
    const { receive } = setUp(dialect);
    receive(delivery(dialect));
    expect(receive(delivery(dialect, { after: ONE, head_commit: null })).changeIds).toEqual([2]);
  });
});

describe('a delivery of the generic form', () => {
  test('is refused under another id, which is not signed, or without one; its sender may repeat it', () => {
    const { room, receive } = setUp('generic');
    receive(delivery('generic'));
    expect(receive(delivery('generic')).changeIds).toEqual([1]);
    for (const id of ['d2', ''])
      expect(refused(() => receive(delivery('generic', {}, { 'X-Icefall-Delivery': id }))).code).toBe('stale');
    room.clock.advance(4 * 60_000);
    const hash = /sha256=(.*)/.exec(delivery('generic').headers['x-icefall-signature'] ?? '')?.[1] ?? '';
    const louder = { 'X-Icefall-Delivery': 'd3', 'X-Icefall-Signature': `sha256=${hash.toUpperCase()}` };
    expect(refused(() => receive(delivery('generic', {}, louder))).code).toBe('stale');
    expect(room.built()).toHaveLength(1);
  });

  test('is refused once it is five minutes old: it may be a replay', () => {
    const { room, receive } = setUp('generic');
    room.clock.advance(5 * 60_000);
    expect(receive(delivery('generic')).changeIds).toEqual([1]);
    room.clock.advance(1);
    expect(refused(() => receive(delivery('generic'))).code).toBe('stale');
  });

  test('cannot be made younger than it is: its time is signed', () => {
    const { room, receive } = setUp('generic');
    room.clock.advance(6 * 60_000);
    const now = String(Math.floor(room.core.now() / 1000));
    for (const timestamp of [now, '', 'NaN', '-1', '1e99'])
      expect(refused(() => receive(delivery('generic', {}, { 'X-Icefall-Timestamp': timestamp }))).code).toBe(
        'bad_signature',
      );
    expect(room.core.db.all('SELECT id FROM changes')).toEqual([]);
  });
});
