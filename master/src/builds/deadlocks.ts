import { type Deadlock, type Deadlocked, describeBlocker } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { cyclesOf, type Hop, type Party, PlayOut, type Waits } from '../locks/play-out.ts';
import type { Builds } from './builds.ts';
import { type WaitRooms, WaitSnapshot } from './wait-snapshot.ts';

/** More waiters than any site of the size that we design for has; a look at so many would hold the engine up. */
const MOST_WAITERS = 5000;

interface Rooms extends WaitRooms {
  readonly builds: Builds;
}

/**
 * Finds builds that wait for each other for ever, in the turn in which they begin to: over locks, triggered builds and
 * slots. The youngest build of the cycle is ended for it (its step as EXCEPTION, so its clean-up runs and its locks are
 * given back), or, where the site only wants to be told, everybody's blocker says so.
 *
 * Looked for only when somebody begins to wait while somebody who waits holds a lock: there is no cycle without.
 */
export class Deadlocks {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #rooms: Rooms;

  constructor(core: Core, config: SiteConfig, rooms: Rooms) {
    this.#core = core;
    this.#config = config;
    this.#rooms = rooms;
    rooms.locks.stalled.on(() => this.#lookLater());
    rooms.builds.waiting.on(() => this.#lookLater());
    config.applied.on(() => this.#lookLater());
    // What a turn found that was taken back has been told nobody: it is found, and told, again.
    core.rolledBack.on(() => rooms.builds.deadlocks.clear());
  }

  #lookLater(): void {
    this.#core.enqueueLast('deadlocks', () => this.#look());
  }

  #look(): void {
    const cycles = this.#mayBe() ? this.#find() : [];
    const [first] = cycles;
    if (first !== undefined && this.#config.site.deadlocks === 'resolve') this.#resolve(first);
    this.#report(this.#config.site.deadlocks === 'resolve' ? [] : cycles);
  }

  /** Whether somebody who holds locks waits: cheap. */
  #mayBe(): boolean {
    const { locks } = this.#rooms;
    const owners = locks.ownersOfGranted();
    if (owners.size === 0) return false;
    const waiting = locks.waitingHolders();
    if (waiting.length > MOST_WAITERS) {
      this.#core.log.warn({ waiting: waiting.length }, 'too many wait for locks to look for deadlocks among them');
      return false;
    }
    if (waiting.some((holder) => holder.startsWith('step:') && owners.has(`build:${buildOf(holder)}`))) return true;
    return this.#core.db
      .all<{ id: number }>("SELECT id FROM builds WHERE state <> 'finished' AND state = 'waiting'")
      .some(({ id }) => owners.has(`build:${id}`));
  }

  #find(): Deadlocked[][] {
    const waits = new WaitSnapshot(this.#core, this.#config, this.#rooms);
    return cyclesOf(new PlayOut(waits)).map((hops) => this.#inWords(waits, hops));
  }

  /**
   * Ends the youngest build of a cycle. What that frees is looked at before this turn ends, then the rest. One that is
   * being ended already, and waits for the clean-up of its children, which waits for others of the cycle, is no help.
   */
  #resolve(cycle: readonly Deadlocked[]): void {
    const open = cycle.map(({ buildId }) => buildId).filter((id) => !this.#rooms.builds.isGivenUp(id));
    if (open.length === 0) return;
    const youngest = Math.max(...open);
    const deadlock: Deadlock = { kind: 'deadlock', cycle: [...cycle], ends: youngest };
    this.#log(deadlock);
    this.#rooms.builds.endDeadlocked(youngest, deadlock);
    this.#lookLater();
  }

  #log(deadlock: Deadlock): void {
    this.#core.afterCommit(() => this.#core.log.error({ deadlock }, describeBlocker(deadlock)));
  }

  #report(cycles: readonly Deadlocked[][]): void {
    const { deadlocks } = this.#rooms.builds;
    if (cycles.length === 0 && deadlocks.size === 0) return;
    const before = new Map(deadlocks);
    deadlocks.clear();
    for (const cycle of cycles) {
      const deadlock: Deadlock = { kind: 'deadlock', cycle, ends: null };
      const text = JSON.stringify(deadlock);
      if (cycle.some(({ buildId }) => JSON.stringify(before.get(buildId)) !== text)) this.#log(deadlock);
      for (const { buildId } of cycle) deadlocks.set(buildId, deadlock);
    }
    for (const buildId of new Set([...before.keys(), ...deadlocks.keys()]))
      if (JSON.stringify(before.get(buildId)) !== JSON.stringify(deadlocks.get(buildId)))
        this.#rooms.builds.reblock(buildId);
  }

  /** The builds of a cycle; what lies between two of them (requests that could not start) is told in words. */
  #inWords(waits: Waits, hops: readonly Hop[]): Deadlocked[] {
    const first = hops.findIndex(({ party }) => party.startsWith('build:'));
    const turned = [...hops.slice(first), ...hops.slice(0, first)];
    const cycle: Deadlocked[] = [];
    turned.forEach((hop, i) => {
      const next = turned[(i + 1) % turned.length] ?? hop;
      const text = this.#thing(waits, hop, next.party);
      const last = cycle.at(-1);
      if (!hop.party.startsWith('build:') && last !== undefined)
        cycle[cycle.length - 1] = { ...last, waitsFor: `${last.waitsFor}, which waits for ${text}` };
      else cycle.push({ buildId: numberOf(hop.party), ...this.#build(numberOf(hop.party)), waitsFor: text });
    });
    return cycle;
  }

  #thing(waits: Waits, { party, lock }: Hop, next: Party): string {
    const isRequest = next.startsWith('request:');
    const builder = isRequest ? this.#rooms.requests.row(numberOf(next))?.builder : null;
    if (lock !== null) {
      const first = isRequest ? `, first in line for it a build of ${builder}` : '';
      return `lock ${lock.lock} (${lock.mode})${first}`;
    }
    const own = waits.builds.find(({ id }) => party === `build:${id}`);
    const child = this.#build(numberOf(next));
    if (own?.waitsFor === 'children')
      return isRequest ? `a triggered build of ${builder}` : `its triggered build ${child.builder} #${child.number}`;
    const worker = waits.builds.find(({ id }) => next === `build:${id}`)?.worker;
    return `a slot on ${worker}`;
  }

  #build(id: number): { builder: string; number: number } {
    const row = this.#rooms.builds.rows.build(id);
    return { builder: row?.builder ?? '', number: row?.number ?? 0 };
  }
}

function numberOf(party: Party): number {
  return Number(party.split(':')[1]);
}

/** The build of `step:BUILD.NUMBER`. */
function buildOf(holder: string): number {
  return Number(holder.slice('step:'.length).split('.')[0]);
}
