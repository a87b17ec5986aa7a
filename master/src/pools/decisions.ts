/** A place of a pool: a worker's name, and the container that is it now. */
export interface Seat {
  readonly worker: string;
  /** none: there is no container; ended: there is one that runs no more. */
  readonly container: 'none' | 'starting' | 'running' | 'ended';
  /** When the container was made; null without one. */
  readonly since: number | null;
  readonly isConnected: boolean;
  /** It said that it leaves. */
  readonly isLeaving: boolean;
  readonly hasBuild: boolean;
  /** When it was last given something to do, or came; null: it is not there. */
  readonly freeSince: number | null;
  /** It has built since its container was made. */
  readonly hasBuilt: boolean;
}

export interface PoolState {
  readonly seats: readonly Seat[];
  /** Requests that wait for a worker of this pool. */
  readonly demand: number;
  readonly warm: number;
  readonly idleMs: number;
  readonly perBuild: boolean;
  readonly startWithinMs: number;
  /** Nothing is started before, since the last start was refused. */
  readonly notBefore: number;
  readonly now: number;
}

export interface Decision {
  readonly start: readonly string[];
  /** To be told to finish and leave. */
  readonly dismiss: readonly string[];
  /** Containers to be removed: they have ended, or never came to be a worker. */
  readonly remove: readonly string[];
}

/**
 * What to do about a pool now. A worker with a build and without a container gets one at once, since the new agent tells
 * that the old one's commands are lost, and nobody has to wait for the end of its grace.
 */
export function decide(state: PoolState): Decision {
  const { seats, demand, warm, now } = state;
  const remove = seats.filter((seat) => isDead(seat, state));
  const free = seats.filter((seat) => isFree(seat) && !isSpent(seat, state));
  const coming = seats.filter((seat) => isComing(seat) && !remove.includes(seat));
  const wanted = Math.max(0, demand + warm - free.length - coming.length);
  const empty = seats.filter(({ container }) => container === 'none');
  const orphaned = empty.filter(({ hasBuild }) => hasBuild);
  const start = [...orphaned, ...empty.filter(({ hasBuild }) => !hasBuild).slice(0, wanted)];
  const surplus = Math.max(0, free.length - demand - warm);
  const idle = free.filter(({ freeSince }) => freeSince !== null && freeSince + state.idleMs <= now);
  const oldest = idle.sort((a, b) => (a.freeSince ?? 0) - (b.freeSince ?? 0)).slice(0, surplus);
  const spent = seats.filter((seat) => isFree(seat) && isSpent(seat, state));
  return {
    start: now < state.notBefore ? [] : start.map(({ worker }) => worker),
    dismiss: [...spent, ...oldest].map(({ worker }) => worker),
    remove: remove.map(({ worker }) => worker),
  };
}

function isFree({ isConnected, isLeaving, hasBuild }: Seat): boolean {
  return isConnected && !isLeaving && !hasBuild;
}

function isComing({ container, isConnected }: Seat): boolean {
  return (container === 'starting' || container === 'running') && !isConnected;
}

function isSpent({ hasBuilt }: Seat, { perBuild }: PoolState): boolean {
  return perBuild && hasBuilt;
}

/** Ended, or for too long not what it was to be. One with a build is left to the build's grace. */
function isDead({ container, since, isConnected, hasBuild }: Seat, { startWithinMs, now }: PoolState): boolean {
  if (container === 'ended') return true;
  return container !== 'none' && !isConnected && !hasBuild && since !== null && since + startWithinMs <= now;
}
