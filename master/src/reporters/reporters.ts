import type { ReportEntry, Reporter } from '@icefall/shared';
import type { ReporterDeclaration } from '../config/reporters.ts';
import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import type { Page } from '../events/paging.ts';
import { factsOf } from './build-facts.ts';
import { type BuildFacts, isReported } from './choice.ts';
import { targetsOf } from './commit-status.ts';
import { Courier } from './courier.ts';
import { ReportError } from './errors.ts';
import { type LetterRooms, lettersOf } from './letters.ts';
import { type ReportFilter, ReportRows, type ReportsBacklog, type WaitingReport } from './report-rows.ts';
import { DeliveryError, type Transport } from './transport.ts';

/** Events are read together: soon enough for people, and a busy site costs ten looks a second. */
const READ_MS = 100;
/** Events of builds that one turn reads; the next turn goes on. */
const MOST_READ = 500;

/**
 * Tells others of builds. Each reporter reads the events from its own cursor on; what it is to tell is put in line in the
 * turn that moves the cursor, so that nothing is left out and nothing is put there twice, and its courier delivers it.
 * A server that is slow or gone holds up its own line, and nothing else.
 */
export class Reporters {
  readonly #core: Core;
  readonly #rooms: LetterRooms;
  readonly #rows: ReportRows;
  readonly #transport: Transport | null;
  readonly #couriers = new Map<string, Courier>();
  /** Couriers of reporters that are no more, until they have let go of what they had in hand. */
  readonly #leaving = new Set<Promise<void>>();
  #reading: Timer | null = null;
  #isStarted = false;
  /** What the configuration declared when this was last looked at. */
  #adapted: readonly ReporterDeclaration[] = [];

  /** Without a transport nothing is told, nor put in line: as in a simulation. */
  constructor(core: Core, rooms: LetterRooms, transport: Transport | null) {
    this.#core = core;
    this.#rooms = rooms;
    this.#rows = new ReportRows(core);
    this.#transport = transport;
    rooms.config.applied.on(() => core.afterCommit(() => this.#adapt()));
    core.committed.on((touched) => {
      if (touched.some(({ kind }) => kind === 'build')) this.#planRead();
    });
  }

  /** Reads what was missed before anything new happens: events of an earlier process are not kept for long. */
  start(): void {
    this.#isStarted = this.#transport !== null;
    this.#adapt();
    while (!this.#read());
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    this.#reading?.cancel();
    await Promise.all([...[...this.#couriers.values()].map((courier) => courier.stop()), ...this.#leaving]);
  }

  get #declared(): readonly ReporterDeclaration[] {
    return this.#rooms.config.site.reporters;
  }

  /** In the site's order. */
  all(): Reporter[] {
    return this.#declared.flatMap(({ name, kind }) => {
      const view = this.#rows.view(name);
      return view === null ? [] : [{ ...view, kind }];
    });
  }

  /** Newest first. */
  reports(filter: ReportFilter): Page<ReportEntry> {
    return this.#rows.list(filter);
  }

  /**
   * Puts a report in line again that was given up, or has not reached whom it was for: behind those that wait, and under a
   * new number. Gives it as it waits then. Throws {@link ReportError}. Inside a turn.
   */
  resend(id: number): ReportEntry {
    const report = this.#rows.report(id);
    if (report === null) throw new ReportError('no_report', `there is no report ${id}`);
    const { reporter, state } = report;
    if (state === 'waiting') throw new ReportError('report_waits', `report ${id} waits to be delivered already`);
    if (!this.#declared.some(({ name }) => name === reporter))
      throw new ReportError('no_reporter', `reporter "${reporter}" is no longer in the configuration`);
    const anew = this.#rows.again(id);
    this.#rows.limit(reporter);
    if (this.#isStarted) this.#core.afterCommit(() => this.#courier(reporter).wake());
    return this.#rows.report(anew) ?? report;
  }

  backlog(): ReportsBacklog {
    return this.#rows.backlog();
  }

  /** Brings rows and couriers in step with the configuration: those of a name that is there go on where they were. */
  #adapt(): void {
    if (!this.#isStarted) return;
    const names = new Set(this.#declared.map(({ name }) => name));
    const known = this.#rows.names();
    const gone = known.filter((name) => !names.has(name));
    const fresh = [...names].filter((name) => !known.includes(name));
    if (gone.length > 0 || fresh.length > 0)
      this.#core.turn(() => {
        for (const name of gone) this.#rows.end(name);
        for (const name of fresh) this.#rows.begin(name);
      });
    for (const [name, courier] of this.#couriers) if (!names.has(name)) this.#dismiss(name, courier);
    // A site's program that is loaded anew may say better where a server is; projects leave its declarations as they are.
    const isNew = this.#declared !== this.#adapted;
    this.#adapted = this.#declared;
    for (const name of names)
      if (isNew && this.#couriers.has(name)) this.#courier(name).hasten();
      else this.#courier(name).wake();
  }

  #courier(name: string): Courier {
    const known = this.#couriers.get(name);
    if (known !== undefined) return known;
    const made = new Courier(this.#core, this.#rows, name, (report, signal) => this.#deliver(name, report, signal));
    this.#couriers.set(name, made);
    return made;
  }

  #dismiss(name: string, courier: Courier): void {
    this.#couriers.delete(name);
    const left = courier.dismiss().finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }

  #planRead(): void {
    if (!this.#isStarted || this.#reading !== null || this.#declared.length === 0) return;
    this.#reading = this.#core.clock.after(READ_MS, () => {
      // Cleared at the end: where the storage refuses the turn, the timer comes again by itself.
      const isAll = this.#read();
      this.#reading = null;
      if (!isAll) this.#planRead();
    });
  }

  /** Moves every reporter's cursor on; gives whether all of them have read everything. */
  #read(): boolean {
    if (!this.#isStarted || this.#declared.length === 0) return true;
    const before = this.#declared;
    // Most reporters are at the same place: a build is looked up once for all of them.
    const facts = new Map<number, BuildFacts | null>();
    // What a loss of power takes with it is read again.
    const isAll = this.#core.repeatableTurn(() =>
      before.map((reporter) => this.#readFor(reporter, facts)).every((isDone) => isDone),
    );
    for (const { name } of before) this.#courier(name).wake();
    return isAll;
  }

  #readFor(reporter: ReporterDeclaration, facts: Map<number, BuildFacts | null>): boolean {
    const { name } = reporter;
    const cursor = this.#rows.cursor(name);
    const { ids, end, isAll } = this.#rows.touchedBuilds(cursor, MOST_READ);
    let isLonger = false;
    for (const id of ids) {
      if (!facts.has(id))
        facts.set(
          id,
          factsOf(this.#core.db, id, (builder) => this.#tagsOf(builder)),
        );
      isLonger = this.#consider(reporter, id, facts.get(id) ?? null) || isLonger;
    }
    if (isLonger) this.#rows.limit(name);
    if (end > cursor) this.#rows.setCursor(name, end);
    return isAll;
  }

  #tagsOf(builder: string): readonly string[] {
    return this.#rooms.config.builder(builder)?.tags ?? [];
  }

  /** Puts a report in line, if there is something to tell; gives whether it has. */
  #consider(reporter: ReporterDeclaration, id: number, facts: BuildFacts | null): boolean {
    if (facts === null || !isReported(reporter, facts) || !this.#hasTarget(reporter, facts)) return false;
    const moment = facts.result === null ? 'start' : 'end';
    return this.#rows.add(reporter.name, { build_id: id, moment, previous: facts.previous });
  }

  /** Whether a code host knows a commit of the build. A function of the site that fails is told where it is delivered. */
  #hasTarget(reporter: ReporterDeclaration, { sourceStamps }: BuildFacts): boolean {
    if (reporter.kind !== 'commitStatus') return true;
    try {
      return targetsOf(reporter, sourceStamps).length > 0;
    } catch {
      return true;
    }
  }

  async #deliver(name: string, report: WaitingReport, signal: AbortSignal): Promise<string | null> {
    const reporter = this.#declared.find((one) => one.name === name);
    if (reporter === undefined || this.#transport === null)
      throw new DeliveryError('refused', `there is no reporter "${name}" any more`);
    const { letters, scrub } = await lettersOf(this.#rooms, reporter, report);
    if (letters.length === 0) return 'there was nobody to tell';
    const notes: (string | null)[] = [];
    for (const letter of letters)
      try {
        notes.push(await this.#transport.deliver(letter, signal));
      } catch (error) {
        if (!(error instanceof DeliveryError)) throw error;
        // Servers may repeat what they were told.
        throw new DeliveryError(error.code, scrub(error.message));
      }
    const told = notes.filter((note) => note !== null).join('; ');
    return told === '' ? null : scrub(told);
  }
}
