import type { Master } from '@icefall/master/master';
import type { SimulatedSite } from '@icefall/master/simulation/simulated-site';
import { checkState } from '@icefall/master/storage/verify/state-checks';
import type { Result } from '@icefall/shared';
import { Broken, require } from './broken.ts';
import { checkFinalAccount } from './final-account.ts';
import type { RandomSite } from './random-site.ts';

interface ClaimRow {
  readonly holder: string;
  readonly lock: string;
  readonly mode: string;
  readonly count: number;
}
/** Of a clock, each too small to be a jump, while a worker is away: a wait is that much shorter. */
const CORRECTIONS_MS = 5000;

/** Watches a simulated site for broken promises: at every moment, over restarts, and at the end. */
export class Invariants {
  readonly #sim: () => SimulatedSite;
  #drawn: RandomSite;
  /** The loosest limits since the last vary: holders from before a change of limits may stay. */
  #limits: Map<string, number>;
  readonly #ended = new Map<number, Result>();
  #broken: unknown = null;
  readonly #finishedSteps = new Map<string, Result>();

  constructor(drawn: RandomSite, sim: () => SimulatedSite) {
    this.#drawn = drawn;
    this.#sim = sim;
    this.#limits = new Map(drawn.limits);
  }

  varied(drawn: RandomSite): void {
    this.#drawn = drawn;
    for (const [name, limit] of drawn.limits) this.#limits.set(name, Math.max(limit, this.#limits.get(name) ?? 0));
  }

  /** To be called for every process of the master. */
  watch(master: Master): void {
    const { requests, database } = master.rooms;
    const [finding] = checkState(database);
    require(finding === undefined, `icefall verify: ${finding?.place}: ${finding?.message}`);
    // What ended while this process opened.
    const opened = master.core.db.all<{ id: number; result: Result }>(
      "SELECT id, result FROM requests WHERE state = 'finished'",
    );
    for (const { id, result } of opened) this.#ended.set(id, this.#ended.get(id) ?? result);
    const endedNow: { requestId: number; result: Result }[] = [];
    requests.finished.on(({ requestId }) => {
      endedNow.push({ requestId, result: requests.row(requestId)?.result ?? 'EXCEPTION' });
    });
    master.core.rolledBack.on(() => endedNow.splice(0));
    this.#nobodyIsGivenUpEarly(master);
    master.core.committed.on((touched) =>
      this.#noting(() => {
        for (const { requestId, result } of endedNow.splice(0)) {
          require(!this.#ended.has(requestId), `request ${requestId} ended twice`);
          this.#ended.set(requestId, result);
        }
        // What nobody touched is as it was.
        if (touched.some(({ kind }) => kind === 'lock')) {
          this.#locksAreKept(master);
          this.#queueIsKept(master);
        }
        if (touched.some(({ kind }) => kind === 'worker')) this.#slotsAreKept(master);
        for (const { kind, key } of touched) if (kind === 'step') this.#stepStaysEnded(master, key);
      }),
    );
  }

  /** An absent worker keeps its builds for its grace, whatever clocks show: from its going, or from the master's start. */
  #nobodyIsGivenUpEarly(master: Master): void {
    const startedAt = master.core.clock.monotonic();
    master.rooms.commands.lost.on(({ buildId, isGivenUp }) =>
      this.#noting(() => {
        const name = master.rooms.builds.rows.build(buildId)?.worker ?? '';
        const since = this.#sim().worker(name).absentSince;
        const awayMs = master.core.clock.monotonic() - Math.max(since ?? 0, startedAt);
        const { graceMs = 0 } = master.config.worker(name) ?? {};
        const isLong = since !== null && awayMs >= graceMs - CORRECTIONS_MS;
        require(!isGivenUp || isLong, `build ${buildId} was given up after ${awayMs} ms without ${name}`);
      }),
    );
  }

  /** A turn is not taken back by what it broke: it is kept for the next look. */
  #noting(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#broken ??= error;
    }
  }

  /** Notes a promise that somebody else saw broken. */
  broken(promise: string): void {
    this.#broken ??= new Broken(promise);
  }

  /** Throws what was found broken since the start. */
  soFar(): void {
    if (this.#broken !== null) throw this.#broken;
    this.#absentWorkersAreCountedDown();
  }

  /** What an absent worker runs is waited for only until the grace of its build ends. */
  #absentWorkersAreCountedDown(): void {
    const sim = this.#sim();
    if (!sim.isMasterUp) return;
    const { core } = sim.master;
    for (const { name, isConnected } of sim.workers.values()) {
      if (isConnected) continue;
      const builds = core.db.all<{ id: number; grace_until: number | null }>(
        `SELECT id, grace_until FROM builds
          WHERE id IN (SELECT build_id FROM commands WHERE worker = ?)`,
        name,
      );
      for (const { id, grace_until: until } of builds)
        require(until !== null && until >= core.now(), `${name} is away, and build ${id} waits for it without an end`);
    }
  }

  #locksAreKept({ core }: Master): void {
    const granted = core.db.all<ClaimRow>('SELECT * FROM lock_claims WHERE granted_at IS NOT NULL');
    for (const [lock, claims] of Map.groupBy(granted, (claim) => claim.lock)) {
      const exclusive = claims.filter((claim) => claim.mode === 'exclusive');
      require(exclusive.length === 0 || claims.length === 1, `lock ${lock} has an exclusive holder that is not alone`);
      const limit = this.#limits.get(lock.split(/[@/]/)[0] ?? '') ?? 0;
      const held = claims.reduce((sum, claim) => sum + claim.count, 0);
      require(exclusive.length === 1 || held <= limit, `lock ${lock} is held ${held} times, its limit is ${limit}`);
    }
    // Of a path lock: whoever has a path alone is alone on everything below it too, told by the keys alone.
    for (const { lock, holder } of granted.filter(({ mode }) => mode === 'exclusive')) {
      const below = granted.find((other) => other.lock.startsWith(`${lock}/`) && other.holder !== holder);
      require(below === undefined, `${holder} has ${lock} alone, and ${below?.holder} has ${below?.lock} below it`);
    }
    const waiting = core.db.all<ClaimRow>('SELECT * FROM lock_claims WHERE granted_at IS NULL');
    const both = waiting.find((claim) => granted.some((other) => other.holder === claim.holder));
    require(both === undefined, `${both?.holder} holds some of its locks and waits for others`);
  }

  /** Who came first is served first: also after a restart. */
  #queueIsKept({ core, rooms }: Master): void {
    const rows = core.db.all<{ holder: string }>(
      'SELECT holder FROM lock_claims WHERE granted_at IS NULL GROUP BY holder ORDER BY MIN(seq)',
    );
    const onDisk = rows.map(({ holder }) => holder).join(', ');
    const inMemory = rooms.locks.waitingHolders().join(', ');
    require(onDisk === inMemory, `the queue for locks is ${inMemory} in memory, ${onDisk} on disk`);
  }

  #slotsAreKept({ core, rooms, config }: Master): void {
    const rows = core.db.all<{ id: number; worker: string }>(
      "SELECT id, worker FROM builds WHERE holds_slot = 1 AND state <> 'finished' ORDER BY id",
    );
    for (const { name } of config.site.workers) {
      const held = rows.filter((row) => row.worker === name).map((row) => row.id);
      const inMemory = [...rooms.slots.holders(name)].sort((a, b) => a - b);
      require(JSON.stringify(held) ===
        JSON.stringify(inMemory), `slots of ${name}: ${inMemory} in memory, ${held} on disk`);
    }
  }

  #stepStaysEnded({ core }: Master, key: string): void {
    const [buildId = '', number = ''] = key.split('.');
    const row = core.db.one<{ state: string; result: Result | null }>(
      'SELECT state, result FROM steps WHERE build_id = ? AND number = ?',
      Number(buildId),
      Number(number),
    );
    const before = this.#finishedSteps.get(key);
    if (before !== undefined)
      require(row?.state === 'finished' &&
        row.result === before, `step ${key} had ended as ${before}, now it is ${row?.state} ${row?.result}`);
    else if (row?.state === 'finished' && row.result !== null) this.#finishedSteps.set(key, row.result);
  }

  /** When all is quiet: everything ended, nothing is left behind, and everything is what the rules say. */
  atTheEnd(): void {
    this.soFar();
    checkFinalAccount({ sim: this.#sim(), drawn: this.#drawn, ended: this.#ended });
  }
}
