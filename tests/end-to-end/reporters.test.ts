import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HttpSink } from '@icefall/master/reporters/testing/http-sink';
import { SmtpSink } from '@icefall/master/reporters/testing/smtp-sink';
import { reporterSchema } from '@icefall/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { TestMaster } from '../support/master.ts';
import { TestRepository } from '../support/repository.ts';
import { groundOfFile } from '../support/vitest.ts';

/** No event tells of what reporters do. */
const PATIENTLY = { timeout: 60_000, interval: 50 };
/** Whoever looks at what has not arrived yet looks again. */
const arrived = <T>(what: string, list: readonly T[], count: number) =>
  eventually(what, () => (list.length >= count ? list : null), 60_000);

describe('those who wait for a build', () => {
  const ground = groundOfFile();
  let smtp: SmtpSink;
  let http: HttpSink;
  let repository: TestRepository;
  let master: TestMaster;
  beforeAll(async () => {
    [smtp, http, repository] = [await SmtpSink.start(), await HttpSink.start(), new TestRepository(ground)];
    const secrets = ground.path('secrets');
    mkdirSync(secrets);
    writeFileSync(join(secrets, 'token'), 'swordfish-17\n');
    const env = { SECRETS: secrets, REPOSITORY: repository.bare, HTTP: http.url, SMTP_PORT: String(smtp.port) };
    master = await TestMaster.start(ground, { site: join(import.meta.dirname, 'sites/reporters.ts'), env });
    await master.worker('north');
  });
  afterAll(async () => {
    await smtp.close();
    await http.close();
  });

  const subjects = () => smtp.mails.map(({ message }) => /^Subject: (.*)$/m.exec(message)?.[1]);
  const quick = async () => master.api.finished(await master.api.force('force', { builders: ['quick'] }));
  const mailReporter = async () => {
    const parse = (value: unknown) => reporterSchema.array().parse(Object(value).reporters);
    return (await master.api.get('/reporters', { parse })).find(({ name }) => name === 'mail');
  };

  test('are told of a push by mail, on its commit and over HTTP', async () => {
    const revision = repository.push({ 'gate.c': 'int x;\n' }, 'Mend the gate');
    const [mail] = await arrived('the mail', smtp.mails, 1);
    expect(subjects()).toEqual([`[Reporters] gate #1 failed (main ${revision.slice(0, 10)})`]);
    expect(mail).toMatchObject({ to: ['team@example.org', 'ada@example.org'], auth: 'ci swordfish-17' });
    expect(mail?.text).toContain('Ada <ada@example.org>: Mend the gate');
    expect(mail?.text).toContain('https://ci.example.org/builds/1#step-0');
    expect(mail?.text).toContain('gate.c:7: no such hinge');
    const status = `/api/v1/repos/group/gate/statuses/${revision}`;
    const told = await eventually('both ends of both', () => {
      const of = (path: string) => http.requests.filter((request) => request.path === path);
      return of(status).length === 2 && of('/hook').length === 2 ? { status: of(status), hook: of('/hook') } : null;
    });
    expect(told.status.map(({ body }) => JSON.parse(body).state)).toEqual(['pending', 'failure']);
    expect(told.status[0]?.headers.authorization).toBe('token swordfish-17');
    expect(told.hook.map(({ body }) => JSON.parse(body).event)).toEqual(['build.start', 'build.end']);
    expect(told.hook.map(({ headers }) => headers['x-icefall-signature'])).toEqual(
      Array.from({ length: 2 }, () => expect.stringMatching(/^sha256=[0-9a-f]{64}$/)),
    );
  });

  test('are told when the mail server is back, by a master that was killed meanwhile; builds have waited for neither', async () => {
    const port = smtp.port;
    await smtp.close();
    for (let i = 0; i < 3; i += 1) await quick();
    await expect
      .poll(mailReporter, PATIENTLY)
      .toMatchObject({ waiting: 3, delivered: 1, lastError: expect.stringContaining('ECONNREFUSED') });
    const told = await new TestCli(ground, master).run('reporters');
    expect(told.stdout).toMatch(/^mail +mail .* 3 +since .*, (one try|\d tries), again .*: .*ECONNREFUSED/m);
    await master.kill();
    await smtp.listen(port);
    await master.startAgain();
    await arrived('what was missed', smtp.mails, 4);
    expect(subjects().slice(1)).toEqual([1, 2, 3].map((n) => `[Reporters] quick #${n} passed`));
  });

  test('are told again where a master was killed before it heard that a mail had arrived', async () => {
    smtp.isMute = true;
    await quick();
    await arrived('the mail', smtp.mails, 5);
    await quick();
    await master.kill();
    smtp.isMute = false;
    await master.startAgain();
    await arrived('both mails', smtp.mails, 7);
    expect(subjects().slice(4)).toEqual([4, 4, 5].map((n) => `[Reporters] quick #${n} passed`));
    const ids = smtp.mails.slice(4).map(({ message }) => /^Message-ID: (.*)$/m.exec(message)?.[1]);
    expect([ids[0], new Set(ids).size]).toEqual([ids[1], 2]);
    await expect.poll(mailReporter, PATIENTLY).toMatchObject({ waiting: 0, delivered: 6, givenUp: 0 });
  });
});
