import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Terminal } from '../terminal.ts';
import { type FakeApi, fakeApi, frame, stream } from '../testing/fake-api.ts';
import { runAgainst } from '../testing/icefall.ts';
import { buildOf, lineOf, logOf, statusOf, stepOf } from '../testing/resources.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await fakeApi();
});
afterEach(() => api.close());
const icefall = (args: readonly string[], options?: Partial<Terminal>) => runAgainst(api, args, options);

describe('log', () => {
  const piece = (lines: readonly ReturnType<typeof lineOf>[], total = 3) =>
    frame('lines', { logId: 31, first: lines[0]?.n ?? 0, lines, total, complete: false });

  test('prints the pages of every step under its heading, or those of one step alone', async () => {
    api.replies['GET /builders/b/builds/4'] = { json: buildOf() };
    api.replies['GET /logs/31/lines?first=0&limit=5000'] = {
      json: { logId: 31, first: 0, lines: [lineOf(0), lineOf(1)], total: 3, complete: true },
    };
    api.replies['GET /logs/31/lines?first=2&limit=5000'] = {
      json: { logId: 31, first: 2, lines: [lineOf(2, 'a\u001b[1mb')], total: 3, complete: true },
    };
    expect((await icefall(['log', 'b/4'])).out).toBe('── 0 make, SUCCESS ──\nline 0\nline 1\na\u001b[1mb\n');
    expect((await icefall(['log', 'b/4.make'])).out).toBe('line 0\nline 1\na\u001b[1mb\n');
    const { logs } = JSON.parse((await icefall(['log', 'b/4.0', '--json'])).out);
    expect(logs).toEqual([{ log: logOf(), lines: [lineOf(0), lineOf(1), lineOf(2, 'a\u001b[1mb')] }]);
  });

  test('names what is not there', async () => {
    api.replies['GET /builds/12'] = { json: buildOf() };
    expect(await icefall(['log', '12.test'])).toMatchObject({ code: 1, err: expect.stringContaining('it has 0 make') });
    expect(await icefall(['log', '12', '--name', 'x'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is stdio'),
    });
  });

  test('-f neither loses nor doubles a line when the connection is cut in the middle, or the master repeats some', async () => {
    api.replies['GET /status'] = { json: statusOf() };
    api.replies['GET /builds/12'] = { json: buildOf() };
    api.replies['GET /logs/31/follow?first=0'] = stream(
      [piece([lineOf(0), lineOf(1)]), 'event: lines\ndata: {"lo'],
      'cut',
    );
    api.replies['GET /logs/31/follow?first=2'] = [
      (response) => void response.destroy(),
      stream([piece([lineOf(1), lineOf(2)])], 'end'),
    ];
    api.replies['GET /logs/31/follow?first=3'] = stream(
      [piece([lineOf(3)]), frame('end', { logId: 31, total: 4 })],
      'open',
    );
    const { code, out, err } = await icefall(['log', '12.0', '-f']);
    expect(out).toBe('line 0\nline 1\nline 2\nline 3\n');
    expect(err).toBe(
      'icefall: the connection to the master was cut; trying again\nicefall: connected again\nicefall: build b/4 ended: SUCCESS in 25 s\n',
    );
    expect(code).toBe(0);
  });

  test('-f asks anew where a line is missing', async () => {
    api.replies['GET /status'] = { json: statusOf() };
    api.replies['GET /builds/12'] = { json: buildOf() };
    api.replies['GET /logs/31/follow?first=0'] = stream([piece([lineOf(0)]), piece([lineOf(2)])], 'open');
    api.replies['GET /logs/31/follow?first=1'] = stream([piece([lineOf(1), lineOf(2)]), frame('end', {})], 'open');
    expect((await icefall(['log', '12.0', '-f'])).out).toBe('line 0\nline 1\nline 2\n');
  });

  test('-f follows a build step by step to its end, as JSON lines for programs', async () => {
    const second = stepOf({ number: 1, name: 'test', logs: [logOf({ id: 32, stepNumber: 1 })] });
    const running = { state: 'running' as const, result: null, finishedAt: null };
    const one = buildOf({ ...running, steps: [stepOf(), stepOf({ ...second, ...running, logs: [] })] });
    api.replies['GET /status'] = { json: statusOf() };
    api.replies['GET /builds/12'] = [
      { json: one },
      { json: one },
      { json: one },
      { json: buildOf({ steps: [stepOf(), second] }) },
    ];
    api.replies['GET /events?after=10'] = stream([frame('step', { seq: 11, kind: 'step', key: '12.1' })], 'open');
    api.replies['GET /logs/31/follow?first=0'] = stream([piece([lineOf(0)]), frame('end', {})]);
    api.replies['GET /logs/32/follow?first=0'] = stream([
      frame('lines', { logId: 32, first: 0, lines: [lineOf(0, 'tested')], total: 1, complete: true }),
      frame('end', {}),
    ]);
    const { out } = await icefall(['log', '12', '-f', '--json']);
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { logId: 31, stepNumber: 0, name: 'stdio', ...lineOf(0) },
      { logId: 32, stepNumber: 1, name: 'stdio', ...lineOf(0, 'tested') },
    ]);
  });

  test('-f goes on when the master goes away between two steps', async () => {
    api.replies['GET /status'] = { json: statusOf() };
    const away = (response: { destroy(): void }) => void response.destroy();
    api.replies['GET /builds/12'] = [{ json: buildOf() }, away, { json: buildOf() }, away, { json: buildOf() }];
    api.replies['GET /logs/31/follow?first=0'] = [away, stream([piece([lineOf(0)]), frame('end', {})])];
    const { code, out } = await icefall(['log', '12', '-f']);
    expect([code, out]).toEqual([0, '── 0 make, SUCCESS ──\nline 0\n']);
  });

  test('-f ends with 3 at once where the master is not there to begin with', async () => {
    await api.close();
    expect((await icefall(['log', '12', '-f'])).code).toBe(3);
  });
});
