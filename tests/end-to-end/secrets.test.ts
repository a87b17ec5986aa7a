import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HttpSink } from '@icefall/master/reporters/testing/http-sink';
import { SmtpSink } from '@icefall/master/reporters/testing/smtp-sink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestApi } from '../support/api.ts';
import { TestMaster } from '../support/master.ts';
import { TestRepository } from '../support/repository.ts';
import { groundOfFile } from '../support/vitest.ts';
import type { TestWorker } from '../support/worker.ts';

const TOKEN = "pl4nted?Sec+ret&'q";
const KEY = [
  '-----BEGIN KEY-----',
  'Zmlyc3QgbGluZSBvZiB0aGUga2V5',
  'c2Vjb25kIGxpbmUgb2YgdGhlIGtleQ',
  '-----END KEY-----',
  '',
];

/** Parts of the secrets in every form they were shown in: long enough that no other text has them. */
const TRACES = [
  'pl4nted?Sec',
  'Sec+ret&',
  ...['', 'a', 'ab'].map((before) =>
    Buffer.from(before + TOKEN)
      .toString('base64')
      .slice(4, 20),
  ),
  ...['pl4nted', 'Sec%2Bret', 'Sec%2bret'],
  Buffer.from(TOKEN).toString('hex').slice(4, 24),
  Buffer.from(TOKEN).toString('hex').toUpperCase().slice(4, 24),
  ...KEY.slice(1, 3),
  ...KEY.slice(1, 3).map((line) => Buffer.from(line).toString('base64').slice(4, 20)),
];

function tracesIn(text: string): string[] {
  const squeezed = text.replace(/\s/g, '');
  return TRACES.filter((trace) => text.includes(trace) || squeezed.includes(trace));
}

/** Files below a folder in which something of a secret is found. */
function filesWithTraces(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size > 0 && tracesIn(`${path} ${readFileSync(path, 'latin1')}`).length > 0);
}

/** Every event from now on until the signal. */
async function collect(api: TestApi, signal: AbortSignal): Promise<string[]> {
  const told: string[] = [];
  try {
    for await (const { data } of api.stream('/events', signal)) told.push(data);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return told;
}

describe('a planted secret', () => {
  const ground = groundOfFile();
  let master: TestMaster;
  let worker: TestWorker;
  let smtp: SmtpSink;
  let http: HttpSink;
  beforeAll(async () => {
    [smtp, http] = [await SmtpSink.start(), await HttpSink.start()];
    // A server that repeats what it was told.
    http.respond = (response, { path, headers }) =>
      path === '/hook' ? response.writeHead(204).end() : response.writeHead(422).end(JSON.stringify(headers));
    const repository = new TestRepository(ground);
    const [secrets, uploads] = [ground.path('secrets'), ground.path('uploads')];
    for (const folder of [secrets, uploads]) mkdirSync(folder);
    writeFileSync(join(secrets, 'token'), `${TOKEN}\n`);
    writeFileSync(join(secrets, 'key'), KEY.join('\n'));
    const env = { SECRETS: secrets, UPLOADS: uploads, REPOSITORY: repository.bare };
    const sinks = { HTTP: http.url, SMTP_PORT: String(smtp.port) };
    master = await TestMaster.start(ground, {
      site: join(import.meta.dirname, 'sites/secrets.ts'),
      env: { ...env, ...sinks },
    });
    worker = await master.worker('north');
  });
  afterAll(async () => {
    await smtp.close();
    await http.close();
  });

  /** Everything that others were told, but for how the master has shown who it is. */
  async function reports(): Promise<string[]> {
    await expect.poll(() => smtp.mails.length, { timeout: 60_000 }).toBe(1);
    const statusesOf = () => http.requests.filter(({ path }) => path !== '/hook').length;
    await expect.poll(() => [http.requests.length, statusesOf()], { timeout: 60_000 }).toEqual([4, 2]);
    const noted = async () => (await fetch(`${master.url}/api/v1/reports`)).text();
    await expect.poll(noted, { timeout: 60_000 }).not.toContain('"waiting"');
    expect(await noted()).toMatch(/answered 422: .*authorization.*\*{8}/);
    const sent = http.requests.map(({ headers: { authorization, ...headers }, ...rest }) => ({ headers, ...rest }));
    return [
      ...smtp.mails.flatMap(({ message, text }) => [message, text]),
      ...sent.map((request) => `${JSON.stringify(request)} ${request.body}`),
      await noted(),
    ];
  }

  test('is found nowhere in logs, database, API, events, page, mails and reports, in whatever disguise it was shown', async () => {
    const { api } = master;
    const listening = new AbortController();
    const events = collect(api, listening.signal);
    const buildset = await api.finished(await api.force('leak'));
    const [build] = await api.buildsOf(buildset);
    if (build === undefined) throw new Error('there is no build');
    const logs = await Promise.all(build.steps.flatMap(({ logs }) => logs.map((log) => api.text({ logs: [log] }))));
    const masked = logs.filter((text) => text.includes('********'));
    // Every step that was given it has shown it, or it would not be tested.
    expect(masked.length).toBeGreaterThanOrEqual(14);
    for (const name of ["of the builder's environment", 'on the master'])
      expect(await api.text(build.steps.find((step) => step.name === name) ?? { logs: [] }), name).toContain(
        '********',
      );
    expect(build.properties.caught?.value).toBe('********');
    expect(build.properties.artifact?.value).toBe('artifact-********');
    const answers = await Promise.all(
      [
        '/api/v1/snapshot',
        `/api/v1/builds/${build.id}`,
        '/api/v1/builders',
        '/api/v1/status',
        '/api/v1/config',
        '/api/v1/audit',
        '/metrics',
        '/cc.xml',
        '/',
      ].map(async (path) => `${path} ${await (await fetch(`${master.url}${path}`)).text()}`),
    );
    const told = await reports();
    listening.abort();
    const seen = await events;
    expect(seen.length).toBeGreaterThan(build.steps.length);
    expect(told.filter((text) => text.includes('********')).length).toBeGreaterThanOrEqual(3);
    expect([...logs, ...answers, ...seen, ...told].filter((text) => tracesIn(text).length > 0)).toEqual([]);
    expect(filesWithTraces(master.directory)).toEqual([]);
    expect(filesWithTraces(join(worker.directory, '.icefall'))).toEqual([]);
    for (const { stdout, stderr } of [master.process, worker.process]) expect(tracesIn(stdout + stderr)).toEqual([]);
    const processes = build.steps.find(({ name }) => name === 'processes');
    // The count of command lines that hold it.
    expect(processes === undefined ? '' : await api.text(processes)).toMatch(/^0$/m);
  });

  test('is not given to a branch that is not trusted, and the step says why', async () => {
    const { api } = master;
    const [build] = await api.buildsOf(await api.finished(await api.force('stranger')));
    expect(build?.result).toBe('FAILURE');
    expect(build?.steps[0]?.summary).toMatch(
      /secret "token" is not given: no rule gives it to a build of branch "refs\/pull\/5\/merge"/,
    );
    expect(existsSync(join(worker.directory, 'strange'))).toBe(false);
  });
});
