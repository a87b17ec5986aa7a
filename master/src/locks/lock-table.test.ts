import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Claim, LockTable, type Want } from './lock-table.ts';

fc.configureGlobal({ seed: 1 });

const counting = (lock: string, count = 1): Want => ({ lock, mode: 'counting', count });
const exclusive = (lock: string): Want => ({ lock, mode: 'exclusive', count: 1 });
const claim = (seq: number, ...wants: Want[]): Claim => ({ holder: `build:${seq}`, seq, wants });
const holders = (claims: readonly Claim[]) => claims.map((one) => one.holder);

describe('a lock table', () => {
  test('shares a lock among counting holders up to its limit', () => {
    const table = new LockTable(() => 2);
    for (const seq of [1, 2, 3]) table.enqueue(claim(seq, counting('tree')));
    expect(holders(table.grant())).toEqual(['build:1', 'build:2']);
    table.release('build:1');
    expect(holders(table.grant())).toEqual(['build:3']);
  });

  test('counts what each takes', () => {
    const table = new LockTable(() => 3);
    table.enqueue(claim(1, counting('cpu', 2)));
    table.enqueue(claim(2, counting('cpu', 2)));
    table.enqueue(claim(3, counting('cpu', 1)));
    // The third would fit, but would push the second back.
    expect(holders(table.grant())).toEqual(['build:1']);
  });

  test('lets a build pass those that wait for what it holds', () => {
    const table = new LockTable(() => 1);
    table.enqueue({ holder: 'build:1', seq: 1, wants: [exclusive('a')] });
    table.grant();
    table.enqueue({ holder: 'step:2.0', seq: 2, wants: [exclusive('a'), counting('b')] });
    table.enqueue({ holder: 'step:3.0', seq: 3, wants: [exclusive('b')] });
    table.enqueue({ holder: 'step:1.0', seq: 4, wants: [exclusive('b')] });
    // Build 3 stands behind step 2.0, and that one waits for build 1: which must not stand behind either.
    expect(table.obstacle('step:3.0')?.position).toBe(2);
    expect(holders(table.grant())).toEqual(['step:1.0']);
  });

  test('keeps an exclusive holder alone', () => {
    const table = new LockTable(() => 100);
    table.enqueue(claim(1, exclusive('tree')));
    table.enqueue(claim(2, counting('tree')));
    expect(holders(table.grant())).toEqual(['build:1']);
    table.release('build:1');
    expect(holders(table.grant())).toEqual(['build:2']);
  });

  test('does not let counting claims overtake a waiting exclusive one', () => {
    const table = new LockTable(() => 100);
    table.enqueue(claim(1, counting('tree')));
    table.grant();
    table.enqueue(claim(2, exclusive('tree')));
    table.enqueue(claim(3, counting('tree')));
    expect(table.grant()).toEqual([]);
    table.release('build:1');
    expect(holders(table.grant())).toEqual(['build:2']);
  });

  test('grants all locks of a claim or none', () => {
    const table = new LockTable(() => 1);
    table.enqueue(claim(1, exclusive('a')));
    table.grant();
    table.enqueue(claim(2, exclusive('a'), exclusive('b')));
    expect(table.grant()).toEqual([]);
    expect(table.isGranted('build:2')).toBe(false);
    // It reserves b against later ones: otherwise a stream of them would starve it.
    table.enqueue(claim(3, exclusive('b')));
    expect(table.grant()).toEqual([]);
    table.release('build:1');
    expect(holders(table.grant())).toEqual(['build:2']);
  });

  test('lets a waiter that is not ready keep its place without standing in the way', () => {
    const table = new LockTable(() => 1);
    table.enqueue(claim(1, exclusive('a')));
    table.enqueue(claim(2, exclusive('a')));
    expect(holders(table.grant((one) => one.seq !== 1))).toEqual(['build:2']);
    table.enqueue(claim(3, exclusive('a')));
    table.release('build:2');
    expect(holders(table.grant())).toEqual(['build:1']);
  });

  test('tells who stands in the way, and the place in the queue', () => {
    const table = new LockTable(() => 1);
    for (const seq of [1, 2, 3]) table.enqueue(claim(seq, exclusive('a')));
    table.grant();
    expect(table.obstacle('build:3')).toEqual({ want: exclusive('a'), position: 2 });
    expect(table.obstacle('build:1')).toBeNull();
  });

  test('is never over-subscribed and serves everybody, whatever comes', () => {
    const want = fc.record({
      lock: fc.constantFrom('a', 'b', 'c'),
      mode: fc.constantFrom('counting' as const, 'exclusive' as const),
      count: fc.integer({ min: 1, max: 3 }),
    });
    const wants = fc.uniqueArray(want, { selector: (one) => one.lock, minLength: 1, maxLength: 3 });
    const steps = fc.array(fc.oneof(wants, fc.nat()), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (script) => {
        const table = new LockTable(() => 3);
        script.forEach((step, seq) => {
          if (typeof step === 'number') {
            const held = table.granted;
            const chosen = held[step % Math.max(1, held.length)];
            if (chosen !== undefined) table.release(chosen.holder);
          } else {
            const wanted = claim(seq, ...step.map((one) => (one.mode === 'exclusive' ? exclusive(one.lock) : one)));
            const holding = table.granted
              .find(({ holder }) => holder.startsWith('build:'))
              ?.holder.slice('build:'.length);
            // Every other one is a step of a build that holds something.
            const isStep = holding !== undefined && seq % 2 === 1;
            table.enqueue(isStep ? { ...wanted, holder: `step:${holding}.${seq}` } : wanted);
          }
          table.grant();
          checkNotOverSubscribed(table);
          checkObstacles(table);
        });
        for (let rounds = 0; table.granted.length > 0; rounds += 1) {
          expect(rounds).toBeLessThan(100);
          for (const held of table.granted) table.release(held.holder);
          table.grant();
          checkNotOverSubscribed(table);
        }
        expect(table.waiting).toEqual([]);
      }),
    );
  });
});

describe('who is asked whether it is ready', () => {
  const want = fc.record({
    lock: fc.constantFrom('a', 'b', 'c'),
    mode: fc.constantFrom('counting' as const, 'exclusive' as const),
    count: fc.integer({ min: 1, max: 2 }),
  });
  const wants = fc.uniqueArray(want, { selector: (one) => one.lock, minLength: 1, maxLength: 3 });
  const waiters = fc.array(fc.record({ wants, isReady: fc.boolean() }), { maxLength: 12 });

  test('makes no difference to who is granted what: each one by itself, behind those that are ready', () => {
    fc.assert(
      fc.property(waiters, fc.integer({ min: 0, max: 4 }), (asked, held) => {
        const table = new LockTable(() => 3);
        asked.forEach((one, i) => {
          table.enqueue(claim(i, ...one.wants));
          if (i < held) table.grant();
        });
        const isReady = (one: Claim) => asked[one.seq]?.isReady === true;
        const expected: Claim[] = [];
        const ahead: Claim[] = [];
        for (const one of table.waiting.filter(isReady)) {
          const alone = new LockTable(() => 3);
          for (const other of [...table.granted, ...expected]) alone.restore(other);
          for (const other of [...ahead, one]) alone.enqueue(other);
          (alone.obstacle(one.holder) === null ? expected : ahead).push(one);
        }
        expect(holders(table.grant(isReady))).toEqual(holders(expected));
      }),
    );
  });

  test('is nobody behind one that has, or will have, all of it: of a thousand the first', () => {
    const table = new LockTable(() => 1);
    for (let seq = 0; seq < 1000; seq += 1) table.enqueue(claim(seq, exclusive('tree')));
    const asked: string[] = [];
    const isReady = ({ holder }: Claim) => asked.push(holder) > 0;
    expect(holders(table.grant(isReady))).toEqual(['build:0']);
    expect(table.grant(isReady)).toEqual([]);
    expect(asked).toEqual(['build:0']);
  });
});

function checkNotOverSubscribed(table: LockTable): void {
  for (const lock of ['a', 'b', 'c']) {
    const held = table.granted.flatMap((one) => one.wants).filter((one) => one.lock === lock);
    const alone = held.filter((one) => one.mode === 'exclusive').length;
    if (alone > 0) expect(held).toHaveLength(1);
    expect(held.reduce((sum, one) => sum + one.count, 0)).toBeLessThanOrEqual(3);
  }
}

/** All at once they are what each is by itself. */
function checkObstacles(table: LockTable): void {
  const all = table.obstacles();
  for (const { holder } of table.waiting) expect(all.get(holder) ?? null).toEqual(table.obstacle(holder));
}
