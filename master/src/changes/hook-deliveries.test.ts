import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { webhook } from '../config/changes.ts';
import { anyBranchScheduler } from '../config/schedulers.ts';
import { linux, TestRoom } from '../schedulers/test-room.ts';
import {
  LONGEST_KEPT_BYTES,
  MOST_KEPT,
  MOST_REFUSALS,
  MOST_REFUSED,
  MOST_TAKEN,
  PRUNE_EVERY,
} from './hook-deliveries.ts';
import { HookError } from './hook-error.ts';
import { type Delivery, delivery, SECRET, signed } from './test-deliveries.ts';
import { Webhooks } from './webhooks.ts';

const FROM = '192.0.2.7';
const all = anyBranchScheduler({ name: 'all', builders: [linux] });
let room: TestRoom;
let webhooks: Webhooks;

function open(options = {}) {
  const source = webhook('github', { secrets: [{ env: 'HOOK_SECRET' }], ...options });
  room = TestRoom.started([all], { changeSources: [source] });
  webhooks = new Webhooks(room.core, room.config, room.changes);
}
beforeEach(() => {
  vi.stubEnv('HOOK_SECRET', SECRET);
  open();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Takes a delivery, or gives the code of its refusal. */
function send({ headers, body }: Delivery, origin: string | null = FROM): string {
  try {
    const { ignored } = webhooks.receive('github', { headers, body, remoteAddress: origin, origin });
    return ignored ?? 'accepted';
  } catch (error) {
    if (error instanceof HookError) return error.code;
    throw error;
  }
}
const listed = (limit = 10) => webhooks.deliveries.list({ limit }).items;
const count = (where: string) =>
  room.core.db.one<{ n: number }>(`SELECT COUNT(*) AS n FROM hook_deliveries WHERE ${where}`)?.n;

describe('the record of deliveries', () => {
  test('tells of each what came, from where, and what became of it, newest first', () => {
    const push = delivery('github');
    send(push);
    send(delivery('github', {}, { 'X-GitHub-Event': 'ping', 'X-GitHub-Delivery': 'd2' }));
    send({ headers: { ...push.headers, 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }, body: push.body });
    send(signed('github', Buffer.from('no JSON')));
    const common = { dialect: 'github', origin: FROM, at: room.clock.now(), redeliveryOf: null };
    const nothing = { changeIds: [], code: null };
    expect(listed()).toEqual([
      {
        ...{ ...common, id: 4, event: 'push', deliveryId: 'd1', sizeBytes: 7, changeIds: [], isKept: true },
        ...{ outcome: 'refused', code: 'bad_payload', reason: expect.stringContaining('not JSON') },
      },
      {
        ...{ ...common, id: 3, event: 'push', deliveryId: 'd1', sizeBytes: push.body.length, isKept: false },
        ...{ outcome: 'refused', code: 'bad_signature', reason: expect.stringContaining('not signed'), changeIds: [] },
      },
      {
        ...{ ...common, ...nothing, id: 2, event: 'ping', deliveryId: 'd2', sizeBytes: push.body.length, isKept: true },
        ...{ outcome: 'ignored', reason: 'event "ping" is not used' },
      },
      {
        ...{ ...common, id: 1, event: 'push', deliveryId: 'd1', sizeBytes: push.body.length, isKept: true },
        ...{ outcome: 'accepted', code: null, reason: null, changeIds: [1] },
      },
    ]);
    expect(webhooks.deliveries.list({ limit: 1, outcome: 'ignored' })).toMatchObject({
      items: [{ id: 2 }],
      next: null,
    });
    expect(webhooks.deliveries.list({ limit: 2 }).next).toBe(3);
  });

  test('has neither secrets nor signatures, and of a request that is not signed no body', () => {
    const shown = 'shown-by-somebody';
    const push = delivery('github', {}, { 'X-Gitlab-Token': shown, Authorization: shown });
    send(push);
    send({ headers: {}, body: Buffer.from('planted by whoever likes') });
    const row = JSON.stringify(room.core.db.all('SELECT * FROM hook_deliveries'));
    const signature = push.headers['x-hub-signature-256'] ?? '';
    for (const part of [shown, signature.slice('sha256='.length), 'planted']) expect(row).not.toContain(part);
    expect(count('body IS NOT NULL')).toBe(1);
    expect(webhooks.deliveries.kept(1)?.body.equals(push.body)).toBe(true);
  });

  test('has of a host that nobody knows only a name that can be shown', () => {
    const request = { headers: {}, body: Buffer.alloc(0), remoteAddress: FROM, origin: FROM };
    expect(() => webhooks.receive('\u001b[31mx', request)).toThrow(HookError);
    expect(listed()).toMatchObject([{ dialect: '??31mx', outcome: 'refused', code: 'unknown_dialect' }]);
  });

  test('has a few refusals of one address in a minute, and those of others beside them', () => {
    const bad = { headers: {}, body: Buffer.alloc(3) };
    for (let i = 0; i < MOST_REFUSALS + 5; i++) send(bad);
    send(bad, '192.0.2.8');
    expect(count("outcome = 'refused'")).toBe(MOST_REFUSALS + 1);
    room.clock.advance(60_000);
    send(bad);
    expect(count("outcome = 'refused'")).toBe(MOST_REFUSALS + 2);
  });

  test('has an end: rubbish does not push out what code hosts have told, and old bodies go before their lines', () => {
    const { deliveries } = webhooks;
    const arrival = { dialect: 'github', origin: null, event: 'push', deliveryId: null, sizeBytes: 2 };
    const kept = { contentType: null, body: Buffer.from('{}') };
    const note = (times: number, became: Parameters<typeof deliveries.note>[1]) => {
      for (let i = 0; i < times; i++) deliveries.note(arrival, became);
    };
    room.core.turn(() => {
      note(MOST_KEPT + PRUNE_EVERY, { outcome: 'ignored', kept });
      note(MOST_REFUSED + PRUNE_EVERY, { outcome: 'refused' });
      note(MOST_TAKEN + 2 * PRUNE_EVERY, { outcome: 'accepted' });
    });
    expect(count("outcome = 'ignored'")).toBe(MOST_KEPT + PRUNE_EVERY);
    for (const [outcome, most] of [
      ['refused', MOST_REFUSED],
      ['accepted', MOST_TAKEN],
    ] as const) {
      expect(count(`outcome = '${outcome}'`)).toBeGreaterThanOrEqual(most);
      expect(count(`outcome = '${outcome}'`)).toBeLessThan(most + PRUNE_EVERY);
    }
    expect(count('body IS NOT NULL')).toBe(MOST_KEPT);
    expect(deliveries.kept(PRUNE_EVERY)).toBeNull();
    expect(deliveries.kept(PRUNE_EVERY + 1)?.body.toString()).toBe('{}');
  });

  test('keeps no body that is longer than the limit', () => {
    const push = delivery('github', { padding: 'x'.repeat(LONGEST_KEPT_BYTES) });
    expect(send(push)).toBe('accepted');
    expect(listed()).toMatchObject([{ sizeBytes: push.body.length, isKept: false }]);
  });

  test('is taken back with a change that could not be stored', () => {
    room.changes.arrived.on(() => {
      throw new Error('a scheduler of ours failed');
    });
    expect(() => send(delivery('github'))).toThrow('a scheduler of ours failed');
    expect(listed()).toEqual([]);
  });
});

describe('a delivery that is read again', () => {
  test('gives the change that is there', () => {
    send(delivery('github'));
    expect(webhooks.redeliver(1, '127.0.0.1')).toMatchObject({
      ...{ id: 2, outcome: 'accepted', changeIds: [1], redeliveryOf: 1, origin: '127.0.0.1', deliveryId: 'd1' },
    });
    expect(room.built()).toHaveLength(1);
  });

  test('makes the change that the site refused before its program was mended, long after it was signed', () => {
    open({ skip: [/Two/] });
    expect(send(delivery('github'))).toContain('matches');
    room.config.replace({ ...room.config.site, changeSources: [webhook('github', { secrets: [{ env: 'OTHER' }] })] });
    room.clock.advance(86_400_000);
    expect(webhooks.redeliver(1, FROM)).toMatchObject({ outcome: 'accepted', changeIds: [1] });
    expect(room.built()).toHaveLength(1);
  });

  test('as a form is read as a form', () => {
    const body = Buffer.from(new URLSearchParams({ payload: delivery('github').body.toString() }).toString());
    send(signed('github', body, { 'Content-Type': 'application/x-www-form-urlencoded' }));
    expect(webhooks.redeliver(1, FROM)).toMatchObject({ outcome: 'accepted', changeIds: [1] });
  });

  test('has to be on record, with its body, and the webhook has to be declared', () => {
    send({ headers: {}, body: Buffer.from('{}') });
    expect(() => webhooks.redeliver(99, FROM)).toThrow('there is no delivery 99');
    expect(() => webhooks.redeliver(1, FROM)).toThrow(expect.objectContaining({ code: 'body_not_kept', status: 409 }));
    send(delivery('github'));
    room.config.replace({ ...room.config.site, changeSources: [] });
    expect(() => webhooks.redeliver(2, FROM)).toThrow(expect.objectContaining({ code: 'not_configured' }));
  });

  test('never unpacks to more than was kept, whatever the database holds', () => {
    send(delivery('github'));
    const bomb = gzipSync(Buffer.alloc(LONGEST_KEPT_BYTES * 20));
    room.core.db.update('hook_deliveries', { id: 1 }, { body: bomb });
    expect(() => webhooks.redeliver(1, FROM)).toThrow('larger than');
  });
});
