import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestSite } from '../http/test-site.ts';

const DAY_MS = 86_400_000;
let site: TestSite;
beforeEach(() => {
  site = new TestSite();
});
afterEach(() => site[Symbol.asyncDispose]());

const note = (who: string, result = 'ok') =>
  site.audit.note({ who, origin: null, action: 'stop', object: 'build 1', result });
const people = () => site.audit.list({ limit: 1000 }).items.map(({ who }) => who);

test('the audit log is not changed, and its last month not deleted, by whatever statement', () => {
  note('ada');
  const { db } = site.core;
  expect(() => db.run("UPDATE audit SET who = 'bo'")).toThrow('not changed');
  expect(() => db.run('DELETE FROM audit')).toThrow('not deleted');
  expect(people()).toEqual(['ada']);
});

test('what is older than the site keeps it goes, in time', () => {
  note('old');
  site.clock.advance(366 * DAY_MS);
  for (let i = 0; i < 1000; i += 1) note('new');
  expect(people()).not.toContain('old');
  expect(site.core.db.one<{ n: number }>('SELECT COUNT(*) AS n FROM audit')?.n).toBe(1000);
});

test('refusals of one address do not fill the disk, and those of another are on record still', () => {
  const refuse = (origin: string) =>
    site.audit.noteRefusal({ who: 'x', origin, action: 'stop', object: 'build 1', result: 'denied' });
  for (let i = 0; i < 1000; i += 1) refuse('192.0.2.1');
  refuse('192.0.2.2');
  const origins = site.audit.list({ limit: 1000 }).items.map(({ origin }) => origin);
  expect(origins.filter((origin) => origin === '192.0.2.1').length).toBeLessThan(50);
  expect(origins).toContain('192.0.2.2');
});

test('it is found by who, what and result, page by page', () => {
  note('ada');
  note('bo', 'denied');
  note('ada', 'denied');
  expect(site.audit.list({ who: 'ada', result: 'denied', limit: 10 }).items.map(({ id }) => id)).toEqual([3]);
  const first = site.audit.list({ limit: 2 });
  expect(first).toMatchObject({ items: [{ id: 3 }, { id: 2 }], next: 2 });
  expect(site.audit.list({ limit: 2, before: 2 })).toMatchObject({ items: [{ id: 1 }], next: null });
});
