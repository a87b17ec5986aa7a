import { describe, expect, test } from 'vitest';
import { secret } from '../secrets/reference.ts';
import { mistakesIn, problemsOf } from '../steps/test-run.ts';
import { builder, factory } from './builders.ts';
import { describeSite } from './description.ts';
import { formatProblem } from './problems.ts';
import { commitStatusReporter, mailReporter, webhookReporter } from './reporters.ts';
import { site } from './site-program.ts';
import { worker } from './workers.ts';

const w1 = worker({ name: 'w1' });
const linux = builder({ name: 'linux', workers: [w1], factory: factory([]), tags: ['fast'] });
const mail = { name: 'mail', server: { host: 'mail.example.org' }, from: 'ci@example.org', to: ['team@example.org'] };
const status = { name: 'status', kind: 'github', url: 'https://github.com', token: secret('token') } as const;
const hook = { name: 'hook', url: 'https://hook.example.org/x', secret: secret('hook') };
// What the compiler refuses, a program may hold all the same.
const wrong = (declare: (options: never) => unknown, options: unknown) => mistakesIn(() => declare(options as never));

describe('a reporter', () => {
  test('by mail tells of failures and changes, with STARTTLS, unless told otherwise', () => {
    expect(mailReporter(mail)).toMatchObject({
      type: 'reporter',
      kind: 'mail',
      server: { host: 'mail.example.org', port: 587, tls: 'startTls', user: null, password: null },
      when: ['failing', 'exception', 'change'],
      moments: ['end'],
      builders: null,
      tags: null,
      branches: null,
    });
    expect(mailReporter({ ...mail, server: { host: 'm', tls: 'tls' } }).server.port).toBe(465);
    expect(mailReporter({ ...mail, when: 'problem' }).when).toEqual(['problem']);
  });

  test('on commits and over HTTP tells of beginnings and of all ends', () => {
    const both = { moments: ['start', 'end'], when: ['always'] };
    expect(commitStatusReporter({ ...status, url: 'https://github.com/' })).toMatchObject({
      ...both,
      url: 'https://github.com',
      host: 'github',
    });
    expect(webhookReporter(hook)).toMatchObject(both);
  });

  test.each([
    [{}, /^mailReporter: option "name"/],
    [{ ...mail, to: [] }, /option "to": must name somebody/],
    [{ ...mail, to: ['team'] }, /option "to.0": must be a mail address, or 'authors'/],
    [{ ...mail, from: 'CI <ci@example.org>' }, /option "from": must be a mail address/],
    [{ ...mail, from: 'ci@example.org\r\nBcc: x@example.com' }, /option "from"/],
    [{ ...mail, to: ['authors'] }, /option "to": authors are whoever a push says; say whom to write to/],
    [{ ...mail, when: 'sometimes' }, /option "when": must be one of failing, passing/],
    [{ ...mail, server: { host: 'a b' } }, /option "server.host": must be the name or address/],
    [{ ...mail, server: { host: 'm', user: 'ci' } }, /option "server": user and password belong together/],
    [{ ...mail, server: { host: 'm', user: 'ci', password: 'x' } }, /option "server.password": must be a secret/],
    [
      { ...mail, server: { host: 'm', tls: 'none', user: 'ci', password: secret('x') } },
      /the password would travel in plain text/,
    ],
    [{ ...mail, subject: 'x' }, /option "subject": must be a function/],
    [{ ...mail, builders: ['linux'] }, /option "builders.0": must be a builder/],
    [{ ...mail, cc: [] }, /"cc"/],
  ])('by mail tells at load what is wrong with it (%#)', (options, expected) => {
    expect(wrong(mailReporter, options).join('\n')).toMatch(expected);
  });

  test.each([
    [commitStatusReporter, { ...status, kind: 'svn' }, /option "kind"/],
    [commitStatusReporter, { ...status, url: 'http://git.example.org' }, /option "url": must be an https address/],
    [commitStatusReporter, { ...status, url: 'https://me:pw@git.example.org' }, /option "url"/],
    [commitStatusReporter, { ...status, token: 'abc' }, /option "token": must be a secret/],
    [webhookReporter, { ...hook, url: 'file:///etc/passwd' }, /option "url": must be an http or https address/],
    [webhookReporter, { ...hook, secret: undefined }, /option "secret"/],
    [webhookReporter, { ...hook, moments: [] }, /option "moments"/],
  ])('of other kinds does so, too (%#)', (declare, options, expected) => {
    expect(wrong(declare, options)).toEqual([expect.stringMatching(expected)]);
  });

  test('on this machine may be told over plain HTTP', () => {
    expect(mistakesIn(() => commitStatusReporter({ ...status, url: 'http://127.0.0.1:3000' }))).toEqual([]);
  });

  test('is checked with the whole site, at its place', () => {
    const declared = () =>
      site({
        ...{ title: 't', workers: [w1], builders: [linux] },
        reporters: [
          mailReporter({ ...mail, tags: ['slow'] }),
          mailReporter({ ...mail, builders: [builder({ name: 'other', workers: [w1], factory: factory([]) })] }),
          webhookReporter(hook),
        ],
      });
    const told = problemsOf(declared).map(formatProblem);
    expect(told).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/reporters\.test\.ts:\d+: a second reporter is named "mail"/),
        expect.stringMatching(/: reporter "mail" links to the page; say where that is: site\({ url }\)/),
        expect.stringMatching(/: reporter "mail" names tag "slow", which no builder has/),
        expect.stringMatching(/: reporter "mail" names builder "other", which the site does not list/),
        expect.stringMatching(/: reporter "hook": secret "hook" comes from nowhere/),
      ]),
    );
  });

  test('is told without what it keeps secret when the configuration is shown', () => {
    const server = { host: 'm', user: 'ci', password: secret('mail-password') };
    let described = {};
    problemsOf(() => {
      const reporters = [mailReporter({ ...mail, server }), commitStatusReporter(status)];
      described = describeSite(site({ title: 't', workers: [w1], builders: [linux], reporters })).options;
    });
    expect(described).toMatchObject({
      reporters: [
        { name: 'mail', kind: 'mail', server: { host: 'm', password: 'mail-password' } },
        { name: 'status', kind: 'commitStatus', token: 'token' },
      ],
    });
  });
});
