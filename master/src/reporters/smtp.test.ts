import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestAuthority } from '../../../tests/support/authority.ts';
import { network } from './network.ts';
import { SmtpSink } from './testing/smtp-sink.ts';
import type { Mail } from './transport.ts';

let sink: SmtpSink;
beforeEach(async () => {
  sink = await SmtpSink.start();
});
afterEach(() => sink.close());

function mailTo(...to: readonly string[]): Mail {
  return {
    ...{
      via: 'mail',
      password: null,
      to,
      subject: 'Ünïcode – it failed',
      text: 'line\n.\nlast',
      messageId: '<a@b.example>',
    },
    server: { host: '127.0.0.1', port: sink.port, tls: 'none', ca: null, user: null },
    from: { name: 'Test', address: 'ci@example.org' },
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}
const send = (mail: Mail, signal = new AbortController().signal) => network.deliver(mail, signal);
const codeOf = (mail: Mail) => send(mail).then(String, (error: { code: string; message: string }) => error.code);

describe('a mail', () => {
  test('arrives as it was written, at all whom it is for', async () => {
    const mail = mailTo('a@example.org', 'b@example.org');
    expect(await send({ ...mail, server: { ...mail.server, user: 'ci' }, password: 'swordfish' })).toBeNull();
    const [sunk] = sink.mails;
    expect(sunk).toMatchObject({
      from: 'ci@example.org',
      to: ['a@example.org', 'b@example.org'],
      auth: 'ci swordfish',
    });
    expect(sunk?.message).toMatch(/^From: Test <ci@example\.org>$/m);
    expect(sunk?.message).toMatch(/^Message-ID: <a@b\.example>$/m);
    expect(sunk?.message).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect(sunk?.message).toMatch(/\n\nline\n\.\nlast/);
  });

  test('of which a server refuses some recipients has arrived, and says who they are', async () => {
    sink.says = { 'RCPT TO:<b@': '550 no such user' };
    expect(await send(mailTo('a@example.org', 'b@example.org'))).toBe('the server refused b@example.org');
    expect(sink.mails).toMatchObject([{ to: ['a@example.org'] }]);
  });

  test.each([
    ['refused', { RCPT: '550 no such user' }],
    ['refused', { 'MAIL FROM': '553 not from you' }],
    ['refused', { '.': '554 we think it is spam' }],
    ['failed', { RCPT: '450 try again later' }],
    ['failed', { '.': '451 the disk is full' }],
    ['down', { greeting: '421 we close soon' }],
    ['down', { AUTH: '535 wrong password' }],
  ])('is %s where the server says %j', async (code, says) => {
    sink.says = says;
    const mail = mailTo('a@example.org');
    expect(await codeOf({ ...mail, server: { ...mail.server, user: 'ci' }, password: 'swordfish' })).toBe(code);
    expect(sink.mails).toEqual([]);
  });

  test('goes nowhere where nobody answers, nor in plain text where that was not said', async () => {
    const mail = mailTo('a@example.org');
    expect(await codeOf({ ...mail, server: { ...mail.server, tls: 'startTls' } })).toBe('down');
    expect(await codeOf({ ...mail, server: { ...mail.server, tls: 'tls' } })).toBe('down');
    await sink.close();
    expect(await codeOf(mail)).toBe('down');
    expect(sink.mails).toEqual([]);
    await sink.listen(0);
  });

  test('is encrypted for a server that the authority of the site has signed, and goes to no other', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'icefall-smtp-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const [authority, stranger] = [new TestAuthority(directory), new TestAuthority(directory, 'stranger')];
    const { certificate, key } = authority.issue('mail');
    await sink.close();
    sink = await SmtpSink.start({ cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') });
    const mail = mailTo('a@example.org');
    const by = (ca: string | null) => ({
      ...mail,
      server: { ...mail.server, ca, tls: 'startTls', user: 'ci' } as const,
    });
    for (const ca of [null, stranger.file, join(directory, 'none')]) expect(await codeOf(by(ca))).toBe('down');
    expect(sink.mails).toEqual([]);
    expect(await send({ ...by(authority.file), password: 'swordfish' })).toBeNull();
    expect(sink.mails).toMatchObject([{ isEncrypted: true, auth: 'ci swordfish' }]);
  });

  test('is let go when it is broken off', async () => {
    sink.isMute = true;
    const end = new AbortController();
    const sent = send(mailTo('a@example.org'), end.signal);
    await expect.poll(() => sink.mails.length).toBe(1);
    end.abort();
    await expect(sent).rejects.toMatchObject({ code: 'down' });
  });
});
