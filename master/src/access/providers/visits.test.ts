import { describe, expect, test } from 'vitest';
import { Envelope } from './envelope.ts';
import { ownPath } from './visits.ts';

describe('where somebody goes after a sign-in', () => {
  test.each(['/', '/builders', '/builds/7?tab=log#L3', '/builders/a%2Fb'])('is the page %j', (to) => {
    expect(ownPath(to)).toBe(to);
  });

  test.each([
    ...['https://evil.example/', '//evil.example', '///evil.example', '/\\evil.example', '\\/evil.example'],
    ...['/.//evil.example', '/x/..//evil.example', '/%2e//evil.example', '/\t/evil.example', '/\n/evil.example'],
    ...['javascript:alert(1)', 'data:,x', '', 'builders', ' /builders', '/api/v1/session/with/sso', '/hooks/github'],
  ])('is never %j', (to) => {
    expect(ownPath(to)).toBe('/');
  });
});

describe('what a browser keeps for us', () => {
  test('is hidden, and opened as it was', () => {
    const envelope = new Envelope();
    const sealed = envelope.seal('state of the visit');
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('state');
    expect(envelope.open(sealed)).toBe('state of the visit');
  });

  test('is nothing where a bit of it has changed, and to another process', () => {
    const envelope = new Envelope();
    const bytes = Buffer.from(envelope.seal('state'), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(envelope.open(changed.toString('base64url'))).toBeNull();
    }
    expect(new Envelope().open(envelope.seal('state'))).toBeNull();
    for (const text of ['', 'x', 'A'.repeat(100)]) expect(envelope.open(text)).toBeNull();
  });
});
