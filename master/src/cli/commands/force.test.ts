import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Terminal } from '../terminal.ts';
import { type FakeApi, fakeApi, frame, stream } from '../testing/fake-api.ts';
import { runAgainst } from '../testing/icefall.ts';
import { buildOf, buildsetOf, requestOf, schedulerOf, statusOf, stepOf } from '../testing/resources.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await fakeApi();
});
afterEach(() => api.close());
const icefall = (args: readonly string[], options?: Partial<Terminal>) => runAgainst(api, args, options);

const form = {
  label: 'Try',
  button: 'Force',
  fields: [
    { type: 'integer', name: 'jobs', label: 'jobs', tooltip: 'At once', required: true, default: 2, min: 1, max: null },
    { type: 'boolean', name: 'fast', label: 'fast', tooltip: '', required: false, default: false },
  ],
} as const;
const schedulers = {
  json: {
    schedulers: [
      schedulerOf({ form: { ...form, fields: [...form.fields] } }),
      schedulerOf({ name: 'nightly', kind: 'nightly' }),
    ],
  },
};

describe('force', () => {
  beforeEach(() => {
    api.replies['GET /schedulers'] = schedulers;
    api.replies['POST /schedulers/try/force'] = { json: { buildset: buildsetOf() } };
  });

  test('sends typed values, and who asks', async () => {
    const { code, out } = await icefall([
      'force',
      'try',
      '--set',
      'jobs=4',
      '--set',
      'fast=yes',
      '--builder',
      'b',
      '--reason',
      'why not',
    ]);
    expect([code, out]).toEqual([0, 'started buildset 5 with 1 request (7)\n']);
    expect(api.asked.at(-1)?.body).toEqual({
      values: { jobs: 4, fast: true },
      builders: ['b'],
      reason: 'why not',
      owner: 'ada',
    });
  });

  test('shows what is wrong with each field, and ends with 2', async () => {
    api.replies['POST /schedulers/try/force'] = {
      status: 422,
      json: {
        error: {
          code: 'bad_form',
          message: 'the form has 2 mistake(s): jobs must be at least 1; x is unknown',
          fields: { jobs: 'must be at least 1, it is 0', 'group.x': 'is not a parameter of this form' },
        },
      },
    };
    const { code, err } = await icefall(['force', 'try', '--set', 'jobs=0']);
    expect([code, err]).toEqual([
      2,
      'icefall: the form has 2 mistake(s):\n  jobs: must be at least 1, it is 0\n  group.x: is not a parameter of this form\n',
    ]);
  });

  test('tells which schedulers can be started by hand', async () => {
    expect((await icefall(['force', 'tri'])).err).toBe('icefall: there is no scheduler "tri"; it can be one of try\n');
    expect((await icefall(['force', 'nightly'])).err).toMatch(/"nightly" is nightly, not started by hand; .* try/);
  });

  test('--form shows the parameters', async () => {
    expect((await icefall(['force', 'try', '--form'])).out).toBe(
      'try starts b\n  --set jobs=NUMBER (default 2), required   # At once\n  --set fast=yes|no (default no)\n',
    );
  });

  test('is asked again with the same key when the connection is cut, so that it starts once', async () => {
    api.replies['POST /schedulers/try/force'] = [
      (response) => void response.destroy(),
      { json: { buildset: buildsetOf() } },
    ];
    const { code } = await icefall(['force', 'try']);
    const [first, second] = api.asked.filter(({ method }) => method === 'POST');
    expect(code).toBe(0);
    expect(first?.key).toMatch(/^[\da-f-]{36}$/);
    expect(second?.key).toBe(first?.key);
  });
});

describe('waiting for a buildset', () => {
  const ended = (result: 'SUCCESS' | 'FAILURE') => {
    const step = stepOf({ name: 'make', result, summary: result === 'SUCCESS' ? 'fine' : 'exit code 2' });
    api.replies['GET /buildsets/5'] = [{ json: buildsetOf() }, { json: buildsetOf({ finishedAt: 970_000, result }) }];
    api.replies['GET /requests/7'] = [
      { json: requestOf() },
      { json: requestOf({ state: 'finished', result, buildIds: [12] }) },
    ];
    api.replies['GET /builds/12'] = { json: buildOf({ result, steps: [step] }) };
  };
  beforeEach(() => {
    api.replies['GET /schedulers'] = schedulers;
    api.replies['POST /schedulers/try/force'] = { json: { buildset: buildsetOf() } };
    api.replies['GET /status'] = { json: statusOf() };
    const events = [
      frame('build', { seq: 11, kind: 'build', key: '99', data: {} }, 11),
      frame('buildset', { seq: 12, kind: 'buildset', key: '5', data: {} }, 12),
    ];
    api.replies['GET /events?after=10'] = stream(events, 'open');
  });

  test('ends with 0 if it is green', async () => {
    ended('SUCCESS');
    const { code, out } = await icefall(['force', 'try', '--wait']);
    expect(out.split('\n')).toEqual([
      'started buildset 5 with 1 request (7)',
      'b: is about to start',
      'b/4  25 s  SUCCESS',
      '',
    ]);
    expect(code).toBe(0);
    // The event of another build was no reason to look.
    expect(api.asked.filter(({ path }) => path === '/buildsets/5')).toHaveLength(2);
  });

  test('ends with 1 and says where to look if it is not', async () => {
    ended('FAILURE');
    const { code, out, err } = await icefall(['force', 'try', '--wait']);
    expect(out).toContain('b/4  25 s  FAILURE: make: exit code 2\n');
    expect([code, err]).toEqual([1, 'icefall: it ended with FAILURE; to see why: icefall log b/4.0\n']);
  });

  test('prints one document with --json', async () => {
    ended('SUCCESS');
    const { out } = await icefall(['force', 'try', '--wait', '--json']);
    expect(JSON.parse(out)).toEqual({ buildset: buildsetOf({ finishedAt: 970_000, result: 'SUCCESS' }) });
  });

  test('draws over its own lines on a terminal, none wider than that', async () => {
    ended('SUCCESS');
    const blocker = { kind: 'mayStart' as const, reason: 'x'.repeat(100) };
    api.replies['GET /requests/7'] = [
      { json: requestOf({ blocker }) },
      { json: requestOf({ state: 'finished', result: 'SUCCESS', buildIds: [12] }) },
    ];
    const { out } = await icefall(['force', 'try', '--wait'], { columns: 40, rows: 10 });
    const [, drawn = '', erased = ''] = out.split('\n');
    expect(drawn).toMatch(/^b {2}1 m 40 s {2}held back by the.*…$/);
    expect(drawn.length).toBeLessThan(40);
    expect(erased.startsWith('\u001b[1A\u001b[J')).toBe(true);
  });

  test('goes on over a restart of the master', async () => {
    ended('SUCCESS');
    api.replies['GET /events?after=10'] = [stream([], 'cut'), stream([], 'open')];
    api.replies['GET /status'] = [{ json: statusOf() }, (response) => void response.destroy(), { json: statusOf() }];
    const { code, err } = await icefall(['force', 'try', '--wait']);
    expect(code).toBe(0);
    expect(err).toBe('icefall: the connection to the master was cut; trying again\nicefall: connected again\n');
  });

  test('goes on when the master goes away in the middle of a look', async () => {
    ended('SUCCESS');
    const looks = api.replies['GET /requests/7'];
    api.replies['GET /requests/7'] = [(response) => void response.destroy(), ...[looks ?? []].flat()];
    api.replies['GET /buildsets/5'] = [{ json: buildsetOf() }, ...[api.replies['GET /buildsets/5'] ?? []].flat()];
    expect((await icefall(['force', 'try', '--wait'])).code).toBe(0);
  });
});
