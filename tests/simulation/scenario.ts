import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Database, openDatabase } from '@icefall/master/db/database';
import type { Work } from '@icefall/master/simulation/simulated-command';
import { SimulatedSite } from '@icefall/master/simulation/simulated-site';
import { Dice } from './dice.ts';
import { Invariants } from './invariants.ts';
import { randomSite } from './random-site.ts';
import { MINUTE, type Note, Trouble } from './trouble.ts';

/** Of trouble, as the dice say; then everything is mended. Many short stories find more than few long ones. */
const LEAST_TROUBLE_MS = 10 * MINUTE;
const MOST_TROUBLE_MS = 60 * MINUTE;
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
  readonly #trouble: Trouble;

  constructor(seed: number, note: Note) {
    this.#dice = new Dice(seed);
    this.#note = note;
    const drawn = randomSite(this.#dice, (other) => new Dice(other));
    this.#invariants = new Invariants(drawn, () => this.#sim);
    const works = new Dice(seed + 1);
    const latency = new Dice(seed + 2);
    this.#sim = new SimulatedSite({
      site: drawn.site,
      work: () => work(works),
      latencyMs: () => latency.duration(1, 200),
      windowBytes: latency.int(20, 400),
      below: BELOW,
      database: emptied(),
      log: { info() {}, warn() {}, error: (_fields, message) => this.#noteError(message) },
      opened: (master) => this.#invariants.watch(master),
    });
    this.#trouble = new Trouble({ dice: this.#dice, note, sim: this.#sim, invariants: this.#invariants }, drawn);
  }

  /** A site that takes its locks in order never deadlocks, so an alarm there is a false one. */
  #noteError(message: string): void {
    if (!message.startsWith('deadlock: ')) return;
    this.#note(message);
    if (!this.#trouble.drawn.isReckless)
      this.#invariants.broken(`a site whose builds cannot wait for each other: ${message}`);
  }

  run(): void {
    this.#connectAll();
    const { clock } = this.#sim;
    const until = clock.monotonic() + this.#dice.duration(LEAST_TROUBLE_MS, MOST_TROUBLE_MS);
    while (clock.monotonic() < until) {
      this.#sim.run(this.#dice.duration(10, 6 * MINUTE));
      this.#trouble.happen();
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

  /** The trouble is over: everything runs again, and nothing new comes but what the clock starts. */
  #mend(): void {
    this.#trouble.end();
    this.#note('everything is mended');
    if (!this.#sim.isMasterUp) this.#sim.startMaster();
    const { schedulers } = this.#sim.master;
    for (const { name } of this.#trouble.drawn.site.schedulers) schedulers.setEnabled(name, name !== 'clock');
    for (const { name } of this.#trouble.drawn.site.workers) this.#sim.master.setPaused(name, false);
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
