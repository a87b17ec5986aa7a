import { expect, test } from 'vitest';
import { refusalMessage } from './dial.ts';

test("a refusal is told in the master's words, or in a proxy's as far as they are text", () => {
  expect(refusalMessage(401, '{"error":{"code":"bad_token","message":"the token is wrong"}}')).toBe(
    'the token is wrong',
  );
  expect(refusalMessage(502, 'no server is available\n')).toBe('no server is available');
  expect(refusalMessage(502, '<html><body>Bad gateway</body></html>')).toBe('');
});

test('the port of the page is told from that for workers', () => {
  expect(refusalMessage(200, '<!doctype html>')).toMatch(/^what answers there is no port for workers .*9989/);
});
