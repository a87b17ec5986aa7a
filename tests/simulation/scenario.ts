import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Database, openDatabase } from '@icefall/master/db/database';
import { LOOK_EVERY_MS } from '@icefall/master/engine/clock-watch';
import type { Master } from '@icefall/master/master';
import { SimulatedSite } from '@icefall/master/simulation/simulated-site';
import type { Work } from '@icefall/master/simulation/simulated-worker';
import { Dice } from './dice.ts';
import { Invariants } from './invariants.ts';
import { type RandomSite, randomSite } from './random-site.ts';

/** What happened, for people who look at a seed that failed. */
export type Note = (text: string) => void;

const MINUTE = 60_000;
/** Of trouble, as the dice say; then everything is mended. Many short stories find more than few long ones. */
const LEAST_TROUBLE_MS = 10 * MINUTE;
const MOST_TROUBLE_MS = 60 * MINUTE;
/** Share of absences that outlast a grace. */
const LONG_ABSENCES = 0.3;
/** Everything has ended long before, unless something waits for ever. */
const QUIET_MS = 48 * 60 * MINUTE;
/** Longer than any tree-stable timer or back-off of a drawn site: what would still come has come. */
const AFTERWARDS_MS = 30 * MINUTE;
/** Logs are written to memory where there is such a place: the disk's speed is no part of a simulation. */
const BELOW = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** One for all scenarios of a process: its statements are prepared once. */
const database = openDatabase(':memory:');

/** As if it were new: ids count from 1 again, or a seed would not replay. */
function emptied(): Database {
  const tables = database.prepare<[], { name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  database.pragma('foreign_keys = OFF');
  for (const { name } of tables) database.exec(`DELETE FROM "${name}"`);
  database.pragma('foreign_keys = ON');
  return database;
}

/** One random site through an hour of random trouble, then quiet; throws Broken if a promise was broken. */
export function runScenario(seed: number, note: Note = () => {}): void {
  using scenario = new Scenario(seed, note);
  scenario.run();
}

class Scenario implements Disposable {
  readonly #dice: Dice;
  readonly #note: Note;
  readonly #sim: SimulatedSite;
  readonly #invariants: Invariants;
  #drawn: RandomSite;
  /** By worker, on the clock that nobody sets. */
  readonly #downUntil = new Map<string, number>();
  #changes = 0;
  #isTrouble = true;

  constructor(seed: number, note: Note) {
    this.#dice = new Dice(seed);
    this.#note = note;
    this.#drawn = randomSite(this.#dice, (other) => new Dice(other));
    this.#invariants = new Invariants(this.#drawn, () => this.#sim);
    const works = new Dice(seed + 1);
    const latency = new Dice(seed + 2);
    this.#sim = new SimulatedSite({
      site: this.#drawn.site,
      work: () => work(works),
      latencyMs: () => latency.duration(1, 200),
      windowBytes: latency.int(20, 400),
      below: BELOW,
      database: emptied(),
      log: { info() {}, warn() {}, error: (_fields, message) => this.#noteError(message) },
      opened: (master) => this.#invariants.watch(master),
    });
  }

  /** A site that takes its locks in order never deadlocks, so an alarm there is a false one. */
  #noteError(message: string): void {
    if (!message.startsWith('deadlock: ')) return;
    this.#note(message);
    if (!this.#drawn.isReckless) this.#invariants.broken(`a site whose builds cannot wait for each other: ${message}`);
  }

  run(): void {
    this.#connectAll();
    const { clock } = this.#sim;
    const until = clock.monotonic() + this.#dice.duration(LEAST_TROUBLE_MS, MOST_TROUBLE_MS);
    while (clock.monotonic() < until) {
      this.#sim.run(this.#dice.duration(10, 6 * MINUTE));
      this.#happen();
      this.#invariants.soFar();
    }
    this.#mend();
    this.#runUntilQuiet();
    this.#noteWhatIsLeft();
    this.#invariants.atTheEnd();
  }

  /** Until nothing is left to do, also a while later: a timer may begin something new. */
  #runUntilQuiet(): void {
    const { clock } = this.#sim;
    const until = clock.now() + QUIET_MS;
    do {
      while (clock.now() < until && !this.#isQuiet()) {
        this.#sim.run(10 * MINUTE);
        // An agent whose last mistake has cost it its connection comes back, as agents do.
        this.#connectAll();
      }
      this.#sim.run(AFTERWARDS_MS);
    } while (clock.now() < until && !this.#isQuiet());
  }

  #isQuiet(): boolean {
    const { core } = this.#sim.master;
    const isOpen = core.db.one("SELECT 1 FROM requests WHERE state <> 'finished' LIMIT 1") !== null;
    return !isOpen && [...this.#sim.workers.values()].every((worker) => worker.running.length === 0);
  }

  /** For people: what never came to its end. */
  #noteWhatIsLeft(): void {
    const { core } = this.#sim.master;
    const queries = [
      "SELECT id, builder, worker, state, halted, stop_reason, holds_slot, grace_until FROM builds WHERE state <> 'finished'",
      "SELECT build_id, number, name, state, blocker FROM steps WHERE state NOT IN ('finished', 'pending')",
      'SELECT holder, lock, mode, seq, granted_at FROM lock_claims ORDER BY seq',
      'SELECT id, build_id, step_number, worker, state, store_id, interrupt_reason FROM commands',
    ];
    for (const query of queries) for (const row of core.db.all(query)) this.#note(`left: ${JSON.stringify(row)}`);
    for (const worker of this.#sim.workers.values())
      this.#note(`left: ${worker.name} is ${worker.isConnected ? 'connected' : 'away'}, runs ${worker.running}`);
  }

  #connectAll(): void {
    for (const worker of this.#sim.workers.values()) worker.connect();
  }

  /** Something of all that can happen to a site. */
  #happen(): void {
    const events: readonly [number, () => void][] = [
      [30, () => this.#push()],
      [15, () => this.#request()],
      [6, () => this.#stopBuild()],
      [5, () => this.#cancelRequest()],
      [8, () => this.#restartMaster()],
      [10, () => this.#cutWorker()],
      [5, () => this.#killWorker()],
      [2, () => this.#loseDisk()],
      [4, () => this.#pause()],
      [4, () => this.#reconfigure()],
      [3, () => this.#switchScheduler()],
      [3, () => this.#speakOfAnotherEpoch()],
      [2, () => this.#setClock()],
    ];
    const whole = events.reduce((sum, [weight]) => sum + weight, 0);
    let left = this.#dice.next() * whole;
    const chosen = events.find(([weight]) => {
      left -= weight;
      return left < 0;
    });
    chosen?.[1]();
  }

  #master(): Master | null {
    return this.#sim.isMasterUp ? this.#sim.master : null;
  }

  #push(): void {
    const master = this.#master();
    if (master === null) return;
    this.#changes += 1;
    const revision = this.#changes.toString(16).padStart(40, '0');
    const deliveryId = this.#dice.chance(0.1) ? 'the same' : `delivery ${this.#changes}`;
    this.#note(`push ${revision.slice(-4)}`);
    master.changes.add({
      ...{ repository: 'scripts', branch: 'main', revision, author: 'somebody', committer: null, message: 'change' },
      ...{ files: [], commits: [], codebase: '', project: '', category: null, link: null, properties: {} },
      ...{ source: 'sendchange', deliveryId, at: null },
    });
  }

  #request(): void {
    if (!this.#sim.isMasterUp) return;
    const names = this.#dice.some(this.#drawn.site.builders.map((builder) => builder.name));
    this.#note(`request ${names}`);
    this.#sim.request(names, { priority: this.#dice.int(-1, 1) });
  }

  #stopBuild(): void {
    const master = this.#master();
    const active = master?.rooms.builds.rows.active() ?? [];
    if (master === null || active.length === 0) return;
    const build = this.#dice.pick(active);
    this.#note(`stop build ${build.id}`);
    master.stopBuild(build.id, 'random');
  }

  #cancelRequest(): void {
    const master = this.#master();
    const open =
      master?.core.db.all<{ id: number }>("SELECT id FROM requests WHERE state <> 'finished' ORDER BY id") ?? [];
    if (master === null || open.length === 0) return;
    const { id } = this.#dice.pick(open);
    this.#note(`cancel request ${id}`);
    master.cancelRequest(id, 'random');
  }

  #restartMaster(): void {
    if (!this.#sim.isMasterUp) return;
    this.#note('kill the master');
    this.#sim.killMaster();
    this.#later(this.#dice.duration(100, 20 * MINUTE), () => {
      if (this.#sim.isMasterUp) return;
      this.#note('start the master');
      this.#sim.startMaster();
      for (const worker of this.#sim.workers.values()) this.#comeBack(worker.name, this.#dice.duration(10, 3000));
    });
  }

  /** Workers try again and again, as agents do; one whose network is down until later does not get through before. */
  #comeBack(name: string, afterMs: number): void {
    const { clock } = this.#sim;
    const until = Math.max(clock.monotonic() + afterMs, this.#downUntil.get(name) ?? 0);
    this.#later(until - clock.monotonic(), () => {
      if (this.#sim.isMasterUp) this.#sim.worker(name).connect();
    });
  }

  /** Its network is down for a while: short as a rule, and now and then longer than every grace. */
  #goesDown(name: string): void {
    const ms = this.#dice.chance(LONG_ABSENCES)
      ? this.#dice.int(8 * MINUTE, 45 * MINUTE)
      : this.#dice.duration(10, 25 * MINUTE);
    const until = this.#sim.clock.monotonic() + ms;
    this.#downUntil.set(name, Math.max(until, this.#downUntil.get(name) ?? 0));
    this.#comeBack(name, ms);
  }

  #cutWorker(): void {
    const worker = this.#dice.pick([...this.#sim.workers.values()]);
    this.#note(`cut ${worker.name}`);
    worker.cut();
    this.#goesDown(worker.name);
  }

  #killWorker(): void {
    const worker = this.#dice.pick([...this.#sim.workers.values()]);
    this.#note(`kill ${worker.name}`);
    worker.kill();
    this.#goesDown(worker.name);
  }

  #loseDisk(): void {
    const worker = this.#dice.pick([...this.#sim.workers.values()]);
    this.#note(`${worker.name} loses its disk`);
    worker.loseDisk();
    this.#goesDown(worker.name);
  }

  #speakOfAnotherEpoch(): void {
    const worker = this.#dice.pick([...this.#sim.workers.values()]);
    this.#note(`${worker.name} speaks of another epoch`);
    worker.speakOfAnotherEpoch();
  }

  #pause(): void {
    const { name } = this.#dice.pick(this.#drawn.site.workers);
    this.#note(`pause or resume ${name}`);
    this.#master()?.setPaused(name, this.#dice.chance(0.5));
  }

  #reconfigure(): void {
    this.#drawn = this.#drawn.vary(this.#dice);
    this.#invariants.varied(this.#drawn);
    this.#note(`reconfigure: ${JSON.stringify([...this.#drawn.limits])}`);
    this.#sim.configure(this.#drawn.site);
  }

  #switchScheduler(): void {
    const { name } = this.#dice.pick(this.#drawn.site.schedulers);
    this.#note(`switch ${name}`);
    this.#master()?.schedulers.setEnabled(name, this.#dice.chance(0.5));
  }

  /** An operator or a time server sets it; the master notices that soon. */
  #setClock(): void {
    const byMs = this.#dice.duration(100, 3 * 24 * 60 * MINUTE) * this.#dice.pick([-1, 1]);
    this.#note(`set the clock by ${byMs} ms`);
    const { clock } = this.#sim;
    clock.jumpTo(clock.now() + byMs);
    // Something else may happen before the master looks.
    if (this.#dice.chance(0.5)) this.#happen();
    this.#sim.run(LOOK_EVERY_MS);
  }

  #later(ms: number, work: () => void): void {
    const { clock } = this.#sim;
    clock.after(ms, () => {
      if (this.#isTrouble) work();
    });
  }

  /** The trouble is over: everything runs again, and nothing new comes but what the clock starts. */
  #mend(): void {
    this.#isTrouble = false;
    this.#note('everything is mended');
    if (!this.#sim.isMasterUp) this.#sim.startMaster();
    const { schedulers } = this.#sim.master;
    for (const { name } of this.#drawn.site.schedulers) schedulers.setEnabled(name, name !== 'clock');
    for (const { name } of this.#drawn.site.workers) this.#sim.master.setPaused(name, false);
    this.#connectAll();
  }

  [Symbol.dispose](): void {
    this.#sim[Symbol.dispose]();
  }
}

function work(dice: Dice): Work {
  const durationMs = dice.duration(10, 30 * MINUTE);
  const exitCode = dice.chance(0.75) ? 0 : dice.pick([1, 2]);
  const lines = Array.from({ length: dice.int(0, 8) }, (_, i) => `line ${i} ${'x'.repeat(dice.int(0, 20))}`);
  return { durationMs, exitCode, lines, dyingMs: dice.duration(1, 20_000) };
}
