import { expect, test } from 'vitest';
import { AccessSite } from '../http/test-access.ts';
import { RECHECK_MS } from './sign-ins.ts';

test('the rounds of asking a directory again go on after one that could not even begin', async () => {
  const people = { base: 'dc=example' };
  const ldap = { servers: ['ldap://127.0.0.1:1'], protection: 'none', people } as const;
  const access = { roles: { reader: { allow: ['view'], members: 'signedIn' } }, signIn: { ldap } } as const;
  await using site = await AccessSite.open(access);
  const { signIns, users } = site.client.door.access;
  let rounds = 0;
  users.toldBefore = () => {
    rounds += 1;
    throw new Error('the disk cannot be read');
  };
  signIns.start();
  for (const round of [1, 2]) {
    site.site.clock.advance(RECHECK_MS);
    await expect.poll(() => site.site.complaints.length).toBe(round);
    expect(rounds).toBe(round);
  }
  expect(site.site.complaints[0]).toContain('the disk cannot be read');
  signIns.stop();
  site.site.clock.advance(RECHECK_MS);
  expect(rounds).toBe(2);
});
