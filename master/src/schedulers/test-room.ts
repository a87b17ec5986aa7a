import type { Buildset, Change } from '@icefall/shared';
import { Changes } from '../changes/changes.ts';
import { changeProperties, type NewChange } from '../changes/new-change.ts';
import { builder, factory } from '../config/builders.ts';
import { takeProblems } from '../config/problems.ts';
import type { SchedulerDeclaration } from '../config/schedulers.ts';
import type { SiteDeclaration, SiteOptions } from '../config/site.ts';
import { site } from '../config/site-program.ts';
import { worker } from '../config/workers.ts';
import { openDatabase } from '../db/database.ts';
import { Core } from '../engine/core.ts';
import { SiteConfig } from '../engine/site-config.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { Buildsets } from '../requests/buildsets.ts';
import { buildsetResource } from '../requests/resources.ts';
import type { BuildsetRow } from '../requests/rows.ts';
import { Schedulers } from './schedulers.ts';

/** For tests: rooms around the schedulers with a virtual clock and a database in memory, and a language to speak of them. */
const aWorker = worker({ name: 'w1' });
export const [linux, docs] = ['linux', 'docs'].map((name) =>
  builder({ name, workers: [aWorker], factory: factory([]) }),
) as [ReturnType<typeof builder>, ReturnType<typeof builder>];

export const REPOSITORY = 'https://git.example.org/scripts.git';
/** 2025-06-02 12:00 UTC, a Monday. */
export const START = Date.UTC(2025, 5, 2, 12);

export function siteOf(schedulers: readonly SchedulerDeclaration[], more: Partial<SiteOptions> = {}): SiteDeclaration {
  const declared = site({ title: 'test', workers: [aWorker], builders: [linux, docs], schedulers, ...more });
  const problems = takeProblems();
  if (problems.length > 0) throw new Error(problems.map((problem) => problem.message).join('\n'));
  return declared;
}

/** A change with usual values but for those that matter to the test. */
export function aChange(
  values: Omit<Partial<NewChange>, 'properties'> & { properties?: Record<string, string | number | boolean> } = {},
): NewChange {
  const { properties = {}, ...rest } = values;
  return {
    repository: REPOSITORY,
    branch: 'main',
    revision: null,
    author: 'Ada <ada@example.org>',
    committer: null,
    message: 'Change something',
    files: [],
    commits: [],
    codebase: '',
    project: '',
    category: null,
    link: null,
    source: 'sendchange',
    deliveryId: null,
    at: null,
    ...rest,
    properties: changeProperties(properties),
  };
}

export class TestRoom {
  readonly clock: VirtualClock;
  readonly core: Core;
  readonly config: SiteConfig;
  readonly buildsets: Buildsets;
  readonly changes: Changes;
  readonly schedulers: Schedulers;
  readonly errors: { readonly fields: object; readonly message: string }[] = [];
  readonly #database = openDatabase(':memory:');

  constructor(
    declared: readonly SchedulerDeclaration[],
    more: Partial<SiteOptions> = {},
    before?: { readonly room: TestRoom; readonly clock: VirtualClock },
  ) {
    if (before !== undefined) this.#database = before.room.#database;
    this.clock = before?.clock ?? new VirtualClock(START);
    const note = (fields: object, message: string) => this.errors.push({ fields, message });
    this.core = new Core({
      database: this.#database,
      clock: this.clock,
      random: { next: () => 0.5 },
      log: { info: () => {}, warn: note, error: note },
    });
    this.config = new SiteConfig(siteOf(declared, more), 1);
    this.buildsets = new Buildsets(this.core);
    this.changes = new Changes(this.core, this.config);
    this.schedulers = new Schedulers(this.core, this.config, this.buildsets, this.changes);
  }

  static started(declared: readonly SchedulerDeclaration[], more: Partial<SiteOptions> = {}): TestRoom {
    const room = new TestRoom(declared, more);
    room.schedulers.start();
    return room;
  }

  /** The process ends, and another one with the same database starts, at a time. Old timers are never heard of again. */
  restarted(atMs: number = this.clock.now(), declared?: readonly SchedulerDeclaration[]): TestRoom {
    this.schedulers.stop();
    const room = new TestRoom(
      declared ?? this.config.site.schedulers,
      { timeZone: this.config.site.timeZone },
      {
        room: this,
        clock: new VirtualClock(atMs),
      },
    );
    room.schedulers.start();
    return room;
  }

  push(values: Parameters<typeof aChange>[0] = {}): number {
    return this.changes.add(aChange(values)).changeId;
  }

  change(id: number): Change {
    const change = this.changes.view(id);
    if (change === null) throw new Error(`no change ${id}`);
    return change;
  }

  /** Lets time pass with all timers due by then. */
  advance(ms: number): void {
    this.clock.advance(ms);
  }

  /** All buildsets, oldest first. */
  built(scheduler?: string): Buildset[] {
    const rows = this.core.db.all<BuildsetRow>('SELECT * FROM buildsets ORDER BY id');
    return rows
      .map((row) => buildsetResource(row, this.buildsets.requestIds(row.id)))
      .filter((buildset) => scheduler === undefined || buildset.scheduler === scheduler);
  }

  /** The changes of each buildset. */
  listed(scheduler?: string): number[][] {
    return this.built(scheduler).map((buildset) => buildset.changeIds);
  }

  /** When each buildset was made, in UTC. */
  times(scheduler?: string): string[] {
    return this.built(scheduler).map((buildset) => new Date(buildset.createdAt).toISOString().slice(0, 16));
  }

  /** All requests of a buildset end. */
  finish(buildsetId: number, result: Buildset['result']): void {
    this.core.turn(() => {
      this.core.db.run("UPDATE requests SET state = 'finished', result = ? WHERE buildset_id = ?", result, buildsetId);
      this.buildsets.checkFinished(buildsetId);
    });
  }
}

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
