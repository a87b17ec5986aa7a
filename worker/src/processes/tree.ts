import { type Clock, pause } from '../clock.ts';
import type { Environment } from '../environment.ts';
import { systemCode } from '../failure.ts';
import type { ProcessLeader } from '../journal/entry.ts';
import { bootId, findProcesses, hasProc, newestPid, type ProcessFacts, processFacts } from './proc.ts';

/** How often a tree that was told to end is looked at: short at first, since most end at once. */
const FIRST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 100;
/** After this long of KILL, what is left cannot be killed (waiting for a dead file server): it is given up. */
const KILL_GIVE_UP_MS = 10_000;

/**
 * Numbers of processes rise, so all that a young leader started have numbers between its own and the newest: to find that
 * a short command left nothing takes a look at a few of them instead of at all processes of the machine. No machine
 * gives out all its numbers within this time.
 */
const YOUNG_MS = 1000;
/** With more than this the whole list is the shorter way. */
const MAX_YOUNG = 256;

/** Sends a signal (0: only looks); false where the process or group is gone. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    // EPERM: it runs as another user (sudo). Nothing can be done, and it is reported as left over.
    if (systemCode(error) === 'ESRCH' || systemCode(error) === 'EPERM') return false;
    throw error;
  }
}

/**
 * The processes of one command: the group that its leader began, and all, wherever they went (setsid, daemons), that
 * carry the command's markers in their environment.
 */
export class ProcessTree {
  readonly #markers: Environment;
  readonly #clock: Clock;
  /** Null once the group was seen empty: from then on its number may belong to others. */
  #group: number | null;
  readonly #notBeforeTicks: number;
  readonly #leader: number | null;
  readonly #youngUntil: number;

  private constructor(clock: Clock, markers: Environment, leader: number | null, notBeforeTicks: number) {
    this.#clock = clock;
    this.#markers = markers;
    this.#group = leader;
    this.#leader = leader;
    this.#notBeforeTicks = notBeforeTicks;
    // A system that does not know its newest process now (some containers make this up) will not know it later.
    const known = leader !== null && notBeforeTicks > 0 && (newestPid() ?? 0) >= leader;
    this.#youngUntil = known ? clock.monotonic() + YOUNG_MS : Number.NEGATIVE_INFINITY;
  }

  /** Of a leader that was just spawned, before the event loop could collect it. */
  static ofLeader(
    clock: Clock,
    pid: number,
    markers: Environment,
  ): { tree: ProcessTree; leader: ProcessLeader | null } {
    const facts = processFacts(pid);
    const tree = new ProcessTree(clock, markers, pid, facts?.startTicks ?? 0);
    const leader = facts === null ? null : { pid, startTicks: facts.startTicks, bootId: bootId() };
    return { tree, leader };
  }

  /** Of a command whose agent died. The group is taken only where its leader is provably the same process. */
  static ofLeftovers(clock: Clock, leader: ProcessLeader | null, markers: Environment): ProcessTree {
    const facts = leader === null || leader.bootId !== bootId() ? null : processFacts(leader.pid);
    const same = facts !== null && leader !== null && facts.startTicks === leader.startTicks;
    return new ProcessTree(clock, markers, same ? leader.pid : null, 0);
  }

  /** The living processes of the tree. */
  living(): ProcessFacts[] {
    const young = this.#young();
    return findProcesses({
      ...{ group: this.#group, markers: this.#markers, notBeforeTicks: this.#notBeforeTicks },
      ...(young === null ? {} : { among: young }),
    });
  }

  /** All numbers that the tree can have; null where they are not known, or too many. */
  #young(): number[] | null {
    const leader = this.#leader;
    if (leader === null || this.#clock.monotonic() > this.#youngUntil) return null;
    const newest = newestPid();
    // Below the leader where the numbers began anew from the lowest.
    if (newest === null || newest < leader || newest - leader > MAX_YOUNG) return null;
    return Array.from({ length: newest - leader + 1 }, (_, index) => leader + index);
  }

  /** Waits until nothing lives any more, at most this long. True where nothing does. */
  async gone(withinMs: number, signal?: AbortSignal): Promise<boolean> {
    const until = this.#clock.monotonic() + withinMs;
    for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(lookMs * 2, LONGEST_LOOK_MS)) {
      if (this.#isGone()) return true;
      const leftMs = until - this.#clock.monotonic();
      if (leftMs <= 0 || signal?.aborted) return false;
      await pause(this.#clock, Math.min(lookMs, leftMs), signal);
    }
  }

  /** TERM to all; what lives after the grace is killed. Returns those that could not be killed (normally none). */
  async end(graceMs: number, signal?: AbortSignal): Promise<ProcessFacts[]> {
    this.#signal('SIGTERM');
    if (await this.gone(graceMs, signal)) return [];
    return await this.kill();
  }

  /** KILL to all, again for those that are born meanwhile. Returns those that could not be killed (normally none). */
  async kill(): Promise<ProcessFacts[]> {
    const until = this.#clock.monotonic() + KILL_GIVE_UP_MS;
    for (;;) {
      this.#signal('SIGKILL');
      if (await this.gone(LONGEST_LOOK_MS)) return [];
      if (this.#clock.monotonic() >= until) return this.living();
    }
  }

  #isGone(): boolean {
    if (hasProc() ? this.living().length > 0 : this.#group !== null && send(-this.#group, 0)) return false;
    // Zombies of the group may be left, but they don't come back to life: the number is not ours any more.
    this.#group = null;
    return true;
  }

  #signal(signal: NodeJS.Signals): void {
    const group = this.#group;
    const living = this.living();
    // The whole group at once, so that none of it can fork away from one signal to the next.
    if (group !== null && !send(-group, signal)) this.#group = null;
    for (const { pid, group: own } of living) if (own !== group) send(pid, signal);
  }
}
