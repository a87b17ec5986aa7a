import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { Logins } from './logins.ts';
import { tokenFor } from './token.ts';

const URL = 'https://ci.example.org';
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'icefall-home-'));
});
afterEach(() => rmSync(home, { recursive: true }));

test('a login is stored for its owner only, by the address of the master however that is written', () => {
  const logins = new Logins({ env: { HOME: home } });
  logins.put(URL, { user: 'ada', token: 't', id: 1 });
  logins.put('https://other.example.org/ci', { user: 'bo', token: 'u', id: 2 });
  expect(logins.of('HTTPS://CI.example.org/')?.user).toBe('ada');
  expect(statSync(join(home, '.config/icefall/logins.json')).mode & 0o777).toBe(0o600);
  logins.remove(`${URL}/`);
  expect([logins.of(URL), logins.of('https://other.example.org/ci')?.token]).toEqual([null, 'u']);
});

test('a token is taken from the file that is named, else the environment, else the login, else there is none', () => {
  writeFileSync(join(home, 'token'), 'of-file\n');
  const terminal = (env: Record<string, string>) => fakeTerminal({ cwd: home, env: { HOME: home, ...env } });
  expect(tokenFor(terminal({}), URL, undefined)).toBeNull();
  new Logins({ env: { HOME: home } }).put(URL, { user: 'ada', token: 'of-login', id: 1 });
  expect(tokenFor(terminal({}), URL, undefined)).toBe('of-login');
  expect(tokenFor(terminal({}), 'https://evil.example.org', undefined)).toBeNull();
  expect(tokenFor(terminal({ ICEFALL_TOKEN: 'of-env' }), URL, undefined)).toBe('of-env');
  expect(tokenFor(terminal({ ICEFALL_TOKEN: 'of-env' }), URL, 'token')).toBe('of-file');
  writeFileSync(join(home, 'token'), 'two\nlines\n');
  expect(() => tokenFor(terminal({}), URL, 'token')).toThrow('holds no token');
});
