import type { AwaitedLock, LockHolder, RequestOutlook } from '@icefall/shared';
import type { BuilderDeclaration } from '../config/builders.ts';
import type { LockAccess } from '../config/locks.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { type LockKeeper, wantsOf } from '../locks/lock-keeper.ts';
import { isReference } from '../properties/references.ts';
import type { NewBuildset } from '../requests/buildsets.ts';
import type { Requests } from '../requests/requests.ts';
import type { Distributor } from './distributor.ts';
import { holderOf } from './request-claims.ts';

export interface OutlookRooms {
  readonly config: SiteConfig;
  readonly requests: Requests;
  readonly locks: LockKeeper;
  readonly distributor: Distributor;
  /** Describes who holds a lock. */
  readonly lockHolders: (lock: string) => readonly LockHolder[];
}

/** No request has it: whoever asks in its name holds nothing and waits for nothing. */
const NOBODY = holderOf(0);

/**
 * What would become of a new request of a builder now, as far as that can be told without making it: the site's own
 * choices (`mayStart`, `nextWorker`) are not asked, nor locks whose path only the build will know. `buildset` is what
 * it would belong to, or null where that is not known yet.
 */
export function outlookOf(
  rooms: OutlookRooms,
  builder: BuilderDeclaration,
  buildset: NewBuildset | null,
): RequestOutlook {
  const takesIn = buildset === null ? [] : rooms.requests.collapsedBy(buildset, builder);
  const ahead = rooms.requests.countAhead(builder.name, buildset?.priority ?? 0);
  return {
    builder: builder.name,
    blocker: rooms.distributor.obstacle(builder),
    ahead: Math.max(0, ahead - takesIn.length),
    takesIn,
    locks: awaitedLocks(rooms, builder),
  };
}

/** Locks that could not be had now. Those of workers: of the builder's first one, where it has several. */
function awaitedLocks(rooms: OutlookRooms, builder: BuilderDeclaration): AwaitedLock[] {
  const worker = builder.workers[0]?.name ?? '';
  const uses = [
    ...rooms.config.locksOf(builder, worker).map((access) => ({ access, step: null })),
    ...builder.factory.steps.flatMap(({ name, locks }) =>
      typeof locks === 'function' ? [] : locks.map((access) => ({ access, step: name })),
    ),
  ];
  const seen = new Set<string>();
  return uses
    .filter(({ access }) => !isReference(access.path) && !rooms.locks.wouldGrant(NOBODY, [access], worker))
    .flatMap(({ access, step }) => awaited(rooms, access, worker, step))
    .filter(({ lock }) => !seen.has(lock) && seen.add(lock));
}

function awaited(rooms: OutlookRooms, access: LockAccess, worker: string, step: string | null): AwaitedLock[] {
  const waiters = rooms.locks.waitingHolders().map((holder) => rooms.locks.locksOf(holder));
  return wantsOf([access], worker)
    .map(({ lock, mode }) => ({
      ...{ lock, mode, step, holders: [...rooms.lockHolders(lock)] },
      waiting: waiters.filter((locks) => locks.includes(lock)).length,
    }))
    .filter(({ holders, waiting }) => holders.length + waiting > 0);
}
