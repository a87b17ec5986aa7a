import { type Claim, type LockTable, ownerOf, type Want } from './lock-table.ts';

/** `build:ID` or `request:ID`: somebody who ends one day, unless he waits for ever. */
export type Party = string;

/** A build that has not ended. */
export interface BuildWait {
  readonly id: number;
  readonly worker: string;
  readonly holdsSlot: boolean;
  /**
   * What it does: it runs or waits for the world outside (`nothing` of ours is in its way), or it waits for locks of its
   * step, for the requests that a step triggered, or for its slot.
   */
  readonly waitsFor: 'nothing' | 'locks' | 'children' | 'slot';
  /** Parties that it triggered and that have not ended. */
  readonly children: readonly Party[];
}

/** A request that has not become a build. */
export interface RequestWait {
  readonly id: number;
  /** Workers of its builder; null: something else than slots and locks is in its way too. */
  readonly workers: readonly string[] | null;
  /** The request of its builder that is tried first and waits for locks; null: none of them claims any. */
  readonly claimant: number | null;
  /** Where it claims locks of one worker: what it would ask for on the others. */
  readonly alternatives: readonly { readonly worker: string; readonly wants: readonly Want[] }[];
}

/** Everything that waits, at one moment. */
export interface Waits {
  readonly table: LockTable;
  readonly builds: readonly BuildWait[];
  readonly requests: readonly RequestWait[];
  /** Whether a request's claim could be used at this moment. */
  readonly isReady: (claim: Claim) => boolean;
  readonly maxBuilds: (worker: string) => number;
  /** A worker that is not may come back, and then take what nobody else can. */
  readonly isAvailable: (worker: string) => boolean;
}

/** Somebody who stands in the way of a party that waits for ever, and for what. */
export interface Edge {
  readonly to: Party;
  readonly lock: Want | null;
}

/**
 * Plays the waiting of a site out as well as it can go: whoever has nothing of ours in his way ends one day and gives
 * back what he holds, those who are next by the lock table's own rules then go on, and so forth. Who is left then waits
 * for ever, unless somebody acts: nothing is guessed from the shape of a graph, so there is no false alarm.
 */
export class PlayOut {
  readonly #waits: Waits;
  readonly #table: LockTable;
  readonly #builds: Map<Party, BuildWait>;
  readonly #requests: Map<Party, RequestWait>;
  readonly #slots = new Map<string, number>();

  constructor(waits: Waits) {
    this.#waits = waits;
    this.#table = waits.table.copy();
    this.#builds = new Map(waits.builds.map((build) => [`build:${build.id}`, build]));
    this.#requests = new Map(waits.requests.map((request) => [`request:${request.id}`, request]));
    for (const { worker, holdsSlot } of waits.builds) if (holdsSlot) this.#count(worker, 1);
    for (const [party, build] of this.#builds) if (build.waitsFor === 'nothing') this.#end(party);
    while (this.#grantNext() || this.#goOn());
  }

  #count(worker: string, more: number): void {
    this.#slots.set(worker, (this.#slots.get(worker) ?? 0) + more);
  }

  #hasSlot(worker: string): boolean {
    return (this.#slots.get(worker) ?? 0) < this.#waits.maxBuilds(worker);
  }

  #canTake(worker: string): boolean {
    return !this.#waits.isAvailable(worker) || this.#hasSlot(worker);
  }

  #end(party: Party): void {
    const build = this.#builds.get(party);
    if (build?.holdsSlot === true) this.#count(build.worker, -1);
    this.#builds.delete(party);
    this.#requests.delete(party);
    for (const { holder } of [...this.#table.granted, ...this.#table.waiting])
      if (ownerOf(holder) === party) this.#table.release(holder);
  }

  #isReady(claim: Claim): boolean {
    return !claim.holder.startsWith('request:') || this.#waits.isReady(claim);
  }

  /** Ends everybody whom the lock table serves next; gives whether there was one. */
  #grantNext(): boolean {
    const granted = this.#table.grant((claim) => this.#isReady(claim));
    for (const { holder } of granted) this.#end(ownerOf(holder));
    return granted.length > 0;
  }

  /** Ends everybody else who can go on; gives whether there was one. */
  #goOn(): boolean {
    const able = [...this.#builds].filter(([party, build]) => this.#canReturn(party, build)).map(([party]) => party);
    if (able.length === 0) {
      const first = [...this.#requests.values()].find((request) => this.#canStart(request));
      if (first !== undefined) able.push(`request:${first.id}`);
    }
    for (const party of able) this.#end(party);
    return able.length > 0;
  }

  /** Builds that hold locks of their own take their slot back without standing in line. */
  #canReturn(party: Party, build: BuildWait): boolean {
    if (build.waitsFor === 'locks' || build.children.some((child) => this.#isLeft(child))) return false;
    return this.#table.isGranted(party) || this.#hasSlot(build.worker);
  }

  #canStart(request: RequestWait): boolean {
    const { workers, claimant } = request;
    if (workers === null) return true;
    // Those that are not first of their builder follow the one that is.
    if (claimant !== null && claimant !== request.id) return !this.#requests.has(`request:${claimant}`);
    if (!workers.some((worker) => this.#canTake(worker))) return false;
    const holder = `request:${request.id}`;
    if (claimant === null || !this.#table.isWaiting(holder)) return true;
    // It could not use the locks at this moment, so it kept nobody from them; but now it might be its turn.
    const isReady = (claim: Claim) => claim.holder === holder || this.#isReady(claim);
    if (this.#table.inTheWay(holder, isReady).length === 0) return true;
    return request.alternatives.some(
      ({ worker, wants }) =>
        this.#canTake(worker) &&
        this.#table.wouldGrant({ holder, seq: Number.POSITIVE_INFINITY, wants }, (claim) => {
          return claim.holder !== holder && this.#isReady(claim);
        }),
    );
  }

  #isLeft(party: Party): boolean {
    return this.#builds.has(party) || this.#requests.has(party);
  }

  /** Who waits for ever, in order of age: requests after builds. */
  get stuck(): readonly Party[] {
    return [...this.#builds.keys(), ...this.#requests.keys()];
  }

  /** Who among those stands in the way of one of them. */
  edges(party: Party): Edge[] {
    const build = this.#builds.get(party);
    if (build !== undefined) return this.#edgesOfBuild(party, build);
    const request = this.#requests.get(party);
    if (request === undefined) return [];
    const { claimant, workers } = request;
    const claim = claimant === null ? [] : this.#lockEdges(`request:${claimant}`);
    return claim.length > 0 ? claim : (workers ?? []).flatMap((worker) => this.#slotEdges(worker));
  }

  #edgesOfBuild(party: Party, build: BuildWait): Edge[] {
    if (build.waitsFor === 'locks') {
      const claim = this.#table.waiting.find(({ holder }) => ownerOf(holder) === party);
      return claim === undefined ? [] : this.#lockEdges(claim.holder);
    }
    const children = build.children.filter((child) => this.#isLeft(child)).map((to) => ({ to, lock: null }));
    return children.length > 0 ? children : this.#slotEdges(build.worker);
  }

  #lockEdges(holder: string): Edge[] {
    return this.#table
      .inTheWay(holder, (claim) => this.#isReady(claim))
      .map(({ holder: other, want }) => ({ to: ownerOf(other), lock: want }));
  }

  #slotEdges(worker: string): Edge[] {
    return [...this.#builds]
      .filter(([, build]) => build.holdsSlot && build.worker === worker)
      .map(([to]) => ({ to, lock: null }));
  }
}

/** One step of a cycle: who waits, and the edge to the one that comes next (after the last, the first). */
export interface Hop {
  readonly party: Party;
  readonly lock: Want | null;
}

/** Cycles among those who wait for ever, of which no two share a party. The same waits give the same cycles. */
export function cyclesOf(playOut: Pick<PlayOut, 'stuck' | 'edges'>): Hop[][] {
  const done = new Set<Party>();
  return playOut.stuck.flatMap((start) => {
    const cycle = search(playOut, start, [], done);
    for (const { party } of cycle ?? []) done.add(party);
    return cycle === null ? [] : [cycle];
  });
}

function search(playOut: Pick<PlayOut, 'edges'>, party: Party, path: readonly Hop[], done: Set<Party>): Hop[] | null {
  const known = path.findIndex((hop) => hop.party === party);
  if (known !== -1) return path.slice(known);
  if (done.has(party)) return null;
  for (const { to, lock } of playOut.edges(party)) {
    const cycle = search(playOut, to, [...path, { party, lock }], done);
    if (cycle !== null) return cycle;
  }
  done.add(party);
  return null;
}
