import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from './program.ts';
import type { Terminal } from './terminal.ts';
import { type FakeApi, fakeApi } from './testing/fake-api.ts';
import { fakeTerminal } from './testing/fake-terminal.ts';
import { runAgainst } from './testing/icefall.ts';
import { buildOf, requestOf, statusOf, stepOf } from './testing/resources.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await fakeApi();
});
afterEach(() => api.close());
const icefall = (args: readonly string[], options?: Partial<Terminal>) => runAgainst(api, args, options);

describe('what happens', () => {
  test('status says what is alarming, and that the master drains', async () => {
    const alarms = [{ kind: 'diskSpaceLow', message: 'the disk is nearly full', since: 940_000 }];
    api.replies['GET /status'] = { json: statusOf({ alarms, drainingSince: 880_000, runningBuilds: 0 }) };
    const { out } = await icefall(['status']);
    expect(out).toContain('Drains since 2 m 00 s: no new builds are started.');
    expect(out).toContain('1 alarm:\n  1 m 00 s ago: the disk is nearly full\n');
  });

  test('status says it in words, and that the last reload failed', async () => {
    api.replies['GET /status'] = { json: statusOf({ configErrors: ['site.ts:3: no such worker'] }) };
    const step = stepOf({ number: 1, name: 'make', state: 'running', result: null, finishedAt: null });
    const build = buildOf({ state: 'running', result: null, finishedAt: null, steps: [stepOf(), step] });
    api.replies['GET /builds'] = { json: { builds: [] } };
    api.replies['GET /builds?state=running&limit=50'] = { json: { builds: [build] } };
    const { code, out } = await icefall(['status']);
    expect(code).toBe(0);
    expect(out).toBe(`Test site
Page           http://master.example
Version        0.1.0, up 16 m 40 s
Configuration  version 3, loaded 1 m 00 s ago
Builds         1 running, 2 requests waiting
Workers        1 of 2 connected
Time zone      UTC

The last reload failed; the older configuration runs on. 1 mistake:
  site.ts:3: no such worker

b/4  50 s  make (2 of 2)
`);
  });

  test('--json prints what the master said, also what this version does not know', async () => {
    api.replies['GET /status'] = { json: { ...statusOf(), mood: 'good' } };
    const { out } = await icefall(['status', '--json']);
    expect(JSON.parse(out)).toEqual({ ...statusOf(), mood: 'good' });
  });

  test('the queue is whole, oldest first, with why each waits', async () => {
    const blocker = { kind: 'workersOffline' as const, workers: [{ name: 'w1', lastSeenAt: null }] };
    api.replies['GET /requests?state=pending&limit=1000'] = {
      json: { requests: [requestOf({ id: 9, owner: 'bo' }), requestOf({ id: 8 })], next: 8 },
    };
    api.replies['GET /requests?state=pending&limit=1000&before=8'] = {
      json: { requests: [requestOf({ id: 7, blocker })], next: null },
    };
    const { out } = await icefall(['queue']);
    expect(out).toBe(`REQUEST  BUILDER     WAITS  PRIORITY  WHY                                   REASON
      7  b        1 m 40 s         0  waits for a worker: w1 not connected  force
      8  b        1 m 40 s         0  is about to start                     force
      9  b        1 m 40 s         0  is about to start                     force (bo)
`);
    const { out: json } = await icefall(['queue', '--json']);
    expect(JSON.parse(json).requests.map(({ id }: { id: number }) => id)).toEqual([7, 8, 9]);
  });

  test('builders can be looked for by name and tag', async () => {
    const builderOf = (name: string, tags: readonly string[]) => ({
      ...{ name, tags, group: '', description: '', workers: ['w1'], pendingRequests: 0, runningBuilds: 1 },
      ...{ lastResult: 'WARNINGS', forceSchedulers: [] },
    });
    const builders = [
      builderOf('alma9_builder', ['platform']),
      builderOf('alma9_spack', []),
      builderOf('x', ['platform']),
    ];
    api.replies['GET /builders'] = { json: { builders } };
    expect((await icefall(['builders', 'alma9', '--tag', 'platform'])).out.split('\n').slice(1)).toEqual([
      'alma9_builder         WARNINGS        1        0  w1',
      '',
    ]);
    expect((await icefall(['builders', 'nothing'])).out).toBe('no such builder\n');
  });

  test('builds are asked for as the options say, and older ones are pointed to', async () => {
    api.replies['GET /builds'] = {
      json: { builds: [buildOf({ result: 'FAILURE', summary: 'make: exit code 2' })], next: 12 },
    };
    const { out, err } = await icefall(['builds', '--builder', 'a b', '--result', 'failure', '--limit', '1']);
    expect(api.asked[0]?.path).toBe('/builds?limit=1&builder=a%20b&result=FAILURE');
    expect(out.split('\n')[1]).toBe('12  b/4    FAILURE  1 m 00 s ago  25 s  w1              make: exit code 2');
    expect(err).toBe('icefall: there are older ones: the same with --before 12\n');
  });

  test.each([
    [['builds', '--builder', 'nope'], { builds: [] }, 'GET /builds', 'nothing is at /builders/nope'],
    [['builds', '--worker', 'nope'], { builds: [] }, 'GET /builds', 'nothing is at /workers/nope'],
    [['queue', '--builder', 'nope'], { requests: [] }, 'GET /requests', 'nothing is at /builders/nope'],
  ])('an empty list of somebody nobody knows is a mistake: %j', async (args, json, path, expected) => {
    api.replies[
      `${path}?${path.endsWith('requests') ? 'state=pending&builder=nope&limit=1000' : `limit=20&${args[1]?.slice(2)}=nope`}`
    ] = { json };
    const { code, err } = await icefall(args);
    expect([code, err]).toEqual([1, `icefall: ${expected}\n`]);
  });
});

describe('exit codes', () => {
  test('3 and one clear line where no master is', async () => {
    await api.close();
    const { code, err, out } = await icefall(['status']);
    expect([code, out]).toEqual([3, '']);
    expect(err).toBe(
      `icefall: cannot reach the master at ${api.url}: nothing listens there. Is it running (icefall start)? Name another one with --url or ICEFALL_URL\n`,
    );
  });

  test.each([
    [
      'something else than a master',
      { json: { hello: 'world' } },
      /does not know \(title: .*; is it an Icefall master/,
    ],
    ['an error page', { json: 'Bad gateway', status: 502 }, /with 502 .*; is it an Icefall master/],
  ])('3 where %s answers', async (_, reply, message) => {
    api.replies['GET /status'] = reply;
    const { code, err } = await icefall(['status']);
    expect(code).toBe(3);
    expect(err).toMatch(message);
  });

  test.each([
    [['nonsense']],
    [['status', '--colour']],
    [['log']],
    [['log', 'x']],
    [['builds', '--limit', '0']],
    [['force', 'docs', '--priority', 'high']],
    [['locks', 'release', 'tree', 'b/4', '--reason', 'it hangs']],
    [['status', '--token-file', '/no/such/token']],
    [['cancel', 'seven']],
    [['completion', 'csh']],
    [['status', '--url', 'not an address']],
    [[]],
  ])('2 for a wrong command line: %j', async (args) => {
    const { code, err } = await icefall(args);
    expect(code).toBe(2);
    expect(err).not.toBe('');
    expect(api.asked).toEqual([]);
  });

  test('1 for what the master refuses', async () => {
    const { code, err } = await icefall(['cancel', '7']);
    expect([code, err]).toEqual([1, 'icefall: nothing is at /requests/7/cancel\n']);
  });

  test('130 after Ctrl-C', async () => {
    const terminal = fakeTerminal({ env: { ICEFALL_URL: api.url } });
    api.replies['GET /status'] = () => terminal.interrupt();
    expect(await run(['status'], terminal)).toBe(130);
    expect(terminal.written.err).toBe('icefall: interrupted\n');
  });

  test('0 for help and version', async () => {
    expect(await icefall(['force', '--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('--set <name=value>'),
    });
    expect(await icefall(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe('a mistake in the command line', () => {
  test.each([
    [
      ['worker', 'list', '--bogus'],
      "unknown option '--bogus'",
      'options: --help, --version, --url,',
      'icefall worker list',
    ],
    [['worker', 'xyzzy'], "unknown command 'xyzzy'", 'commands: list, pause,', 'icefall worker'],
    [['frobnicate'], "unknown command 'frobnicate'", 'commands: init, check,', 'icefall'],
  ])('%j is answered with the names that there are', async (args, what, names, called) => {
    const { code, err } = await icefall(args);
    expect(code).toBe(2);
    const [first, second, last] = err.split('\n');
    expect([first, last]).toEqual([`icefall: ${what}`, `(${called} --help tells more)`]);
    expect(second).toContain(names);
  });

  test('with a name that is near, only that one is told', async () => {
    const { err } = await icefall(['builds', '--jsno']);
    expect(err).toBe("icefall: unknown option '--jsno'\n(Did you mean --json?)\n(icefall builds --help tells more)\n");
  });
});

describe('what to do', () => {
  test('stop-build names the build, refuses one that has ended, and gives a reason', async () => {
    api.replies['GET /builders/b/builds/4'] = [
      { json: buildOf({ result: null, state: 'running' }) },
      { json: buildOf() },
    ];
    api.replies['POST /builds/12/stop'] = { json: {} };
    expect((await icefall(['stop-build', 'b/4'])).out).toBe('build b/4 is told to stop\n');
    expect(api.asked.at(-1)?.body).toEqual({ owner: 'ada', reason: 'asked for by ada on the command line' });
    expect(await icefall(['stop-build', 'b/4'])).toMatchObject({
      code: 1,
      err: 'icefall: build b/4 has ended already: SUCCESS\n',
    });
  });

  test('sendchange sends what it is given, properties as JSON where they are', async () => {
    api.replies['POST /changes'] = (response, { body }) => {
      const answer = {
        id: 3,
        committer: null,
        revision: null,
        category: null,
        link: null,
        commits: [],
        source: 'sendchange',
        at: 1,
        receivedAt: 1,
        codebase: '',
        project: '',
        message: '',
      };
      response.end(JSON.stringify({ ...answer, ...(body as object), properties: {} }));
    };
    const args = ['--repository', 'r', '--branch', 'main', '--property', 'n=3', '--property', 't=x y', 'a.c', 'b.c'];
    expect((await icefall(['sendchange', ...args])).out).toBe('change 3: r main\n');
    expect(api.asked[0]?.body).toEqual({
      ...{ repository: 'r', branch: 'main', author: 'ada', files: ['a.c', 'b.c'] },
      properties: { n: 3, t: 'x y' },
    });
  });

  test('reload tells the mistakes with their places, and ends with 1', async () => {
    api.replies['POST /reload'] = {
      status: 422,
      json: {
        error: {
          code: 'bad_config',
          message: 'the configuration has 2 mistake(s):\nx',
          fields: { 0: 'site.ts:1: a', 1: 'site.ts:2: b' },
        },
      },
    };
    const { code, err } = await icefall(['reload']);
    expect([code, err]).toEqual([1, 'icefall: the configuration has 2 mistake(s):\n  site.ts:1: a\n  site.ts:2: b\n']);
  });

  test('worker token issue prints the token alone on standard output', async () => {
    api.replies['POST /workers/w%2F1/token'] = { json: { token: 's3cret' } };
    expect((await icefall(['worker', 'token', 'issue', 'w/1'])).out).toBe('s3cret\n');
  });
});
