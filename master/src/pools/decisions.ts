/** A place of a pool: a worker's name, and the container that is it now. */
export interface Seat {
  readonly worker: string;
  /** none: there is no container; ended: there is one that runs no more. */
  readonly container: 'none' | 'starting' | 'running' | 'ended';
  /** Of the container; null without one, or where nothing says so. */
  readonly image: string | null;
  /** When the container was made; null without one. */
  readonly since: number | null;
  readonly isConnected: boolean;
  /** It said that it leaves. */
  readonly isLeaving: boolean;
  /** The image that its build needs; null: it has no build. */
  readonly buildImage: string | null;
  /** When it was last given something to do, or came; null: it is not there. */
  readonly freeSince: number | null;
  /** It has built since its container was made. */
  readonly hasBuilt: boolean;
}

export interface PoolState {
  readonly seats: readonly Seat[];
  /** For each request that waits for a worker of this pool the image it needs; whose turn it is first. */
  readonly demand: readonly string[];
  readonly warm: number;
  /** The image of warm workers. */
  readonly usual: string;
  readonly idleMs: number;
  readonly perBuild: boolean;
  readonly startWithinMs: number;
  /** Nothing is started before, since the last start was refused. */
  readonly notBefore: number;
  readonly now: number;
}

export interface Decision {
  readonly start: readonly { readonly worker: string; readonly image: string }[];
  /** To be told to finish and leave. */
  readonly dismiss: readonly string[];
  /** Containers to be removed: they have ended, or never came to be a worker. */
  readonly remove: readonly string[];
}

/**
 * What to do about a pool now. A worker with a build and without a container gets one at once, since the new agent tells
 * that the old one's commands are lost, and nobody has to wait for the end of its grace. Where all places are taken and
 * an image is wanted that none of them has, those without work make room.
 */
export function decide(state: PoolState): Decision {
  const { seats, now, idleMs } = state;
  const remove = seats.filter((seat) => isDead(seat, state));
  const spent = seats.filter((seat) => isFree(seat) && isSpent(seat, state));
  const free = seats.filter((seat) => isFree(seat) && !isSpent(seat, state)).sort(byIdleness);
  const coming = seats.filter((seat) => isComing(seat) && !remove.includes(seat));
  const empty = seats.filter(({ container }) => container === 'none');
  const orphans = empty.flatMap(({ worker, buildImage }) =>
    buildImage === null ? [] : [{ worker, image: buildImage }],
  );
  const open = empty.filter(({ buildImage }) => buildImage === null);

  const places = seats.filter(({ buildImage }) => buildImage === null).length;
  const demand = state.demand.slice(0, places);
  const warm = Array.from({ length: Math.min(state.warm, places - demand.length) }, () => state.usual);
  const unused = new Set([...free.toReversed(), ...coming]);
  const missing = takeFrom(unused, demand);
  const lacking = [...missing, ...takeFrom(unused, warm)];
  const start = open.flatMap(({ worker }, i) => (lacking[i] === undefined ? [] : [{ worker, image: lacking[i] }]));

  const soonOpen = open.length + spent.length + remove.length + seats.filter(isOnItsWayOut).length;
  const crowded = missing.length - soonOpen;
  const isTooLong = ({ freeSince }: Seat) => freeSince !== null && freeSince + idleMs <= now;
  const surplus = free.filter((seat) => unused.has(seat)).filter((seat, i) => i < crowded || isTooLong(seat));
  return {
    start: now < state.notBefore ? [] : [...orphans, ...start],
    dismiss: [...spent, ...surplus].map(({ worker }) => worker),
    remove: remove.map(({ worker }) => worker),
  };
}

/** Takes a seat for each image that is wanted, of the first that have it; gives the images for which there is none. */
function takeFrom(seats: Set<Seat>, wanted: readonly string[]): string[] {
  return wanted.filter((image) => {
    const seat = [...seats].find((one) => one.image === image);
    return seat === undefined || !seats.delete(seat);
  });
}

/** Who waits for work longest comes first. */
function byIdleness(a: Seat, b: Seat): number {
  return (a.freeSince ?? 0) - (b.freeSince ?? 0);
}

function isOnItsWayOut({ isLeaving, container }: Seat): boolean {
  return isLeaving && container !== 'none';
}

function isFree({ isConnected, isLeaving, buildImage }: Seat): boolean {
  return isConnected && !isLeaving && buildImage === null;
}

function isComing({ container, isConnected }: Seat): boolean {
  return (container === 'starting' || container === 'running') && !isConnected;
}

function isSpent({ hasBuilt }: Seat, { perBuild }: PoolState): boolean {
  return perBuild && hasBuilt;
}

/** Ended, or for too long not what it was to be. One with a build is left to the build's grace. */
function isDead({ container, since, isConnected, buildImage }: Seat, { startWithinMs, now }: PoolState): boolean {
  if (container === 'ended') return true;
  return container !== 'none' && !isConnected && buildImage === null && since !== null && since + startWithinMs <= now;
}
