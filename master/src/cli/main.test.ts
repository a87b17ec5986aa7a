import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { statusSchema } from '@icefall/shared';
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { fakeApi } from './testing/fake-api.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

let folder: string;
const running: ChildProcess[] = [];
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'icefall-cli-')));
});
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
});

/** Runs a command to its end. */
function icefall(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  /** Standard error until now. */
  log(): string;
  /** Resolves when the log has this in it. */
  logged(text: string): Promise<void>;
}

/** Starts a master on free ports, and waits until it says its address. */
async function start(...args: readonly string[]): Promise<Started> {
  const line = [MAIN, 'start', '.', '--port', '0', '--worker-port', '0', ...args];
  const child = spawn(process.execPath, line, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  let out = '';
  let err = '';
  const heard: (() => void)[] = [];
  const hear = () => {
    for (const check of heard) check();
  };
  child.stdout?.on('data', (data) => {
    out += String(data);
    hear();
  });
  child.stderr?.on('data', (data) => {
    err += String(data);
    hear();
  });
  const until = (isThere: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const check = () => {
        if (isThere()) resolve();
      };
      heard.push(check);
      child.once('exit', (code) => reject(new Error(`the master ended with ${code}: ${out}${err}`)));
      check();
    });
  await until(() => /runs/.test(out + err));
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(out + err)?.[0] ?? '';
  return { child, url, log: () => err, logged: (text) => until(() => err.includes(text)) };
}

describe('a new site', () => {
  test('is made once, has no mistake, and is not overwritten', () => {
    expect(icefall('init', 'mine')).toMatchObject({ code: 0, out: expect.stringContaining('made mine/site.ts') });
    expect(icefall('check', 'mine')).toMatchObject({ code: 0, out: expect.stringMatching(/^My site: no mistakes/) });
    writeFileSync(join(folder, 'mine', 'site.ts'), 'changed');
    expect(icefall('init', 'mine')).toMatchObject({ code: 1, err: expect.stringContaining('has site.ts, README.md') });
    expect(readFileSync(join(folder, 'mine', 'site.ts'), 'utf8')).toBe('changed');
  });

  test('is refused where one of its files is there, and nothing is written', () => {
    mkdirSync(join(folder, 'mine'));
    writeFileSync(join(folder, 'mine', 'README.md'), 'my own');
    expect(icefall('init', 'mine').code).toBe(1);
    expect(existsSync(join(folder, 'mine', 'site.ts'))).toBe(false);
  });

  test('that cannot be written says why', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(icefall('init', 'file/mine')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^icefall: E\w+: .*file\/mine'\n$/),
    });
  });

  test('with mistakes is told by check: each with its place, exit code 1; a missing one as well', () => {
    writeFileSync(
      join(folder, 'site.ts'),
      `import { site, worker } from '@icefall/master/config';\nworker({ name: 'a b' });\nexport default site({ title: '', workers: [], builders: [] });\n`,
    );
    const { code, out, err } = icefall('check');
    expect(code).toBe(1);
    expect(out.split('\n').map((line) => line.split(': ', 2).join(': '))).toEqual([
      'site.ts:2: worker "a b"',
      'site.ts:3: site',
      'site.ts:3: site',
      '',
    ]);
    expect(err).toBe('icefall: 3 mistakes\n');
    expect(JSON.parse(icefall('check', '--json').out).problems[0]).toMatchObject({ file: 'site.ts', line: 2 });
    expect(icefall('check', 'nowhere')).toMatchObject({ code: 1, out: expect.stringContaining('there is no') });
  });

  test('whose types are wrong loads, but is refused by check; a line with two mistakes is told once', () => {
    writeFileSync(
      join(folder, 'site.ts'),
      `import { builder, factory, site, worker } from '@icefall/master/config';
const count: number = 'two';
const w = worker({ name: 'w', maxBuilds: true });
const b = builder({ name: 'b', workers: [w], factory: factory([]) });
export default site({ title: 'Types', workers: [w], builders: [b] });
`,
    );
    const { code, out } = icefall('check');
    expect(code).toBe(1);
    expect(out.split('\n').map((line) => line.split(': ', 2).join(': '))).toEqual([
      'site.ts:3: worker "w"',
      "site.ts:2: Type 'string' is not assignable to type 'number' (TS2322)",
      '',
    ]);
    writeFileSync(join(folder, 'site.ts'), readFileSync(join(folder, 'site.ts'), 'utf8').replace('true', '2'));
    expect(icefall('check', '--no-types').code).toBe(0);
  });
});

describe('a simulation', () => {
  test('shows what a push, a person or the clock would start, without a master', () => {
    icefall('init', '.');
    const { code, out } = icefall('simulate', '--push', 'main', '--duration', 'build=2h');
    expect([code, out]).toEqual([0, expect.stringContaining('a push to main: ')]);
    expect(icefall('simulate', '--force', 'nobody')).toMatchObject({
      code: 2,
      err: expect.stringContaining('the site has no force scheduler "nobody"; it has '),
    });
    expect(icefall('simulate', '--push', 'main', '--fail', 'nothing')).toMatchObject({
      code: 2,
      err: expect.stringContaining('no builder has a step "nothing"; there is '),
    });
    expect(icefall('simulate', '--at', 'soon').err).toContain('"soon" is no time');
    expect(icefall('simulate').err).toContain('say what happens');
    const { out: json } = icefall('simulate', '--at', '2025-03-30', '--for', '2h', '--json');
    expect(JSON.parse(json)).toMatchObject({ timeZone: expect.any(String), starts: [], builds: [] });
  });
});

describe('a master', () => {
  test('tells by plan what another configuration would change, and keeps what was in force on record', async () => {
    icefall('init', '.');
    const { url } = await start();
    const plan = (...args: string[]) => icefall('plan', '--url', url, ...args);
    expect(plan('--exit-code')).toMatchObject({ code: 0, out: expect.stringContaining('nothing would change') });
    const site = readFileSync(join(folder, 'site.ts'), 'utf8');
    writeFileSync(join(folder, 'site.ts'), site.replace('My site', 'Our site'));
    expect(plan()).toMatchObject({ code: 0, out: expect.stringContaining('    title: "My site" → "Our site"\n') });
    expect(plan('--exit-code').code).toBe(1);
    expect(JSON.parse(plan('--json').out)).toMatchObject({ comparedWith: 1, changes: true });
    icefall('reload', '--url', url);
    expect(plan('--exit-code')).toMatchObject({ code: 0, out: expect.stringContaining('version 2 says the same') });
    const past = await (await fetch(`${url}/api/v1/config/1`)).json();
    expect(past).toMatchObject({ version: 1, site: { options: { title: 'My site' } } });
    expect((await fetch(`${url}/api/v1/config/9`)).status).toBe(404);
    writeFileSync(join(folder, 'site.ts'), 'export default 1;');
    expect(plan()).toMatchObject({ code: 1, out: expect.stringContaining('export default site') });
  });

  test('runs, keeps a second one out, reloads at HUP, and ends cleanly by stop', async () => {
    icefall('init', '.');
    const { child, url, logged, log } = await start();
    const status = async () => statusSchema.parse(await (await fetch(`${url}/api/v1/status`)).json());
    expect(JSON.parse(icefall('status', '--url', url, '--json').out)).toMatchObject({
      title: 'My site',
      configVersion: 1,
    });
    expect(icefall('start', '.', '--port', '0', '--worker-port', '0')).toMatchObject({
      code: 1,
      err: expect.stringContaining(`another master (process ${child.pid}) runs on ${join(folder, 'master')}`),
    });

    const site = readFileSync(join(folder, 'site.ts'), 'utf8');
    writeFileSync(join(folder, 'site.ts'), `${site}\nconst x = ;\n`);
    child.kill('SIGHUP');
    await logged('the older configuration runs on');
    expect(log()).toMatch(/site\.ts:\d+: syntax error/);
    expect(await status()).toMatchObject({ configVersion: 1, configErrors: [expect.stringContaining('syntax error')] });
    writeFileSync(join(folder, 'site.ts'), `${site}\nprocess.exit(0);\n`);
    expect(icefall('reload', '--url', url)).toMatchObject({
      code: 1,
      err: expect.stringContaining('ended the process'),
    });
    writeFileSync(
      join(folder, 'site.ts'),
      `${site.replace('My site', 'Our site')}\nsetTimeout(() => fail('later'), 500);\nfunction fail(why: string) {\n  throw new Error(why);\n}\n`,
    );
    child.kill('SIGHUP');
    await logged('the configuration was loaded again');
    await logged("the site's program failed in a timer or promise of its own, beside the master");
    expect(await status()).toMatchObject({ title: 'Our site', configVersion: 2, configErrors: [] });

    expect(icefall('stop', '.')).toMatchObject({ code: 0, out: `stopped (process ${child.pid})\n` });
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(0);
    expect(icefall('stop', '.')).toMatchObject({ code: 0, out: 'no master runs on .\n' });
    expect(icefall('status', '--url', url).code).toBe(3);
  });

  test('that was killed leaves nothing in the way of the next one, which logs JSON where asked', async () => {
    icefall('init', '.');
    const first = await start();
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const second = await start('--json-log');
    const lines = second
      .log()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'runs', url: second.url, pid: second.child.pid }));
    second.child.kill('SIGINT');
    expect(await once(second.child, 'exit')).toEqual([0, null]);
  });

  test('says which port is taken and how to choose another one, and ends with 2, its state untouched', async () => {
    icefall('init', '.');
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    for (const [option, free] of [
      ['--port', '--worker-port'],
      ['--worker-port', '--port'],
    ] as const) {
      const { code, err } = icefall('start', '.', option, String(port), free, '0');
      expect(code).toBe(2);
      expect(err).toBe(
        `icefall: port ${port} on 127.0.0.1 is taken by another program; end that, or choose another port with ${option}\n`,
      );
    }
    other.close();
    expect(existsSync(join(folder, 'master'))).toBe(false);
  });

  test('does not start with a mistake in its configuration, and tells all of them', () => {
    writeFileSync(
      join(folder, 'site.ts'),
      `import { site } from '@icefall/master/config';\nexport default site({ title: '', workers: [], builders: [] });\n`,
    );
    const { code, err } = icefall('start', '.', '--port', '0', '--worker-port', '0');
    expect(code).toBe(1);
    expect(err).toMatch(/^icefall: the configuration has 2 mistakes\nsite\.ts:2: .*title.*\nsite\.ts:2: .*builders/);
  });
});

describe('a hook', () => {
  test('is installed for the master that --url names', () => {
    execFileSync('git', ['init', '--quiet', '--bare', join(folder, 'r.git')]);
    const { code, out } = icefall('hook', 'install', 'r.git', '--url', 'http://127.0.0.1:8123');
    expect(code).toBe(0);
    expect(out).toContain(`pushes are told to http://127.0.0.1:8123 as ${join(folder, 'r.git')}`);
    expect(existsSync(join(folder, 'r.git', 'hooks', 'post-receive'))).toBe(true);
    expect(icefall('hook', 'flush', 'r.git')).toMatchObject({ code: 0, out: 'nothing waits\n' });
    expect(icefall('hook', 'install', 'nowhere.git')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^icefall: .*nowhere/),
    });
  });
});

describe('what is piped', () => {
  test('comes whole, however late it is read, and however much it is', async () => {
    const api = await fakeApi();
    onTestFinished(() => api.close());
    const builder = {
      ...{ tags: [], group: '', description: 'x'.repeat(2000), workers: [], pendingRequests: 0, runningBuilds: 0 },
      ...{ lastResult: null, forceSchedulers: [] },
    };
    const builders = Array.from({ length: 1000 }, (_, i) => ({ name: `b${i}`, ...builder }));
    api.replies['GET /builders'] = { json: { builders } };
    const line = `"$0" "$1" builders --json --url "$2" | { sleep 1; wc -c; }`;
    const child = spawn('sh', ['-c', line, process.execPath, MAIN, api.url], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [read] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(Number(read)).toBe(JSON.stringify({ builders }, null, 2).length + 1);
  });
});

describe('completion', () => {
  let input: string;
  beforeAll(() => {
    input = execFileSync(process.execPath, [MAIN, 'completion', 'bash'], { encoding: 'utf8' });
  });

  /** What bash offers after these words, the last one begun. */
  function offered(...words: readonly string[]): string[] {
    const script = `eval "$(cat)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _icefall; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', script, 'bash', 'icefall', ...words], { input, encoding: 'utf8' })
      .trim()
      .split('\n');
  }

  test('offers commands, sub-commands, options and choices in bash', () => {
    expect(offered('sta')).toEqual(['start', 'status']);
    expect(offered('worker', '')).toEqual(['list', 'pause', 'resume', 'shutdown', 'token']);
    expect(offered('--json', 'force', 'try', '--w')).toEqual(['--wait']);
    expect(offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  test('describes each command for zsh and fish', () => {
    expect(icefall('completion', 'zsh').out).toContain("'queue:list the requests that wait, and why each does'");
    expect(icefall('completion', 'fish').out).toContain(
      "-a 'queue' -d 'list the requests that wait, and why each does'",
    );
  });
});
