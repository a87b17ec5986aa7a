import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from './cli.ts';
import { Gateway } from './client.ts';
import { GatewayDouble } from './double.ts';
import { holdLease } from './hold.ts';
import { authorization, readKey } from './key.ts';

const KEY = { id: 'site', secret: 'hush' };
const REPOSITORY = 'software.example.org';
let double: GatewayDouble;
let directory: string;

beforeEach(async () => {
  double = await GatewayDouble.start({ site: 'hush' });
  directory = mkdtempSync(join(tmpdir(), 'gateway-'));
  writeFileSync(join(directory, 'key'), 'plain_text site hush\n');
});
afterEach(async () => {
  await double[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

/** Runs a command line against the double. */
async function call(...args: string[]) {
  const out: string[] = [];
  const errors: string[] = [];
  const environment = { ICEFALL_GATEWAY_URL: double.url, ICEFALL_GATEWAY_KEY: join(directory, 'key') };
  const code = await run(args, { environment, out: (line) => out.push(line), error: (line) => errors.push(line) });
  return { code, out: out.join('\n'), errors: errors.join('\n') };
}

describe('a key', () => {
  test('signs with the hexadecimal HMAC-SHA-1 in base64', () => {
    // echo -n message | openssl dgst -sha1 -hmac hush, then base64.
    expect(authorization(KEY, 'message')).toBe(
      `site ${Buffer.from('98ca6be676e5b88c6bae8c873e634c067b0228f7').toString('base64')}`,
    );
  });

  test('is read from its file, and never told', () => {
    expect(readKey('plain_text site hush\n', 'x')).toEqual(KEY);
    expect(readKey('plain_text site hush\n# of the gateway\n', 'x')).toEqual(KEY);
    expect(() => readKey('site hush', 'the file')).toThrow('the file is no key of a gateway');
    expect(() => readKey('plain_text a hush more', 'x')).not.toThrow(/hush/);
  });
});

describe('a lease', () => {
  const gateway = (key = KEY) => new Gateway({ url: double.url, key });

  test('is granted, renewed and given back', async () => {
    const token = await gateway().acquire(`${REPOSITORY}/data/gcd`);
    expect([...double.held.values()]).toEqual([`${REPOSITORY}/data/gcd`]);
    expect(await gateway().leases()).toEqual({ [`${REPOSITORY}/data/gcd`]: {} });
    await gateway().renew(token);
    await gateway().release(token);
    expect(double.held.size).toBe(0);
    expect(double.asked.slice(-2)).toEqual(['PATCH /api/v1/leases/TOKEN', 'DELETE /api/v1/leases/TOKEN']);
  });

  test('keeps others out of what overlaps, and only of that', async () => {
    await gateway().acquire(`${REPOSITORY}/data`);
    await expect(gateway().acquire(`${REPOSITORY}/data/gcd`)).rejects.toMatchObject({ code: 'path_busy' });
    await expect(gateway().acquire(REPOSITORY)).rejects.toThrow('is leased to somebody else, for 1h59m59s at most');
    await expect(gateway().acquire(`${REPOSITORY}/data-old`)).resolves.toMatch(/^token/);
  });

  test('is not granted for a wrong key, and not given back twice', async () => {
    await expect(gateway({ id: 'site', secret: 'guess' }).acquire(REPOSITORY)).rejects.toThrow(
      'invalid_hmac: it does not know the key "site", or has another secret for it',
    );
    const token = await gateway().acquire(REPOSITORY);
    await gateway().release(token);
    await expect(gateway().release(token)).rejects.toMatchObject({ code: 'refused' });
    await expect(gateway().renew(token)).rejects.toMatchObject({ code: 'not_renewed' });
  });

  test('cannot be had where nobody answers, or somebody else', async () => {
    const nobody = new Gateway({ url: 'http://127.0.0.1:1/api/v1', key: KEY });
    await expect(nobody.acquire(REPOSITORY)).rejects.toMatchObject({ code: 'unreachable' });
    const other = new Gateway({ url: double.url, key: KEY, fetch: async () => new Response('hello') });
    await expect(other.acquire(REPOSITORY)).rejects.toMatchObject({ code: 'bad_answer' });
  });
});

describe('a lease that is held', () => {
  const gateway = () => new Gateway({ url: double.url, key: KEY });

  test('is renewed while it is used, and given back, also after a failure', async () => {
    const options = { waitMs: 0, say: () => {}, renewEveryMs: 1 };
    const work = async () => {
      while (!double.asked.includes('PATCH /api/v1/leases/TOKEN'))
        await new Promise((resolve) => setImmediate(resolve));
      throw new Error('the work failed');
    };
    await expect(holdLease(gateway(), REPOSITORY, options, work)).rejects.toThrow('the work failed');
    expect(double.held.size).toBe(0);
  });

  test('of a gateway that cannot renew is held all the same, and that is told once', async () => {
    await double[Symbol.asyncDispose]();
    double = await GatewayDouble.start({ site: 'hush' }, false);
    const said: string[] = [];
    const told = () => said.some((line) => line.startsWith('the lease was not renewed'));
    await holdLease(gateway(), REPOSITORY, { waitMs: 0, say: (line) => said.push(line), renewEveryMs: 1 }, async () => {
      while (!told()) await new Promise((resolve) => setImmediate(resolve));
    });
    expect(double.asked.filter((request) => request.startsWith('PATCH'))).toHaveLength(1);
  });

  test('that is gone at the end makes no other end of the work, and is told', async () => {
    const said: string[] = [];
    const work = async () => {
      // As a commit does, or the end of its time.
      double.held.clear();
      return 7;
    };
    expect(await holdLease(gateway(), REPOSITORY, { waitMs: 0, say: (line) => said.push(line) }, work)).toBe(7);
    expect(said.at(-1)).toBe(
      `the lease of ${REPOSITORY} was not given back: the gateway refuses the end of the lease: invalid_token`,
    );
  });

  test('is renewed again once a gateway that was down for a while is back', async () => {
    const said: string[] = [];
    const renewals = () => double.asked.filter((request) => request.startsWith('PATCH')).length;
    const say = (line: string) => {
      said.push(line);
      double.down = null;
    };
    const until = async (isTrue: () => boolean) => {
      while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
    };
    await holdLease(gateway(), REPOSITORY, { waitMs: 0, say, renewEveryMs: 1 }, async () => {
      double.down = 502;
      await until(() => double.down === null);
      const before = renewals();
      await until(() => renewals() > before);
    });
    expect(said).toContain(`the gateway at ${double.url} answered 502 to PATCH: no`);
  });

  test('is waited for', async () => {
    const other = await gateway().acquire(REPOSITORY);
    const say = () => double.held.delete(other);
    await holdLease(gateway(), REPOSITORY, { waitMs: 10, askAgainMs: 1, say }, async (token) => {
      expect(token).not.toBe(other);
    });
  });
});

describe('the command', () => {
  test('acquires into a file that nobody else can read, and releases from it', async () => {
    const token = join(directory, 'token');
    expect(await call('acquire', `${REPOSITORY}/a`, '--token', token)).toMatchObject({ code: 0, out: '' });
    expect([readFileSync(token, 'utf8').trim(), statSync(token).mode & 0o777]).toEqual([
      [...double.held.keys()][0],
      0o600,
    ]);
    expect(await call('renew', '--token', token)).toMatchObject({ code: 0 });
    expect(await call('release', '--token', token)).toMatchObject({ code: 0 });
    expect([double.held.size, existsSync(token)]).toEqual([0, false]);
  });

  test('gives a lease back whose token cannot be kept', async () => {
    const token = join(directory, 'no', 'such', 'folder');
    expect(await call('acquire', REPOSITORY, '--token', token)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('ENOENT'),
    });
    expect(double.held.size).toBe(0);
  });

  test('holds a lease while a program runs, and ends with its exit code', async () => {
    const seen = join(directory, 'seen');
    const held = await call('hold', REPOSITORY, '--', 'sh', '-c', 'echo "$ICEFALL_LEASE_TOKEN" > "$0"; exit 7', seen);
    expect([held.code, readFileSync(seen, 'utf8')]).toEqual([7, 'token-1\n']);
    expect(double.held.size).toBe(0);
    expect((await call('hold', REPOSITORY, '--', join(directory, 'no such program'))).code).toBe(1);
    expect(double.held.size).toBe(0);
  });

  test('keeps the lease of somebody else while a program runs, and does not give it back', async () => {
    const file = join(directory, 'session_token');
    const token = await new Gateway({ url: double.url, key: KEY }).acquire(REPOSITORY);
    writeFileSync(file, token);
    expect((await call('keep', '--token', file, '--', 'sh', '-c', 'exit 7')).code).toBe(7);
    expect([...double.held.keys()]).toEqual([token]);
    expect(double.asked.slice(1)).toEqual(['PATCH /api/v1/leases/TOKEN']);
  });

  test('runs a program also where the lease is gone, and says so', async () => {
    const file = join(directory, 'session_token');
    writeFileSync(file, 'token-of-yesterday\n');
    const kept = await call('keep', '--token', file, '--', 'true');
    expect(kept).toMatchObject({
      code: 0,
      errors: expect.stringContaining('the lease was not renewed: invalid_token'),
    });
  });

  test('ends with 75 where the path is leased to somebody else', async () => {
    await new Gateway({ url: double.url, key: KEY }).acquire(REPOSITORY);
    expect(await call('acquire', `${REPOSITORY}/a`)).toMatchObject({ code: 75 });
  });

  test.each([
    [['acquire'], 'say what to lease'],
    [['acquire', 'software'], 'say what to lease'],
    [['acquire', `${REPOSITORY}/../x`], 'say what to lease'],
    [['hold', REPOSITORY], 'hold takes a command after "--"'],
    [['release'], 'say which lease: --token FILE'],
    [['keep', '--token', '/no/such/file'], 'keep takes a command after "--"'],
    [['keep', '--', 'true'], 'say which lease: --token FILE'],
    [['acquire', REPOSITORY, '--wait', 'long'], '--wait is a whole number'],
    [['acquire', REPOSITORY, '--url', 'gateway'], 'say where the gateway is'],
    [['acquire', REPOSITORY, '--key', '/no/such/file'], 'cannot be read'],
    [['commit', REPOSITORY], '"commit" is not a command'],
    [['acquire', REPOSITORY, '--secret', 'x'], '--secret'],
  ])('tells what is wrong with its command line (%#)', async (args, why) => {
    expect(await call(...args)).toMatchObject({ code: 2, errors: expect.stringContaining(why) });
  });
});
