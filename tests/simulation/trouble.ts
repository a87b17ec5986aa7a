import { LOOK_EVERY_MS } from '@icefall/master/engine/clock-watch';
import type { Master } from '@icefall/master/master';
import type { SimulatedSite } from '@icefall/master/simulation/simulated-site';
import type { Dice } from './dice.ts';
import type { Invariants } from './invariants.ts';
import type { RandomSite } from './random-site.ts';

/** What happened, for people who look at a seed that failed. */
export type Note = (text: string) => void;

export const MINUTE = 60_000;
/** Share of absences that outlast a grace. */
const LONG_ABSENCES = 0.3;

interface Stage {
  readonly dice: Dice;
  readonly note: Note;
  readonly sim: SimulatedSite;
  readonly invariants: Invariants;
}

/** All that can happen to a site, as the dice say. */
export class Trouble {
  /** The site as its last change has left it. */
  drawn: RandomSite;
  readonly #dice: Dice;
  readonly #note: Note;
  readonly #sim: SimulatedSite;
  readonly #invariants: Invariants;
  /** By worker, on the clock that nobody sets. */
  readonly #downUntil = new Map<string, number>();
  #changes = 0;
  #isOver = false;

  constructor({ dice, note, sim, invariants }: Stage, drawn: RandomSite) {
    this.drawn = drawn;
    this.#dice = dice;
    this.#note = note;
    this.#sim = sim;
    this.#invariants = invariants;
  }

  /** What was to come later does not come any more. */
  end(): void {
    this.#isOver = true;
  }

  /** Something of all that can happen to a site. */
  happen(): void {
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
    const names = this.#dice.some(this.drawn.site.builders.map((builder) => builder.name));
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
    const { name } = this.#dice.pick(this.drawn.site.workers);
    this.#note(`pause or resume ${name}`);
    this.#master()?.setPaused(name, this.#dice.chance(0.5));
  }

  #reconfigure(): void {
    this.drawn = this.drawn.vary(this.#dice);
    this.#invariants.varied(this.drawn);
    this.#note(`reconfigure: ${JSON.stringify([...this.drawn.limits])}`);
    this.#sim.configure(this.drawn.site);
  }

  #switchScheduler(): void {
    const { name } = this.#dice.pick(this.drawn.site.schedulers);
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
    if (this.#dice.chance(0.5)) this.happen();
    this.#sim.run(LOOK_EVERY_MS);
  }

  #later(ms: number, work: () => void): void {
    const { clock } = this.#sim;
    clock.after(ms, () => {
      if (!this.#isOver) work();
    });
  }
}
