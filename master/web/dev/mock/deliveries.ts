import type { Change, HookDelivery } from '@icefall/shared';
import type { World } from './world.ts';

/** How many of the newest are kept with their bodies. */
const KEPT_BODIES = 20;
/** In front of every so many accepted ones stands one that was ignored, and one that was refused. */
const [IGNORED_EVERY, REFUSED_EVERY] = [5, 7];

type Outcome = Pick<HookDelivery, 'event' | 'outcome' | 'code' | 'reason' | 'changeIds'>;

const IGNORED: Outcome = { event: 'ping', outcome: 'ignored', code: null, reason: 'a ping', changeIds: [] };
const REFUSED: Outcome = {
  ...{ event: 'push', outcome: 'refused', code: 'bad_signature', changeIds: [] },
  reason: 'the signature is of no secret of this webhook',
};

/** What a code host has sent, newest first: a delivery for each change, others between them, and what was read again. */
export function listDeliveries(world: World, query: URLSearchParams) {
  const before = Number(query.get('before') ?? Number.POSITIVE_INFINITY);
  const limit = Number(query.get('limit') ?? 100);
  const found = deliveriesOf(world).filter(({ id }) => id < before);
  const deliveries = found.slice(0, limit);
  return { deliveries, next: found.length > limit ? (deliveries.at(-1)?.id ?? null) : null };
}

/** Reads a delivery again; undefined: there is none of this id whose body is kept. */
export function redeliver(world: World, id: number, now: number): HookDelivery | undefined {
  const again = deliveriesOf(world).find((delivery) => delivery.id === id && delivery.isKept);
  if (again === undefined) return undefined;
  world.redeliveries.push({ of: id, at: now });
  return deliveriesOf(world)[0];
}

function deliveriesOf(world: World): HookDelivery[] {
  const all: HookDelivery[] = [];
  const arrived = [
    ...[...world.changes.values()].map((change, i) => ({ at: change.receivedAt, make: () => sentWith(change, i) })),
    ...world.redeliveries.map(({ of, at }) => ({ at, make: () => readAgain(all[of - 1], at) })),
  ];
  for (const { make } of arrived.sort((a, b) => a.at - b.at))
    for (const delivery of make()) all.push({ ...delivery, id: all.length + 1 });
  const oldestKept = all.length - KEPT_BODIES;
  return all.reverse().map((one) => ({ ...one, isKept: one.outcome !== 'refused' && one.id > oldestKept }));
}

function sentWith(change: Change, i: number): Omit<HookDelivery, 'id'>[] {
  return [
    ...(i % IGNORED_EVERY === 0 ? [deliveryOf(change, IGNORED)] : []),
    ...(i % REFUSED_EVERY === 0 ? [deliveryOf(change, REFUSED)] : []),
    deliveryOf(change, { event: 'push', outcome: 'accepted', code: null, reason: null, changeIds: [change.id] }),
  ];
}

function readAgain(first: HookDelivery | undefined, at: number): Omit<HookDelivery, 'id'>[] {
  return first === undefined ? [] : [{ ...first, at, origin: null, redeliveryOf: first.id }];
}

function deliveryOf({ id, receivedAt }: Change, outcome: Outcome): Omit<HookDelivery, 'id'> {
  return {
    at: receivedAt,
    dialect: 'github',
    origin: '192.0.2.44',
    deliveryId: `5f1c2a90-${String(id).padStart(4, '0')}`,
    sizeBytes: 7000 + ((id * 613) % 5000),
    redeliveryOf: null,
    isKept: false,
    ...outcome,
  };
}
