import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { site } from '../config/site-program.ts';
import { MAX_FAILURES_A_MINUTE } from './authentication.ts';
import { MINUTE, siteWith, TestRoom, temporaryDirectory } from './test-room.ts';

const show = (room: TestRoom, name: string | undefined, token: string, address = '192.0.2.7') =>
  room.workers.authentication.check({ name, authorization: `Bearer ${token}`, address })?.status ?? 'in';

function tokenFile(text: string): string {
  const file = join(temporaryDirectory(), 'token');
  writeFileSync(file, text);
  return file;
}

describe('the token of a worker', () => {
  test('is the one in its file, as it was when the configuration was applied', () => {
    const file = tokenFile('first\n');
    const room = new TestRoom(siteWith({ name: 'w1', token: { file } }));
    expect([show(room, 'w1', 'first'), show(room, 'w1', 'second')]).toEqual(['in', 401]);
    writeFileSync(file, 'second');
    expect(show(room, 'w1', 'second')).toBe(401);
    room.core.turn(() => room.config.replace(siteWith({ name: 'w1', token: { file } })));
    expect([show(room, 'w1', 'first'), show(room, 'w1', 'second')]).toEqual([401, 'in']);
  });

  test('is the last one issued where the site names none, and only its hash is kept', () => {
    const room = new TestRoom(siteWith({ name: 'w1' }));
    expect(show(room, 'w1', 'x')).toBe(503);
    expect(room.workers.presence('w1').lastRefusal).toContain('icefall worker token issue w1');
    const first = room.workers.issueToken('w1');
    expect(Buffer.from(first, 'base64url')).toHaveLength(32);
    expect(show(room, 'w1', first)).toBe('in');
    const second = room.workers.issueToken('w1');
    expect([show(room, 'w1', first), show(room, 'w1', second)]).toEqual([401, 'in']);
    expect(JSON.stringify(room.row('SELECT * FROM workers'))).not.toContain(second);
    expect(show(room.restarted(), 'w1', second)).toBe('in');
  });

  test('that cannot be read keeps its worker out and says where it is declared', () => {
    const room = new TestRoom(siteWith({ name: 'w1', token: { file: '/nowhere/token' } }));
    expect(room.logged.join()).toMatch(
      /authentication\.test\.ts:\d+: the token of worker "w1" cannot be read: .*\/nowhere\/token/,
    );
    expect(show(room, 'w1', 'x')).toBe(503);
    expect(room.workers.presence('w1').lastRefusal).toContain('/nowhere/token');
  });

  test('is needed whole: nothing, another scheme or an empty one is refused', () => {
    const room = new TestRoom(siteWith({ name: 'w1', token: { file: tokenFile('secret') } }));
    const check = (authorization: string | undefined) =>
      room.workers.authentication.check({ name: 'w1', authorization, address: 'a' })?.status;
    for (const text of [undefined, '', 'Bearer', 'Bearer ', 'Basic secret', 'secret', 'Bearer secre'])
      expect(check(text)).toBe(401);
    expect(check('Bearer secret')).toBeUndefined();
  });
});

describe('a name', () => {
  test('that the site does not know is refused, as is none', () => {
    const room = new TestRoom(siteWith({ name: 'w1' }));
    expect([show(room, 'w9', 'x'), show(room, undefined, 'x')]).toEqual([403, 401]);
    expect(room.workers.presence('w9').lastRefusal).toBeNull();
  });

  test('that the site has dropped is known as long as it has builds', () => {
    const file = tokenFile('secret');
    const room = new TestRoom(siteWith({ name: 'w1', token: { file } }));
    const build = room.build();
    room.core.turn(() => room.config.replace(siteWith({ name: 'w2' })));
    expect(show(room, 'w1', 'secret')).toBe('in');
    room.endBuild(build);
    expect(show(room, 'w1', 'secret')).toBe(403);
  });
});

describe('an address with many failures', () => {
  test('is turned away for a minute, others are not, and the log has few lines of it', () => {
    const room = new TestRoom(siteWith({ name: 'w1', token: { file: tokenFile('secret') } }));
    for (let i = 0; i < MAX_FAILURES_A_MINUTE; i += 1) expect(show(room, 'w1', 'wrong')).toBe(401);
    expect(show(room, 'w1', 'secret')).toBe(429);
    expect(show(room, 'w1', 'secret', '192.0.2.8')).toBe('in');
    room.clock.advance(MINUTE);
    expect(show(room, 'w1', 'secret')).toBe('in');
    for (let i = 0; i < MAX_FAILURES_A_MINUTE; i += 1) show(room, 'w1', 'wrong');
    room.clock.jumpTo(room.core.now() - 60 * MINUTE);
    expect(show(room, 'w1', 'secret')).toBe('in');
    expect(room.logged).toHaveLength(3);
  });

  test('is one of a network where it is of IPv6: whoever has one has 2^64', () => {
    const room = new TestRoom(siteWith({ name: 'w1', token: { file: tokenFile('secret') } }));
    for (let i = 0; i < MAX_FAILURES_A_MINUTE; i += 1) expect(show(room, 'w1', 'wrong', `2001:db8::${i}`)).toBe(401);
    expect(show(room, 'w1', 'secret', '2001:db8::ffff')).toBe(429);
    expect(show(room, 'w1', 'secret', '2001:db8:0:1::1')).toBe('in');
  });

  test('is that of the agent behind a proxy which the site names, and the proxy itself behind any other', () => {
    const roles = { reader: { allow: ['view' as const], members: 'everyone' as const } };
    const { workers, builders } = siteWith({ name: 'w1', token: { file: tokenFile('secret') } });
    const access = { roles, proxies: ['10.0.0.0/8'] };
    const room = new TestRoom(site({ title: 'behind a proxy', workers, builders, access }));
    const ask = (token: string, address: string, forwardedFor: string) =>
      room.workers.authentication.check({ name: 'w1', authorization: `Bearer ${token}`, address, forwardedFor })
        ?.status ?? 'in';
    for (let i = 0; i < MAX_FAILURES_A_MINUTE; i += 1)
      for (const proxy of ['10.0.0.1', '192.0.2.1'])
        expect(ask('wrong', proxy, `203.0.113.${i}, 198.51.100.5`)).toBe(401);
    expect(ask('secret', '10.0.0.1', '198.51.100.5')).toBe(429);
    expect(ask('secret', '10.0.0.1', '198.51.100.6')).toBe('in');
    expect(ask('secret', '192.0.2.1', '198.51.100.7')).toBe(429);
  });
});
