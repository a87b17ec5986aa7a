import type { Step } from '@icefall/shared';
import fc from 'fast-check';
import { createTransport } from 'nodemailer';
import { describe, expect, test } from 'vitest';
import { isMailAddress, type MailReporterOptions, mailReporter } from '../config/reporters.ts';
import { mailOf } from './mail.ts';
import type { Report } from './report.ts';
import { CHANGE, reportOf, rightly } from './test-report.ts';
import type { Mail } from './transport.ts';

fc.configureGlobal({ seed: 20250602 });

const OPTIONS: MailReporterOptions = {
  ...{ name: 'mail', from: 'ci@example.org', to: ['team@example.org', 'authors'] },
  ...{ server: { host: 'mail.example.org' }, authors: { domains: ['Example.org'] } },
};
const step: Step = {
  ...{ buildId: 17, number: 2, name: 'compile', kind: 'shell', state: 'finished', result: 'FAILURE', startedAt: 0 },
  ...{ locksAcquiredAt: 0, finishedAt: 1, summary: 'exit code 2', hidden: false, blocker: null, urls: [] },
  ...{ triggeredRequestIds: [], logs: [], pid: null },
};

/** Declared once: to find the place of a declaration takes long in a test. */
const REPORTER = rightly(() => mailReporter(OPTIONS));

function mailFor(options: Partial<MailReporterOptions>, report: Report = reportOf({}), isRestricted = false) {
  return mailOf(
    rightly(() => mailReporter({ ...OPTIONS, ...options })),
    report,
    { password: null, isRestricted },
  );
}

describe('a mail', () => {
  test('tells what failed, where, by whose changes, with the end of the log and links to the page', () => {
    const log = { name: 'stdio', url: 'https://ci.example.org/logs/9', lines: ['cc gate.c', 'gate.c:1: error'] };
    const failed = { step, url: 'https://ci.example.org/builds/17#step-2', log };
    const mail = mailFor({}, reportOf({ failed }));
    expect(mail?.subject).toBe('[Test] linux #5 failed (main a1a1a1a1a1)');
    expect(mail?.text).toBe(`linux #5 failed: FAILURE, after SUCCESS, in 3 m 20 s on worker w1.
compile failed
https://ci.example.org/builds/17

Why: a change on main
Source: https://git.example.org/group/widgets.git, main, ${'a1'.repeat(20)}

Changes:
  b2b2b2b2b2 Bob <bob@elsewhere.example>: Try the gate
  a1a1a1a1a1 Ada <ada@example.org>: Mend the gate

Step "compile" ended as FAILURE: exit code 2
https://ci.example.org/builds/17#step-2

The end of its log "stdio" (https://ci.example.org/logs/9):

  cc gate.c
  gate.c:1: error
`);
  });

  test.each([
    ['SUCCESS', 'SUCCESS', 'passed'],
    ['SUCCESS', 'FAILURE', 'works again'],
    ['FAILURE', 'FAILURE', 'still fails'],
    ['FAILURE', null, 'failed'],
    ['EXCEPTION', 'SUCCESS', 'could not be built'],
    ['CANCELLED', 'SUCCESS', 'was cancelled'],
  ] as const)('of %s after %s says that the build %s', (result, previous, words) => {
    expect(mailFor({}, reportOf({ build: { result }, previous }))?.subject).toContain(`linux #5 ${words} (`);
  });

  test('goes to those that the site names, and to authors of the domains that it lets', () => {
    expect(mailFor({})?.to).toEqual(['team@example.org', 'ada@example.org']);
    expect(mailFor({ to: ['authors'], authors: { domains: ['other.example'] } })).toBeNull();
    const lookup = (author: string) => (author.startsWith('Bob') ? 'bob@example.com' : null);
    expect(mailFor({ to: ['authors'], authors: { lookup } })?.to).toEqual(['bob@example.com']);
  });

  test('of builds that not everybody may view goes to authors only where the site says so', () => {
    expect(mailFor({}, reportOf({}), true)?.to).toEqual(['team@example.org']);
    const authors = { domains: ['example.org'], ofRestricted: true };
    expect(mailFor({ authors }, reportOf({}), true)?.to).toEqual(['team@example.org', 'ada@example.org']);
  });

  test('is written to fifty people at most, those that the site names first', () => {
    const commits = Array.from({ length: 200 }, (_, i) => ({
      ...{ revision: 'c', author: `<a${i}@example.org>`, message: '', at: 0 },
    }));
    const to = mailFor({}, reportOf({ changes: [{ ...CHANGE, commits }] }))?.to ?? [];
    expect([to.length, to[0]]).toEqual([50, 'team@example.org']);
  });

  test('is what functions of the site make of it; what is no text is refused', () => {
    const mail = mailFor({ subject: ({ build }) => `${build.builder}!`, body: ({ url }) => `see ${url}` });
    expect([mail?.subject, mail?.text]).toEqual(['linux!', 'see https://ci.example.org/builds/17']);
    const wrong: object = { body: () => 5 };
    expect(() => mailFor(wrong)).toThrow('body() gave 5; it must give text');
    expect(() => mailFor({ to: ['authors'], authors: { lookup: () => 'a@b.example, c@d.example' } })).toThrow(
      'must give one mail address',
    );
  });
});

/** The message as it goes over the wire. */
async function wireOf({ from, to, subject, text, messageId, headers }: Mail): Promise<string> {
  const transport = createTransport({ streamTransport: true, buffer: true });
  const { message } = await transport.sendMail({ from, to: [...to], subject, text, messageId, headers });
  return String(message);
}

const ATTACKS = [
  'x\r\nBcc: victim@example.com',
  'x\nBcc: victim@example.com\n\nbody',
  'x\rBcc: victim@example.com',
  'x\u2028Bcc: victim@example.com',
  'x\u0000\u000b\u000cBcc: victim@example.com',
  '=?utf-8?q?x=0d=0aBcc:_victim@example.com?=',
  `${'long '.repeat(2000)}\r\nBcc: victim@example.com`,
];

/** Of all there is in Unicode, often what ends a line; fast-check's own of that kind takes seconds to be made. */
const character = fc.oneof(
  fc.constantFrom('\r', '\n', '\u0000', '\u0085', '\u2028', '\u2029', ' ', ':', '<', '>'),
  fc.integer({ min: 0, max: 0x10ffff }).map((point) => String.fromCodePoint(point)),
);
const anyText = fc.array(character, { maxLength: 40 }).map((characters) => characters.join(''));

describe('the headers of a mail', () => {
  const namesIn = (message: string) =>
    (message.split('\r\n\r\n', 1)[0] ?? '')
      .split('\r\n')
      .filter((line) => !/^[ \t]/.test(line))
      .map((line) => line.split(':', 1)[0]?.toLowerCase() ?? '')
      .sort();
  const attacked = (text: string) =>
    reportOf({
      site: { title: text, url: 'https://ci.example.org' },
      build: {
        builder: text,
        sourceStamps: [{ codebase: '', repository: text, branch: text, revision: text, project: '' }],
      },
      changes: [{ ...CHANGE, author: `${text} <ada@example.org>`, message: text, commits: [] }],
    });

  test.each(ATTACKS)('are the same whatever authors, branches and commits are called: %j', async (text) => {
    const [honest, mail] = [mailFor({}), mailFor({ subject: () => text }, attacked(text))];
    expect.assert(honest !== null && mail !== null);
    expect(namesIn(await wireOf(mail))).toEqual(namesIn(await wireOf(honest)));
    expect(mail.to.filter((one) => !['team@example.org', 'ada@example.org'].includes(one))).toEqual([]);
    expect(mail.subject.length).toBeLessThanOrEqual(200);
  });

  test('hold nothing that ends a line, whatever text comes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const mail = mailOf(REPORTER, attacked(text), { password: null, isRestricted: false });
        const values = [mail?.subject, mail?.from.name, ...Object.values(mail?.headers ?? {}), ...(mail?.to ?? [])];
        expect(values.filter((value) => /[\p{Cc}\u2028\u2029]/u.test(value ?? ''))).toEqual([]);
      }),
    );
  });
});

test.each([
  'a@b.example, c@d.example',
  'a@b.example\r\nRCPT TO:<c@d.example>',
  '<a@b.example>',
  'a b@c.example',
  'a@b@c',
  '"a\\"@b.example',
  '@b.example',
  'a@',
  'a@-b',
])('%j is no mail address', (text) => {
  expect(isMailAddress(text)).toBe(false);
});
