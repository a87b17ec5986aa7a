import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { MAX_MESSAGE_BYTES, statusSchema } from '@icefall/shared';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TestMaster } from '../support/master.ts';
import { groundOfFile } from '../support/vitest.ts';
import { TestWorker } from '../support/worker.ts';
import { hello, misbehave } from './rogue-agent.ts';

const SECRET = 'a secret of the code host';

describe('bad input', () => {
  const ground = groundOfFile();
  let master: TestMaster;
  beforeAll(async () => {
    const site = join(import.meta.dirname, 'sites/faults.ts');
    master = await TestMaster.start(ground, { site, env: { HOOK_SECRET: SECRET } });
    await master.worker('steady');
  });

  // Whatever came: the master runs on, its worker is there, and it builds.
  afterEach(async () => {
    const buildset = await master.api.force('quick');
    expect((await master.api.finished(buildset)).result).toBe('SUCCESS');
    expect(master.process.exit).toBeNull();
    expect((await master.api.worker('steady')).connected).toBe(true);
  });

  const rogue = async () => ({ port: master.workerPort, name: 'stranger', token: await master.token('stranger') });
  const workerUrl = () => `ws://127.0.0.1:${master.workerPort}`;

  test('a worker that the site does not know is refused, and both sides say why', async () => {
    const agent = TestWorker.start(ground, { name: 'nobody', token: 'x'.repeat(40), master: workerUrl() });
    await agent.process.wrote(/no worker named "nobody"/);
    await master.process.wrote(/"code":"unknown_worker".*no worker named \\"nobody\\"/);
    await agent.stop();
  });

  test('a worker with a wrong token is refused, and its entry tells of it', async () => {
    await master.token('stranger');
    const agent = TestWorker.start(ground, { name: 'stranger', token: 'y'.repeat(40), master: workerUrl() });
    await agent.process.wrote(/the token is not that of worker "stranger"/);
    const entry = await master.api.waitFor('the refusal', async () => {
      const worker = await master.api.worker('stranger');
      return worker.lastRefusal === null ? null : worker;
    });
    expect(entry).toMatchObject({ connected: false, lastRefusal: expect.stringContaining('the token is not that of') });
    await agent.stop();
  });

  test('a second agent with the name of a connected worker is refused', async () => {
    const token = await master.token('stranger');
    const first = await master.worker('stranger', { token, directory: ground.path('first') });
    const second = TestWorker.start(ground, {
      name: 'stranger',
      token,
      master: workerUrl(),
      directory: ground.path('second'),
    });
    await second.process.wrote(/another agent is connected as "stranger"/);
    expect(first.process.exit).toBeNull();
    expect((await master.api.worker('stranger')).connected).toBe(true);
    await Promise.all([first.stop(), second.stop()]);
  });

  const binary = Uint8Array.of(9, 9, 9);
  test.each<[string, (string | Uint8Array)[], string, number]>([
    ['no JSON', ['hello?'], 'bad_json', 4400],
    ['a message of no known kind', ['{"kind":"surprise"}'], 'bad_message', 4400],
    ['a hello with a wrong field', [hello({ storeId: 7 })], 'bad_message', 4400],
    ['a hello of another version', [hello({ protocol: { major: 99, minor: 0 } })], 'version_mismatch', 4406],
    ['output before the hello', [binary], 'not_greeted', 4400],
  ])('an agent whose first word is %s is told so, and cut off', async (_, frames, code, closed) => {
    expect(await misbehave(await rogue(), frames)).toEqual({ told: [code], closed });
  });

  test('an agent that sends a message larger than any is cut off', async () => {
    expect(await misbehave(await rogue(), ['x'.repeat(MAX_MESSAGE_BYTES + 1)])).toEqual({ told: [], closed: 1009 });
  });

  test('a connected agent that sends nonsense is told each time, and goes on', async () => {
    const nonsense = ['{"kind":', '{"kind":"started"}', binary];
    expect(await misbehave(await rogue(), [hello(), ...nonsense], 4)).toEqual({
      told: ['welcome', 'bad_json', 'bad_message', 'bad_frame'],
      closed: null,
    });
  });

  test.each<[string, string, string, unknown, number, string]>([
    ['no JSON', 'POST', '/api/v1/changes', '{"repository": ', 400, 'bad_json'],
    ['nesting without end', 'POST', '/api/v1/changes', '['.repeat(5000) + ']'.repeat(5000), 400, 'bad_json'],
    ['a wrong field', 'POST', '/api/v1/changes', { repository: 7 }, 422, 'bad_values'],
    [
      'more than a body may hold',
      'POST',
      '/api/v1/schedulers/quick/force',
      { reason: 'x'.repeat(2 ** 21) },
      413,
      'too_large',
    ],
    [
      'a form with a field that it has not',
      'POST',
      '/api/v1/schedulers/quick/force',
      { values: { no: 1 } },
      422,
      'bad_form',
    ],
    ['a scheduler that is not there', 'POST', '/api/v1/schedulers/none/force', {}, 404, 'no_scheduler'],
    ['a build that is not there', 'POST', '/api/v1/builds/999999/stop', {}, 404, 'not_found'],
    ['a build number that is none', 'GET', '/api/v1/builds/first', undefined, 400, 'bad_request'],
    ['a path that is not there', 'GET', '/api/v1/nothing', undefined, 404, 'not_found'],
    ['a method that is not there', 'DELETE', '/api/v1/builds/1', undefined, 405, 'method_not_allowed'],
  ])('%s is answered with a named error', async (_, method, path, body, status, code) => {
    const answer = await master.api.ask(method, path, body);
    expect(answer).toMatchObject({ status, body: { error: { code, message: expect.stringMatching(/./) } } });
  });

  const sign = (body: string) => `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`;
  const push = (body: string, headers: Record<string, string>) =>
    master.api.ask('POST', '/hooks/github', body, { 'x-github-event': 'push', ...headers });

  test('a webhook without a right signature is refused before it is read', async () => {
    expect(await push('{}', {})).toMatchObject({ status: 401, body: { error: { code: 'bad_signature' } } });
    expect(await push('{}', { 'x-hub-signature-256': sign('{ }') })).toMatchObject({ status: 401 });
  });

  test('a webhook that is signed, but no push, is told what is wrong with it', async () => {
    for (const body of ['{"ref": ', '[]', '{"ref": 7}'])
      expect(await push(body, { 'x-hub-signature-256': sign(body) })).toMatchObject({
        status: 400,
        body: { error: { code: 'bad_payload', message: expect.stringMatching(/./) } },
      });
  });

  test('a webhook that is larger than any push is refused', async () => {
    const body = JSON.stringify({ ref: 'x'.repeat(26 * 1024 * 1024) });
    const answer = await push(body, { 'x-hub-signature-256': sign(body) });
    expect(answer).toMatchObject({ status: 413, body: { error: { code: 'too_large' } } });
  });

  test('a client that streams more than is taken still gets to read why', async () => {
    const pieces = Array.from({ length: 20 }, () => new Uint8Array(200_000).fill(32));
    const body = ReadableStream.from(pieces);
    const url = `${master.url}/api/v1/schedulers/quick/force`;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body, duplex: 'half' });
    expect([answer.status, await answer.json()]).toMatchObject([413, { error: { code: 'too_large' } }]);
  });

  test('noise instead of HTTP hurts nobody, on either port', async () => {
    for (const port of [Number(new URL(master.url).port), master.workerPort]) {
      const answer = await noise(port, Buffer.alloc(100_000, 0xff));
      expect(answer === '' || /^HTTP\/1\.1 4\d\d /.test(answer), answer.slice(0, 200)).toBe(true);
    }
    expect((await master.api.get('/status', statusSchema)).workersConnected).toBe(1);
  });

  test.each([
    ['no_program', /no-such-program/],
    ['no_directory', /\/dev\/null\/directory/],
    ['no_repository', /\/nonexistent\/repository\.git/],
  ])('the builder %s fails, and its log names what is missing', async (scheduler, missing) => {
    const buildset = await master.api.force(scheduler);
    expect((await master.api.finished(buildset)).result).toBe('FAILURE');
    const [build] = await master.api.buildsOf(buildset);
    const [step] = build?.steps ?? [];
    expect(step?.result).toBe('FAILURE');
    expect(step === undefined ? '' : `${step.summary}\n${await master.api.text(step)}`).toMatch(missing);
  });
});

/** What a port answers to bytes, until it closes the connection. */
function noise(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    // Cut off in the middle of our noise is a good answer, too.
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}
