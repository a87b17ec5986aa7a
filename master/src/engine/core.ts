import type { EventKind } from '@icefall/shared';
import type { Database } from '../db/database.ts';
import { Statements } from '../db/rows.ts';
import { describeFault, storageFault } from '../storage/faults.ts';
import { fileInPlace } from '../storage/file-in-place.ts';
import { AlarmBoard } from './alarms.ts';
import { ClockWatch } from './clock-watch.ts';
import { Hook } from './hooks.ts';
import { isMistake } from './mistakes.ts';
import { patientClock, RETRY_MS } from './patience.ts';
import type { Clock, Logger, Random } from './ports.ts';

/** Follow-up work of one turn may wake more of it; a turn that does not settle after this many is a mistake of ours. */
const MOST_FOLLOW_UPS = 1_000_000;
/**
 * Numbers of events left out at each start. A loss of power takes unsynced turns with it, whose events clients may have
 * seen: their numbers must not come again for other events. Far more than are ever unsynced.
 */
const NUMBERS_LEFT_OUT = 1_000_000;

/** A resource that a turn changed. */
export interface Touched {
  readonly seq: number;
  readonly at: number;
  readonly kind: EventKind;
  readonly key: string;
}

/** SQLite's words (see its documentation of the pragma): in WAL mode FULL syncs the log at every commit, NORMAL does not. */
type Synchronous = 'FULL' | 'NORMAL';

export interface CorePorts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/**
 * What every room shares: the store, the ports, and the turn.
 *
 * A turn is one input handled to its end in one transaction. Inside it rooms write rows, `touch` the resources that
 * clients see, put follow-up work in `enqueue` (done before the commit, once for each key) and effects on the outside
 * in `afterCommit`. A turn that throws is rolled back whole; `rolledBack` then lets rooms with caches read them anew.
 */
export class Core {
  readonly db: Statements;
  readonly clock: Clock;
  readonly clockWatch: ClockWatch;
  readonly random: Random;
  readonly log: Logger;
  /** What an operator has to look at. The storage raises and clears its own with the turns. */
  readonly alarms: AlarmBoard;
  /** After a commit: what was touched, in order of `seq`. */
  readonly committed = new Hook<readonly Touched[]>();
  /** After a roll-back. */
  readonly rolledBack = new Hook<void>();

  readonly #database: Database;
  readonly #checkFile: () => void;
  #open = false;
  readonly #touched = new Map<string, { kind: EventKind; key: string }>();
  readonly #followUps = new Map<string, () => void>();
  readonly #lastFollowUps = new Map<string, () => void>();
  #effects: (() => void)[] = [];
  #lastSeq: number;
  #isSynchronous: Synchronous = 'FULL';

  constructor(ports: CorePorts) {
    this.#database = ports.database;
    this.#checkFile = fileInPlace(ports.database);
    this.db = new Statements(ports.database);
    this.clock = patientClock(ports.clock, ports.log);
    this.clockWatch = new ClockWatch(this);
    this.random = ports.random;
    this.log = ports.log;
    this.alarms = new AlarmBoard(() => this.now());
    this.#lastSeq = this.db.one<{ seq: number | null }>('SELECT MAX(seq) AS seq FROM events')?.seq ?? 0;
    // Synced, as everything is that is not a turn; a database without events has no such row, and no reader either.
    this.db.run(`UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'events'`, NUMBERS_LEFT_OUT);
  }

  /** Number of the newest committed event. */
  get seq(): number {
    return this.#lastSeq;
  }

  now(): number {
    return this.clock.now();
  }

  /** Runs one turn; inside another turn it is a part of that. Whatever `work` throws is thrown on after the roll-back. */
  turn<T>(work: () => T): T {
    return this.#turn(work, 'FULL');
  }

  /**
   * As {@link turn}, for an input that is told again where it was lost (a worker's word that a command has begun). It
   * survives the end of this process as any turn does; safe from a loss of power it is with the next turn, or with the
   * next checkpoint. For that it costs no sync of the disk.
   */
  repeatableTurn<T>(work: () => T): T {
    return this.#turn(work, 'NORMAL');
  }

  /**
   * A turn for what has happened and will not be told again (a process has ended, a connection is gone): while the
   * storage refuses it, it is tried again. `work` must bear being called later, and looks anew at what is.
   */
  insist(work: () => void): void {
    try {
      this.turn(work);
    } catch (error) {
      if (storageFault(error) === null) throw error;
      this.clock.after(RETRY_MS, () => this.turn(work));
    }
  }

  #turn<T>(work: () => T, synchronous: Synchronous): T {
    if (this.#open) return work();
    // Nothing is judged, and no deadline set, by a clock that has jumped since the deadlines on record were set.
    this.clockWatch.look();
    const { result, touched, effects } = this.#guarded(() => this.#transaction(work, synchronous));
    // A turn that wrote nothing says nothing about the disk.
    if (touched.length > 0) this.alarms.clear('storageUnavailable');
    this.#done(() => {
      if (touched.length > 0) this.committed.fire(touched);
    });
    for (const effect of effects) this.#done(effect);
    return result;
  }

  /**
   * What the storage refuses gets a name and raises an alarm: until a turn is on disk again. Throws StorageError. A mistake
   * of ours raises one too, for as long as this process lives: what was to be done is not, and may come again and again.
   */
  #guarded<T>(transaction: () => T): T {
    try {
      return transaction();
    } catch (error) {
      const fault = storageFault(error);
      if (fault === null) {
        if (isMistake(error)) this.alarms.raise('masterMistake', describeMistake(error));
        throw error;
      }
      this.alarms.raise('storageUnavailable', describeFault(fault, this.#database.name));
      throw fault;
    }
  }

  /** What follows a commit cannot take it back: one effect that fails keeps neither the others nor the caller. */
  #done(effect: () => void): void {
    try {
      effect();
    } catch (error) {
      this.log.error({ err: error }, 'the effect of a turn failed; the turn is on record');
    }
  }

  #transaction<T>(work: () => T, synchronous: Synchronous): { result: T; touched: Touched[]; effects: (() => void)[] } {
    this.#checkFile();
    this.#synchronous(synchronous);
    this.db.run('BEGIN IMMEDIATE');
    this.#open = true;
    this.db.turnBegins();
    try {
      const result = work();
      this.#settle();
      const touched = this.#writeEvents();
      this.db.checkTurn();
      this.db.run('COMMIT');
      this.#lastSeq = touched.at(-1)?.seq ?? this.#lastSeq;
      return { result, touched, effects: this.#effects };
    } catch (error) {
      this.db.turnEnds();
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      this.#followUps.clear();
      this.#lastFollowUps.clear();
      this.#open = false;
      this.rolledBack.fire();
      throw error;
    } finally {
      this.#open = false;
      this.db.turnEnds();
      this.#touched.clear();
      this.#effects = [];
    }
  }

  #synchronous(wanted: Synchronous): void {
    if (wanted === this.#isSynchronous) return;
    this.#database.pragma(`synchronous = ${wanted}`);
    this.#isSynchronous = wanted;
  }

  #settle(): void {
    for (let done = 0; ; done += 1) {
      const queue = this.#followUps.size > 0 ? this.#followUps : this.#lastFollowUps;
      const [next] = queue;
      if (next === undefined) return;
      const [key, followUp] = next;
      // Deleted first: what it does may wake the same work again.
      queue.delete(key);
      followUp();
      if (done > MOST_FOLLOW_UPS) throw new Error(`a turn does not settle; it keeps waking "${key}"`);
    }
  }

  #writeEvents(): Touched[] {
    const at = this.clock.now();
    return [...this.#touched.values()].map(({ kind, key }) => {
      const { id } = this.db.run('INSERT INTO events (at, kind, key) VALUES (?, ?, ?)', at, kind, key);
      return { seq: id, at, kind, key };
    });
  }

  /** Says that clients should see this resource anew. Only inside a turn. */
  touch(kind: EventKind, key: string | number): void {
    this.#touched.set(`${kind} ${key}`, { kind, key: String(key) });
  }

  /** Work to be done before this turn commits, once for each key. */
  enqueue(key: string, followUp: () => void): void {
    if (!this.#followUps.has(key)) this.#followUps.set(key, followUp);
  }

  /** As {@link enqueue}, for work that is to see what all other follow-up work of the turn has left. */
  enqueueLast(key: string, followUp: () => void): void {
    if (!this.#lastFollowUps.has(key)) this.#lastFollowUps.set(key, followUp);
  }

  /** An effect on the outside (a message, a timer, a file), done only if the turn commits. */
  afterCommit(effect: () => void): void {
    this.#effects.push(effect);
  }
}

function describeMistake(error: unknown): string {
  const what = error instanceof Error ? error.message : String(error);
  return `a mistake in the master: ${what}; what had happened was not taken in, and nothing was changed; its log says where`;
}
