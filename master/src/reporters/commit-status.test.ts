import { createHmac } from 'node:crypto';
import { RESULTS, type Result } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { generic } from '../changes/webhook-hub.ts';
import { type CommitStatusReporterOptions, commitStatusReporter, webhookReporter } from '../config/reporters.ts';
import { secret } from '../secrets/reference.ts';
import { statusPost, targetsOf } from './commit-status.ts';
import { REVISION, reportOf, rightly } from './test-report.ts';
import { webhookPost } from './webhook.ts';

const reporterOf = (options: Partial<CommitStatusReporterOptions> = {}) =>
  rightly(() =>
    commitStatusReporter({
      ...{ name: 'status', kind: 'gitea', url: 'https://git.example.org/', token: secret('status') },
      ...options,
    }),
  );
const stampOf = (repository: string, revision: string | null = REVISION) => ({
  ...{ codebase: '', repository, branch: 'main', revision, project: '' },
});

describe('the commit of a source', () => {
  test.each([
    'https://git.example.org/group/widgets.git',
    'https://someone@git.example.org/group/widgets',
    'ssh://git@git.example.org:2222/group/widgets.git',
    'git@git.example.org:group/widgets.git',
    'git.example.org:group/widgets',
  ])('is found by the address %s', (repository) => {
    expect(targetsOf(reporterOf(), [stampOf(repository)])).toEqual([{ project: 'group/widgets', revision: REVISION }]);
  });

  test.each([
    'https://other.example.org/group/widgets.git',
    'https://git.example.org.evil.example/group/widgets.git',
    'https://git.example.org/widgets.git',
    'https://git.example.org/group/../../admin/widgets',
    'git@git.example.org:group/wid?gets',
    'git@git.example.org:../widgets',
    '/srv/git/group/widgets.git',
    '',
  ])('is none of the host by the address %j', (repository) => {
    const targets = targetsOf(reporterOf(), [stampOf(repository)]);
    expect(targets.filter(({ project }) => project !== 'admin/widgets')).toEqual([]);
  });

  test('is none where its revision is not known, or is not one', () => {
    const repository = 'https://git.example.org/group/widgets';
    const stamps = [null, 'main', 'abc', `${REVISION}/../x`].map((revision) => stampOf(repository, revision));
    expect(targetsOf(reporterOf(), stamps)).toEqual([]);
  });

  test('is of the project that a function of the site names, below the address of the host or not', () => {
    const project = ({ repository }: { readonly repository: string }) => (repository === '/srv/x' ? 'a/b/c' : null);
    expect(targetsOf(reporterOf({ project }), [stampOf('/srv/x'), stampOf('/srv/y')])).toEqual([
      { project: 'a/b/c', revision: REVISION },
    ]);
    const below = reporterOf({ url: 'https://git.example.org/forge' });
    expect(targetsOf(below, [stampOf('https://git.example.org/forge/group/widgets.git')])).toMatchObject([
      { project: 'group/widgets' },
    ]);
    expect(() => targetsOf(reporterOf({ project: () => '../x' }), [stampOf('/srv/x')])).toThrow(
      'project() gave "../x"',
    );
  });
});

const TARGET = { project: 'group/widgets', revision: REVISION };
const STATES: Readonly<Record<Result | 'begun', readonly [string, string]>> = {
  begun: ['pending', 'running'],
  SUCCESS: ['success', 'success'],
  WARNINGS: ['success', 'success'],
  SKIPPED: ['success', 'success'],
  FAILURE: ['failure', 'failed'],
  EXCEPTION: ['error', 'failed'],
  CANCELLED: ['error', 'canceled'],
  RETRY: ['pending', 'pending'],
};

describe('a status', () => {
  test.each(['begun', ...RESULTS] as const)('of a build that ended as %s is what the host calls it', (result) => {
    const report = reportOf({ build: { result: result === 'begun' ? null : result } });
    const stateAt = (kind: CommitStatusReporterOptions['kind']) =>
      JSON.parse(statusPost(reporterOf({ kind }), report, TARGET, 't').body).state;
    expect([stateAt('gitea'), stateAt('gitlab')]).toEqual(STATES[result]);
    expect(stateAt('github')).toBe(STATES[result][0]);
  });

  test.each([
    ['github', 'https://github.com', `https://api.github.com/repos/group/widgets/statuses/${REVISION}`, 'Bearer tok'],
    ['github', 'https://gh.example.org', `https://gh.example.org/api/v3/repos/group/widgets/statuses/${REVISION}`, ''],
    ['gitea', 'https://g.example.org', `https://g.example.org/api/v1/repos/group/widgets/statuses/${REVISION}`, ''],
    [
      'gitlab',
      'https://g.example.org',
      `https://g.example.org/api/v4/projects/group%2Fwidgets/statuses/${REVISION}`,
      '',
    ],
  ] as const)('of %s at %s goes to %s', (kind, url, expected, authorization) => {
    const post = statusPost(reporterOf({ kind, url }), reportOf({}), TARGET, 'tok');
    expect(post.url).toBe(expected);
    if (authorization !== '') expect(post.headers.authorization).toBe(authorization);
    const { name, context = name, target_url, description } = JSON.parse(post.body);
    expect({ context, target_url, description }).toEqual({
      context: 'icefall/linux',
      target_url: 'https://ci.example.org/builds/17',
      description: '#5 failed: compile failed',
    });
  });

  test('says no more than the host takes', () => {
    const summary = 'x'.repeat(1000);
    const { body } = statusPost(reporterOf(), reportOf({ build: { summary } }), TARGET, 't');
    expect(JSON.parse(body).description).toHaveLength(140);
  });
});

test('what another program is sent is signed as the webhook "generic" of a master wants it', () => {
  const reporter = rightly(() =>
    webhookReporter({ name: 'hook', url: 'https://hook.example.org/x', secret: secret('hook') }),
  );
  const now = Date.UTC(2025, 5, 2, 12);
  const { headers, body } = webhookPost(reporter, reportOf({}), { secret: 'swordfish', now });
  expect(generic.isSigned(headers, Buffer.from(body), 'swordfish')).toBe(true);
  expect(generic.isSigned(headers, Buffer.from(`${body} `), 'swordfish')).toBe(false);
  expect(headers).toMatchObject({ 'x-icefall-event': 'build.end', 'x-icefall-delivery': 'hook-17-end' });
  const signed = createHmac('sha256', 'swordfish')
    .update(`${now / 1000}.${body}`)
    .digest('hex');
  expect(headers['x-icefall-signature']).toBe(`sha256=${signed}`);
  expect(JSON.parse(body)).toMatchObject({
    event: 'build.end',
    previousResult: 'SUCCESS',
    build: { id: 17, result: 'FAILURE' },
  });
});
