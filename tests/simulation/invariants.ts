import type { Master } from '@icefall/master/master';
import type { SimulatedSite } from '@icefall/master/simulation/simulated-site';
import { checkState } from '@icefall/master/storage/verify/state-checks';
import type { Result } from '@icefall/shared';
import type { RandomSite } from './random-site.ts';
import { resultOfSteps, worst } from './truth.ts';

interface ClaimRow {
  readonly holder: string;
  readonly lock: string;
  readonly mode: string;
  readonly count: number;
}
interface BuildFacts {
  readonly id: number;
  readonly builder: string;
  readonly request_id: number;
  readonly worker: string;
  readonly attempt: number;
  readonly state: string;
  readonly result: Result | null;
  readonly stop_reason: string | null;
}
interface StepFactsRow {
  readonly build_id: number;
  readonly number: number;
  readonly name: string;
  readonly state: string;
  readonly result: Result | null;
  readonly summary: string;
  readonly locks_acquired_at: number | null;
}

/** Of a clock, each too small to be a jump, while a worker is away: a wait is that much shorter. */
const CORRECTIONS_MS = 5000;

/** A promise that was broken, with what was seen. */
export class Broken extends Error {}

function require(isKept: boolean, promise: string): void {
  if (!isKept) throw new Broken(promise);
}

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
    const row = core.db.one<StepFactsRow>(
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
    this.#everythingEnded();
    this.#changesAreBuiltOnce();
    this.#resultsAreRight();
    this.#nothingBeganTwice();
    this.#logsAreWhole();
  }

  #everythingEnded(): void {
    const { core } = this.#sim().master;
    const open = core.db.all<{ id: number; builder: string; state: string; blocker: string | null }>(
      "SELECT id, builder, state, blocker FROM requests WHERE state <> 'finished'",
    );
    require(open.length === 0, `requests never ended: ${JSON.stringify(open.slice(0, 3))}`);
    for (const table of ['lock_claims', 'commands'])
      require(core.db.all(`SELECT * FROM ${table}`).length ===
        0, `rows are left in ${table}: ${JSON.stringify(core.db.all(`SELECT * FROM ${table} LIMIT 3`))}`);
    for (const table of ['builds', 'buildsets'])
      require(core.db.all(`SELECT id FROM ${table} WHERE finished_at IS NULL`).length === 0, `${table} never ended`);
    for (const worker of this.#sim().workers.values())
      require(worker.running.length === 0, `${worker.name} still runs ${worker.running.join(', ')}`);
    const missing = core.db.all<{ id: number }>('SELECT id FROM requests').filter((row) => !this.#ended.has(row.id));
    require(missing.length === 0, `nobody was told of the end of requests ${missing.map((row) => row.id)}`);
  }

  /** A change that a scheduler has built is not built by it again. */
  #changesAreBuiltOnce(): void {
    const rows = this.#sim().master.core.db.all<{ scheduler: string; change_ids: string }>(
      "SELECT scheduler, change_ids FROM buildsets WHERE scheduler = 'push'",
    );
    const built = new Set<number>();
    for (const { change_ids: ids } of rows)
      for (const id of JSON.parse(ids)) {
        require(!built.has(id), `change ${id} was built twice by the same scheduler`);
        built.add(id);
      }
  }

  #resultsAreRight(): void {
    const { core } = this.#sim().master;
    const steps = Map.groupBy(
      core.db.all<StepFactsRow>('SELECT * FROM steps ORDER BY build_id, number'),
      (row) => row.build_id,
    );
    const builds = core.db.all<BuildFacts>('SELECT * FROM builds ORDER BY id');
    for (const build of builds) this.#buildIsRight(build, steps.get(build.id) ?? []);
    const byRequest = Map.groupBy(builds, (build) => build.request_id);
    for (const request of core.db.all<{
      id: number;
      result: Result;
      collapsed_into: number | null;
      cancel_reason: string | null;
    }>('SELECT * FROM requests'))
      this.#requestIsRight(request, byRequest.get(request.id) ?? []);
    for (const set of core.db.all<{ id: number; result: Result }>('SELECT id, result FROM buildsets')) {
      const parts = core.db.all<{ result: Result }>('SELECT result FROM requests WHERE buildset_id = ?', set.id);
      require(set.result === worst(parts.map((part) => part.result)), `buildset ${set.id} is ${set.result}`);
    }
  }

  #buildIsRight(build: BuildFacts, rows: readonly StepFactsRow[]): void {
    const factsOf = (name: string) => {
      const facts = this.#drawn.facts.get(`${build.builder}/${name}`);
      if (facts === undefined) throw new Broken(`build ${build.id} has a step ${name} that nobody declared`);
      return facts;
    };
    const ended = rows.map((row) => ({
      name: row.name,
      result: row.result ?? 'EXCEPTION',
      passedOver: row.summary === 'not run',
    }));
    const { result, complaint } = resultOfSteps(ended, factsOf);
    if (build.stop_reason === null) require(complaint === null, `build ${build.id}: ${complaint}`);
    // One that was ended while it waited for locks has not begun.
    const hadOnce = rows.some((row) => row.locks_acquired_at !== null && !factsOf(row.name).retryable);
    const isLast = build.attempt >= this.#drawn.maxAttempts;
    const wanted =
      build.stop_reason !== null
        ? 'CANCELLED'
        : result !== 'RETRY'
          ? result
          : isLast || hadOnce
            ? 'EXCEPTION'
            : 'RETRY';
    require(build.result ===
      wanted, `build ${build.id} of ${build.builder} is ${build.result}, its steps say ${wanted}`);
  }

  #requestIsRight(
    request: { id: number; result: Result; collapsed_into: number | null; cancel_reason: string | null },
    builds: readonly BuildFacts[],
  ): void {
    const { core } = this.#sim().master;
    if (request.collapsed_into !== null) {
      const into = core.db.one<{ result: Result }>('SELECT result FROM requests WHERE id = ?', request.collapsed_into);
      require(builds.every(
        (build) => build.result === 'RETRY',
      ), `request ${request.id} went into another after it was built`);
      if (request.cancel_reason === null)
        require(into?.result === request.result, `request ${request.id} has not the result of the one it went into`);
      return;
    }
    const last = builds.at(-1);
    const attempts = builds.map((build) => build.attempt);
    require(attempts.every((attempt, i) => attempt === i + 1), `attempts of request ${request.id} are ${attempts}`);
    require(builds
      .slice(0, -1)
      .every((build) => build.result === 'RETRY'), `request ${request.id} was built again after it had ended`);
    const wanted = last === undefined || last.result === 'RETRY' ? 'CANCELLED' : last.result;
    require(request.result === wanted, `request ${request.id} is ${request.result}, its last build ${last?.result}`);
  }

  /** Every command began at most once, and a step that must not be repeated at most once for its request. */
  #nothingBeganTwice(): void {
    const builds = this.#buildsByEpoch();
    const commands = new Set<string>();
    const once = new Set<string>();
    for (const worker of this.#sim().workers.values())
      for (const { commandId, label, epoch } of worker.begun) {
        require(!commands.has(`${commandId}`), `command ${commandId} (${label}) began twice`);
        commands.add(`${commandId}`);
        const build = builds.get(epoch);
        const name = label.split(', ').at(-1) ?? '';
        if (build === undefined || this.#drawn.facts.get(`${build.builder}/${name}`)?.retryable !== false) continue;
        const key = `${build.request_id}/${name}`;
        require(!once.has(key), `${label} must not be started twice, and was (request ${build.request_id})`);
        once.add(key);
      }
  }

  #buildsByEpoch(): Map<number, BuildFacts> {
    const rows = this.#sim().master.core.db.all<BuildFacts & { readonly epoch: number }>('SELECT * FROM builds');
    return new Map(rows.map((row) => [row.epoch, row]));
  }

  /** What a command wrote is in its log, each line once and in order, if its end was seen. */
  #logsAreWhole(): void {
    const { core, logs } = this.#sim().master;
    const builds = this.#buildsByEpoch();
    for (const worker of this.#sim().workers.values())
      for (const { epoch, label, commandId } of worker.begun) {
        const written = worker.written.get(commandId) ?? [];
        const build = builds.get(epoch);
        const step = core.db.one<StepFactsRow>(
          'SELECT build_id, number, result, summary FROM steps WHERE build_id = ? AND name = ?',
          build?.id ?? 0,
          label.split(', ').at(-1) ?? '',
        );
        if (step === null) continue;
        const [log] = logs.ofStep(step.build_id, step.number);
        const lines = log === undefined ? [] : (logs.lines(log.id, 0, 10_000)?.lines ?? []);
        const texts = lines.filter((line) => line.stream !== 'header').map((line) => line.text);
        const isWhole = step.result !== 'RETRY' && !/^(lost|clean-up was given up)/.test(step.summary);
        const wanted = isWhole ? written : written.slice(0, texts.length);
        require(JSON.stringify(texts) ===
          JSON.stringify(
            wanted,
          ), `the log of ${label} has ${texts.length} lines: ${texts.slice(0, 5)}; written were ${written.length}`);
      }
  }
}
