import type { BuilderDeclaration } from '../config/builders.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { type LockKeeper, wantsOf } from '../locks/lock-keeper.ts';
import { type LockTable, ownerOf } from '../locks/lock-table.ts';
import type { BuildWait, Party, RequestWait, Waits } from '../locks/play-out.ts';
import type { Requests } from '../requests/requests.ts';
import type { RequestRow } from '../requests/rows.ts';
import type { BuildRow } from './rows.ts';

export interface WaitRooms {
  readonly locks: LockKeeper;
  readonly requests: Requests;
  /** Connected, and neither paused nor leaving. */
  readonly isAvailable: (worker: string) => boolean;
}

interface OpenChild {
  readonly parent: number;
  readonly id: number;
}

/** Everything that waits now, read from the rows and the lock table. */
export class WaitSnapshot implements Waits {
  readonly table: LockTable;
  readonly builds: readonly BuildWait[];
  readonly requests: readonly RequestWait[];
  readonly isReady: Waits['isReady'];
  readonly maxBuilds: Waits['maxBuilds'];
  readonly isAvailable: Waits['isAvailable'];
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #rooms: WaitRooms;

  constructor(core: Core, config: SiteConfig, rooms: WaitRooms) {
    this.#core = core;
    this.#config = config;
    this.#rooms = rooms;
    this.table = rooms.locks.tableCopy();
    this.isReady = (claim) => rooms.locks.isReady(claim.holder);
    this.maxBuilds = (worker) => config.worker(worker)?.maxBuilds ?? Number.POSITIVE_INFINITY;
    this.isAvailable = rooms.isAvailable;
    const children = this.#openChildren();
    this.builds = this.#readBuilds(children);
    this.requests = this.#readRequests([...children.values()].flat());
  }

  #readBuilds(children: ReadonlyMap<number, Party[]>): BuildWait[] {
    const forLocks = new Set(
      this.table.waiting.filter(({ holder }) => holder.startsWith('step:')).map(({ holder }) => ownerOf(holder)),
    );
    const rows = this.#core.db.all<Pick<BuildRow, 'id' | 'worker' | 'holds_slot' | 'state'>>(
      "SELECT id, worker, holds_slot, state FROM builds WHERE state <> 'finished' ORDER BY id",
    );
    return rows.map(({ id, worker, holds_slot, state }) => {
      const own = children.get(id) ?? [];
      const inTrigger = state !== 'waiting' ? 'nothing' : own.length > 0 ? 'children' : 'slot';
      const waitsFor = forLocks.has(`build:${id}`) ? 'locks' : inTrigger;
      return { id, worker, holdsSlot: holds_slot === 1, waitsFor, children: waitsFor === 'children' ? own : [] };
    });
  }

  /** Of every build that waits in a trigger step: what that step triggered and has not ended. */
  #openChildren(): Map<number, Party[]> {
    const rows = this.#core.db.all<OpenChild>(
      `SELECT builds.id AS parent, requests.id FROM builds
         JOIN buildsets ON buildsets.parent_build_id = builds.id AND buildsets.parent_step_number =
           (SELECT MIN(number) FROM steps WHERE steps.build_id = builds.id AND steps.state <> 'finished')
         JOIN requests ON requests.buildset_id = buildsets.id AND requests.state <> 'finished'
       WHERE builds.state <> 'finished' AND builds.state = 'waiting' ORDER BY requests.id`,
    );
    const parties = new Map<number, Party[]>();
    for (const { parent, id } of rows) parties.set(parent, [...(parties.get(parent) ?? []), this.#partyOf(id)]);
    return parties;
  }

  /** The build of a request, or the request itself, or the one that it went into. */
  #partyOf(id: number): Party {
    const row = this.#rooms.requests.row(id);
    if (row !== null && row.collapsed_into !== null) return this.#partyOf(row.collapsed_into);
    if (row?.state !== 'building') return `request:${id}`;
    const build = this.#core.db.one<{ id: number }>(
      "SELECT id FROM builds WHERE request_id = ? AND state <> 'finished'",
      id,
    );
    return build === null ? `request:${id}` : `build:${build.id}`;
  }

  #readRequests(children: readonly Party[]): RequestWait[] {
    const claiming = this.table.waiting.map(({ holder }) => holder).filter(isRequest);
    const claimants = new Map<string, number>();
    const rows = new Map<number, RequestRow>();
    for (const party of [...claiming, ...children.filter(isRequest)]) {
      const row = this.#rooms.requests.row(Number(party.slice('request:'.length)));
      if (row === null) continue;
      rows.set(row.id, row);
      if (claiming.includes(party)) claimants.set(row.builder, row.id);
    }
    return [...rows.values()].map((row) => this.#requestWait(row, claimants.get(row.builder) ?? null));
  }

  #requestWait(row: RequestRow, claimant: number | null): RequestWait {
    const builder = this.#config.builder(row.builder);
    // A back-off ends by itself, unseen by anybody who could look again: what comes after it counts.
    const workers = builder === null ? null : builder.workers.map((worker) => worker.name);
    const isClaimant = claimant === row.id && builder !== null;
    return { id: row.id, workers, claimant, alternatives: isClaimant ? this.#alternatives(row.id, builder) : [] };
  }

  #alternatives(requestId: number, builder: BuilderDeclaration): RequestWait['alternatives'] {
    const claimed = new Set(this.#rooms.locks.locksOf(`request:${requestId}`));
    return builder.workers
      .map(({ name }) => ({ worker: name, wants: wantsOf(this.#config.locksOf(builder, name), name) }))
      .filter(({ wants }) => wants.some((want) => !claimed.has(want.lock)) || wants.length < claimed.size);
  }
}

function isRequest(party: string): boolean {
  return party.startsWith('request:');
}
