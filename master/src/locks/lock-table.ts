import assert from 'node:assert';

/** How one holder wants one lock. `lock` is the lock's key: its name, or `name@worker`. */
export interface Want {
  readonly lock: string;
  readonly mode: 'counting' | 'exclusive';
  readonly count: number;
}

/** Somebody who holds or waits for a set of locks. */
export interface Claim {
  /** `request:ID`, `build:ID` or `step:BUILD.NUMBER`. */
  readonly holder: string;
  /** Order of arrival. */
  readonly seq: number;
  readonly wants: readonly Want[];
}

/** Why a claim is not granted: the first of its locks that is not free, and how many are served before it there. */
export interface Obstacle {
  readonly want: Want;
  /** From 1, among the waiters of that lock. */
  readonly position: number;
}

interface LockState {
  exclusive: string | null;
  counted: number;
  holders: Map<string, Want>;
}

/**
 * Who holds which lock, and who is next.
 *
 * - All or nothing: a claim is granted all its locks at once or none, so nobody holds one lock while waiting for
 *   another, and sets of locks cannot deadlock.
 * - First come, first served on every lock: a waiter reserves what it wants against all who came later. So an
 *   exclusive waiter is not starved by counting ones, and neither are holders of many locks.
 * - Nobody stands behind somebody who waits for him: a build that holds locks and asks for more passes those that wait
 *   for what it holds. Otherwise both would wait for ever.
 * - A waiter that could not use the locks now (`isReady` says no: its worker is busy) keeps its place but reserves
 *   nothing.
 *
 * Pure: no time, no storage.
 */
export class LockTable {
  readonly #limits: (lock: string) => number;
  readonly #locks = new Map<string, LockState>();
  readonly #granted = new Map<string, Claim>();
  /** Those of `#granted` by who goes on with them: a build and its steps are one. */
  readonly #byOwner = new Map<string, Set<string>>();
  /** In order of `seq`. */
  #waiting: Claim[] = [];

  /** `limits` gives the maximal count of a lock; asked at every decision, so a new configuration applies at once. */
  constructor(limits: (lock: string) => number) {
    this.#limits = limits;
  }

  isGranted(holder: string): boolean {
    return this.#granted.has(holder);
  }

  isWaiting(holder: string): boolean {
    return this.#waiting.some((claim) => claim.holder === holder);
  }

  /** Granted holders of one owner: the build itself and its steps. */
  holdersOf(owner: string): readonly string[] {
    return [...(this.#byOwner.get(owner) ?? [])];
  }

  get waiting(): readonly Claim[] {
    return this.#waiting;
  }

  get granted(): readonly Claim[] {
    return [...this.#granted.values()];
  }

  /** Puts a claim into the queue. A holder has one claim at most. */
  enqueue(claim: Claim): void {
    assert(!this.isGranted(claim.holder) && !this.isWaiting(claim.holder), `${claim.holder} has a claim already`);
    const later = this.#waiting.findIndex((other) => other.seq > claim.seq);
    this.#waiting.splice(later === -1 ? this.#waiting.length : later, 0, claim);
  }

  /** Puts back a claim that was granted before a restart. */
  restore(claim: Claim): void {
    this.#take(claim);
  }

  /** Forgets a holder: gives back what it holds, or leaves the queue. */
  release(holder: string): void {
    this.#waiting = this.#waiting.filter((claim) => claim.holder !== holder);
    const claim = this.#granted.get(holder);
    if (claim === undefined) return;
    this.#granted.delete(holder);
    const owner = ownerOf(holder);
    const others = this.#byOwner.get(owner);
    others?.delete(holder);
    if (others?.size === 0) this.#byOwner.delete(owner);
    for (const want of claim.wants) {
      const state = this.#state(want.lock);
      state.holders.delete(holder);
      if (want.mode === 'exclusive') state.exclusive = null;
      else state.counted -= want.count;
      // Parts of path locks come and go by the thousand.
      if (state.holders.size === 0) this.#locks.delete(want.lock);
    }
  }

  /** Grants, in order, every waiting claim that can be granted; gives those. */
  grant(isReady: (claim: Claim) => boolean = () => true): Claim[] {
    const granted: Claim[] = [];
    const ahead: Claim[] = [];
    const reserved = new Map<string, Reservation>();
    for (const claim of this.#waiting) {
      const holdsNothing = this.#holdsNothing(claim);
      // It changes nothing whether it is ready, and that is much to ask of each of a thousand.
      if (holdsNothing && claim.wants.every((want) => this.#isClosed(want.lock, reserved.get(want.lock)))) continue;
      if (!isReady(claim)) continue;
      const before = holdsNothing ? reserved : reservationsOf(this.#servedBefore(claim, ahead));
      if (claim.wants.every((want) => this.#isFree(want, before.get(want.lock)))) {
        this.#take(claim);
        granted.push(claim);
      } else {
        ahead.push(claim);
        reserve(reserved, claim);
      }
    }
    if (granted.length > 0) this.#waiting = this.#waiting.filter((claim) => !this.#granted.has(claim.holder));
    return granted;
  }

  /** Whether a claim that nobody has made yet would be granted at once. */
  wouldGrant(claim: Claim, isReady: (claim: Claim) => boolean = () => true): boolean {
    const ahead = this.#waiting.filter(isReady);
    const reserved = reservationsOf(this.#servedBefore(claim, ahead));
    return claim.wants.every((want) => this.#isFree(want, reserved.get(want.lock)));
  }

  /**
   * Who must go on before a waiting claim is granted: for each of its locks that is not free, those that hold it, and
   * those that wait for it and are served before. Each with that lock.
   */
  inTheWay(holder: string, isReady: (claim: Claim) => boolean): { readonly holder: string; readonly want: Want }[] {
    const claim = this.#waiting.find((candidate) => candidate.holder === holder);
    if (claim === undefined) return [];
    const ahead = this.#servedBefore(
      claim,
      this.#waiting.filter((other) => other.seq < claim.seq && isReady(other)),
    );
    const reserved = reservationsOf(ahead);
    return claim.wants
      .filter((want) => !this.#isFree(want, reserved.get(want.lock)))
      .flatMap((want) => {
        const waiters = ahead.filter((other) => other.wants.some((wanted) => wanted.lock === want.lock));
        const inTheWay = [...this.#state(want.lock).holders.keys(), ...waiters.map((other) => other.holder)];
        return inTheWay.map((other) => ({ holder: other, want }));
      });
  }

  /** Takes one lock from a holder of several. */
  takeAway(holder: string, lock: string): void {
    const claim = this.#granted.get(holder);
    if (claim === undefined) return;
    this.release(holder);
    const wants = claim.wants.filter((want) => want.lock !== lock);
    if (wants.length > 0) this.#take({ ...claim, wants });
  }

  /** A table in the same state, to try out what would happen. */
  copy(): LockTable {
    const copy = new LockTable(this.#limits);
    for (const claim of this.#granted.values()) copy.#take(claim);
    copy.#waiting = [...this.#waiting];
    return copy;
  }

  /** What stands in the way of a waiting claim; null where nothing does (it is not ready, or not waiting). */
  obstacle(holder: string): Obstacle | null {
    const index = this.#waiting.findIndex((claim) => claim.holder === holder);
    const claim = this.#waiting[index];
    return claim === undefined ? null : this.#obstacleBehind(claim, this.#waiting.slice(0, index));
  }

  /** What stands in the way of each waiting claim, by holder: the {@link obstacle} of all, in one pass. */
  obstacles(): Map<string, Obstacle> {
    const found = new Map<string, Obstacle>();
    const reserved = new Map<string, Reservation>();
    this.#waiting.forEach((claim, i) => {
      const obstacle = this.#holdsNothing(claim)
        ? this.#obstacleOf(claim, reserved)
        : this.#obstacleBehind(claim, this.#waiting.slice(0, i));
      if (obstacle !== null) found.set(claim.holder, obstacle);
      reserve(reserved, claim);
    });
    return found;
  }

  #obstacleBehind(claim: Claim, ahead: readonly Claim[]): Obstacle | null {
    return this.#obstacleOf(claim, reservationsOf(this.#servedBefore(claim, ahead)));
  }

  #obstacleOf(claim: Claim, reserved: ReadonlyMap<string, Reservation>): Obstacle | null {
    const want = claim.wants.find((candidate) => !this.#isFree(candidate, reserved.get(candidate.lock)));
    return want === undefined ? null : { want, position: (reserved.get(want.lock)?.claims ?? 0) + 1 };
  }

  #holdsNothing(claim: Claim): boolean {
    return !this.#byOwner.has(ownerOf(claim.holder));
  }

  /** Those ahead of a claim that it lets go first: not those that wait for what its own build holds. */
  #servedBefore(claim: Claim, ahead: readonly Claim[]): readonly Claim[] {
    if (this.#holdsNothing(claim)) return ahead;
    const owner = ownerOf(claim.holder);
    return ahead.filter((other) => !this.#waitsFor(other, owner, new Set([claim.holder])));
  }

  /** Whether a waiting claim cannot be granted before an owner has gone on, directly or through others. */
  #waitsFor(claim: Claim, owner: string, seen: Set<string>): boolean {
    if (seen.has(claim.holder)) return false;
    seen.add(claim.holder);
    const inTheWay = claim.wants.flatMap((want) => [...this.#state(want.lock).holders.keys()].map(ownerOf));
    if (inTheWay.includes(owner)) return true;
    return this.#waiting.some((other) => {
      const isAhead =
        other.seq < claim.seq && other.wants.some((want) => claim.wants.some((own) => own.lock === want.lock));
      return (isAhead || inTheWay.includes(ownerOf(other.holder))) && this.#waitsFor(other, owner, seen);
    });
  }

  #isFree(want: Want, reserved: Reservation | undefined): boolean {
    const state = this.#state(want.lock);
    if (state.exclusive !== null || reserved?.exclusive === true) return false;
    const inUse = state.counted + (reserved?.count ?? 0);
    if (want.mode === 'exclusive') return state.holders.size === 0 && inUse === 0;
    return inUse + want.count <= this.#limits(want.lock);
  }

  /**
   * Whether nobody who holds nothing is granted a lock any more, whatever else is reserved of it: it is held or reserved
   * alone, or by as many as it has room for. A build that passes who reserves it passes all behind, too (`#waitsFor`).
   */
  #isClosed(lock: string, reserved: Reservation | undefined): boolean {
    const state = this.#state(lock);
    if (state.exclusive !== null || reserved?.exclusive === true) return true;
    return state.counted + (reserved?.count ?? 0) >= this.#limits(lock);
  }

  #take(claim: Claim): void {
    this.#granted.set(claim.holder, claim);
    const owner = ownerOf(claim.holder);
    this.#byOwner.set(owner, (this.#byOwner.get(owner) ?? new Set()).add(claim.holder));
    for (const want of claim.wants) {
      const state = this.#state(want.lock);
      this.#locks.set(want.lock, state);
      state.holders.set(claim.holder, want);
      if (want.mode === 'exclusive') state.exclusive = claim.holder;
      else state.counted += want.count;
    }
  }

  /** Of a lock that nobody holds, a new one, which is kept only when somebody takes it. */
  #state(lock: string): LockState {
    return this.#locks.get(lock) ?? { exclusive: null, counted: 0, holders: new Map() };
  }
}

/** What those ahead want of a lock. */
interface Reservation {
  exclusive: boolean;
  count: number;
  claims: number;
}

function reservationsOf(claims: readonly Claim[]): Map<string, Reservation> {
  const reserved = new Map<string, Reservation>();
  for (const claim of claims) reserve(reserved, claim);
  return reserved;
}

/** Who goes on once a holder's locks are granted: the build, for its steps. */
export function ownerOf(holder: string): string {
  const build = /^step:(\d+)\./.exec(holder)?.[1];
  return build === undefined ? holder : `build:${build}`;
}

function reserve(reserved: Map<string, Reservation>, { wants }: Claim): void {
  for (const { lock, mode, count } of wants) {
    const reservation = reserved.get(lock) ?? { exclusive: false, count: 0, claims: 0 };
    if (mode === 'exclusive') reservation.exclusive = true;
    else reservation.count += count;
    reservation.claims += 1;
    reserved.set(lock, reservation);
  }
}
