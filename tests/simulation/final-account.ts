import type { SimulatedSite } from '@icefall/master/simulation/simulated-site';
import type { Result } from '@icefall/shared';
import { Broken, require } from './broken.ts';
import type { RandomSite } from './random-site.ts';
import { resultOfSteps, worst } from './truth.ts';

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

interface Account {
  readonly sim: SimulatedSite;
  readonly drawn: RandomSite;
  /** Requests of whose end somebody was told. */
  readonly ended: ReadonlyMap<number, Result>;
}

/** Checks, when all is quiet: everything ended, nothing is left behind, and everything is what the rules say. */
export function checkFinalAccount(account: Account): void {
  new FinalAccount(account).check();
}

class FinalAccount {
  readonly #sim: SimulatedSite;
  readonly #drawn: RandomSite;
  readonly #ended: ReadonlyMap<number, Result>;

  constructor({ sim, drawn, ended }: Account) {
    this.#sim = sim;
    this.#drawn = drawn;
    this.#ended = ended;
  }

  check(): void {
    this.#everythingEnded();
    this.#changesAreBuiltOnce();
    this.#resultsAreRight();
    this.#nothingBeganTwice();
    this.#logsAreWhole();
  }

  #everythingEnded(): void {
    const { core } = this.#sim.master;
    const open = core.db.all<{ id: number; builder: string; state: string; blocker: string | null }>(
      "SELECT id, builder, state, blocker FROM requests WHERE state <> 'finished'",
    );
    require(open.length === 0, `requests never ended: ${JSON.stringify(open.slice(0, 3))}`);
    for (const table of ['lock_claims', 'commands'])
      require(core.db.all(`SELECT * FROM ${table}`).length ===
        0, `rows are left in ${table}: ${JSON.stringify(core.db.all(`SELECT * FROM ${table} LIMIT 3`))}`);
    for (const table of ['builds', 'buildsets'])
      require(core.db.all(`SELECT id FROM ${table} WHERE finished_at IS NULL`).length === 0, `${table} never ended`);
    for (const worker of this.#sim.workers.values())
      require(worker.running.length === 0, `${worker.name} still runs ${worker.running.join(', ')}`);
    const missing = core.db.all<{ id: number }>('SELECT id FROM requests').filter((row) => !this.#ended.has(row.id));
    require(missing.length === 0, `nobody was told of the end of requests ${missing.map((row) => row.id)}`);
  }

  /** A change that a scheduler has built is not built by it again. */
  #changesAreBuiltOnce(): void {
    const rows = this.#sim.master.core.db.all<{ scheduler: string; change_ids: string }>(
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
    const { core } = this.#sim.master;
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
    const { core } = this.#sim.master;
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
    for (const worker of this.#sim.workers.values())
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
    const rows = this.#sim.master.core.db.all<BuildFacts & { readonly epoch: number }>('SELECT * FROM builds');
    return new Map(rows.map((row) => [row.epoch, row]));
  }

  /** What a command wrote is in its log, each line once and in order, if its end was seen. */
  #logsAreWhole(): void {
    const { core, logs } = this.#sim.master;
    const builds = this.#buildsByEpoch();
    for (const worker of this.#sim.workers.values())
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
