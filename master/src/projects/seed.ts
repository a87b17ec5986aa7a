import type { Change, Project } from '@icefall/shared';
import type { Changes } from '../changes/changes.ts';
import type { ProjectDeclaration, ProjectsDeclaration } from '../config/projects.ts';
import type { SiteDeclaration } from '../config/site.ts';
import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { Schedulers } from '../schedulers/schedulers.ts';
import { PIPELINE_FILE } from './definition.ts';
import { HeldChanges } from './held-changes.ts';
import { type Finding, Pipelines } from './pipelines.ts';
import type { RepositoryReader } from './repository-reader.ts';
import { type RoundPlan, Rounds } from './rounds.ts';

/** Looks at once: each is a few processes of Git that mostly wait for a server, and a thousand may be due at the start. */
const MOST_LOOKS_AT_ONCE = 8;
/** Findings are put in force together, since to compose a large site anew takes a moment: soon, or while many are read later. */
const BATCH_MS = 100;
const LONG_BATCH_MS = 5000;
/** Names in the alarm; the list of projects tells the rest. */
const MOST_NAMED = 5;

interface SeedRooms {
  readonly config: SiteConfig;
  readonly changes: Changes;
  readonly schedulers: Schedulers;
}

/**
 * The seed scheduler: reads the `icefall.yml` of every project, at intervals and when a push touches it, and keeps the
 * site's builders in step with them. What it finds is put in force in one turn, whole or not at all, as a reload is; but
 * the site's program is not loaded, and the configuration keeps its number.
 */
export class Seed {
  readonly #core: Core;
  readonly #held: HeldChanges;
  readonly #pipelines: Pipelines;
  readonly #reader: RepositoryReader;
  readonly #rounds: Rounds;
  #configured: SiteDeclaration;
  #rooms: SeedRooms | null = null;
  /** Somebody waits for these: they are read before the others. */
  readonly #urgent = new Set<string>();
  readonly #waiting = new Set<string>();
  readonly #looking = new Map<string, Promise<void>>();
  /** Read again when the look that runs has ended: it may have begun before the push. */
  readonly #again = new Set<string>();
  readonly #findings = new Map<string, Finding | null>();
  #batch: Timer | null = null;
  #isStarted = false;

  constructor(core: Core, site: SiteDeclaration, reader: RepositoryReader) {
    this.#core = core;
    this.#reader = reader;
    this.#configured = site;
    this.#held = new HeldChanges(core);
    this.#rounds = new Rounds(
      core.clock,
      () => this.#planRound(),
      (name) => this.#ask(name),
    );
    this.#pipelines = new Pipelines(core, (change) => !this.#bringsPipeline(change) || this.#held.isReleased(change));
  }

  /** The site's program with what is known of its projects. */
  compose(site: SiteDeclaration): SiteDeclaration {
    return this.#pipelines.compose(site);
  }

  /** To be called once, when the other rooms are there. */
  attach(rooms: SeedRooms): void {
    this.#rooms = rooms;
    rooms.changes.arrived.on((change) => this.#arrived(change));
  }

  /** The site's program, without its projects. */
  get configured(): SiteDeclaration {
    return this.#configured;
  }

  /** Goes back to a site's program, after the turn that put another one in force was taken back. */
  restore(site: SiteDeclaration): void {
    this.#configured = site;
    this.#pipelines.compose(site);
  }

  /** The site's program was loaded anew; inside the turn that puts it in force. */
  configure(site: SiteDeclaration): void {
    this.#configured = site;
    if (site.projects !== null) this.#pipelines.forgetOthers(site.projects);
    this.#core.afterCommit(() => this.#adapt());
  }

  start(): void {
    this.#isStarted = true;
    for (const name of this.#held.projects()) this.#askNow(name);
    this.#askUnread();
    this.#rounds.start();
    this.#showAlarm();
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    this.#batch?.cancel();
    this.#rounds.stop();
    this.#waiting.clear();
    this.#urgent.clear();
    this.#reader.stop();
    await Promise.all(this.#looking.values());
  }

  /** All projects, in the site's order. */
  all(): Project[] {
    const { projects } = this.#configured;
    return projects?.repositories.map((project) => this.#pipelines.view(project, projects)) ?? [];
  }

  project(name: string): Project | null {
    const declared = this.#declared(name);
    return declared === null ? null : this.#pipelines.view(declared.project, declared.offer);
  }

  /** Reads a project now; resolves when that is in force. Null: there is none of that name. */
  async read(name: string): Promise<Project | null> {
    if (this.#declared(name) === null) return null;
    this.#askNow(name);
    while (this.#looking.has(name) || this.#urgent.has(name) || this.#waiting.has(name)) {
      this.#next();
      await Promise.race(this.#looking.values());
    }
    // Others that are read at the same time come into force with it.
    await Promise.all(this.#looking.values());
    this.#apply();
    return this.project(name);
  }

  /** Resolves when nothing is left to read, and all is in force. */
  async idle(): Promise<void> {
    while (this.#looking.size > 0) await Promise.all(this.#looking.values());
    this.#apply();
  }

  #declared(name: string): { readonly project: ProjectDeclaration; readonly offer: ProjectsDeclaration } | null {
    const offer = this.#configured.projects;
    const project = offer?.repositories.find((candidate) => candidate.name === name);
    return offer === null || project === undefined ? null : { project, offer };
  }

  #bringsPipeline(change: Change): boolean {
    return this.#projectOf(change) !== null;
  }

  /** The project whose pipeline a push may have changed. Where nobody knows its files, it may. */
  #projectOf(change: Change): ProjectDeclaration | null {
    if (change.category !== null) return null;
    const mayTouch =
      change.files.length === 0 || change.files.includes(PIPELINE_FILE) || change.properties.truncated !== undefined;
    if (!mayTouch) return null;
    const project = this.#byRepository().get(change.repository);
    return project !== undefined && this.#pipelines.branchOf(project) === change.branch ? project : null;
  }

  #index: { readonly of: ProjectsDeclaration | null; readonly projects: Map<string, ProjectDeclaration> } | null = null;

  #byRepository(): ReadonlyMap<string, ProjectDeclaration> {
    const { projects } = this.#configured;
    if (this.#index === null || this.#index.of !== projects) {
      const all = (projects?.repositories ?? []).map((project) => [project.repository, project] as const);
      this.#index = { of: projects, projects: new Map(all) };
    }
    return this.#index.projects;
  }

  #arrived(change: Change): void {
    const project = this.#projectOf(change);
    if (project === null || this.#held.isReleased(change)) return;
    this.#held.hold(change, project.name);
    this.#core.afterCommit(() => this.#askNow(project.name));
  }

  /** After a configuration was applied: what is new is read, what is gone forgotten. */
  #adapt(): void {
    this.#askUnread();
    this.#showAlarm();
  }

  /** Those that were never read, or were broken: what the site offers may be what they need now. */
  #askUnread(): void {
    for (const project of this.#configured.projects?.repositories ?? [])
      if (this.#pipelines.revisionOf(project) === null) this.#ask(project.name);
  }

  #planRound(): RoundPlan {
    const { projects } = this.#configured;
    if (projects === null) return { names: [], everyMs: 0 };
    const names = projects.repositories.map(({ name }) => name);
    this.#reader.keepOnly(new Set(names));
    return { names, everyMs: projects.everyMs };
  }

  #ask(name: string): void {
    if (!this.#isStarted) return;
    if (this.#looking.has(name)) this.#again.add(name);
    else this.#waiting.add(name);
    this.#next();
  }

  #askNow(name: string): void {
    if (this.#isStarted && !this.#looking.has(name)) this.#urgent.add(name);
    this.#ask(name);
  }

  #next(): void {
    for (const names of [this.#urgent, this.#waiting])
      for (const name of names) {
        if (this.#looking.size >= MOST_LOOKS_AT_ONCE) return;
        this.#urgent.delete(name);
        if (this.#waiting.delete(name)) this.#looking.set(name, this.#look(name));
      }
  }

  async #look(name: string): Promise<void> {
    const declared = this.#declared(name);
    if (declared !== null) {
      const { project } = declared;
      const known = this.#pipelines.revisionOf(project);
      const look = { project: name, repository: project.repository, branch: project.branch, known };
      const finding = await this.#reader.look(look);
      if (this.#isStarted) this.#found(name, finding);
    }
    this.#looking.delete(name);
    if (this.#again.delete(name) && this.#isStarted) this.#waiting.add(name);
    this.#next();
  }

  #found(name: string, finding: Finding | null): void {
    this.#findings.set(name, finding);
    const delay = this.#waiting.size > MOST_LOOKS_AT_ONCE ? LONG_BATCH_MS : BATCH_MS;
    this.#batch ??= this.#core.clock.after(delay, () => this.#apply());
  }

  /** Puts in force what was found. Where that fails, all is as before, and the next round finds it again. */
  #apply(): void {
    this.#batch?.cancel();
    this.#batch = null;
    const rooms = this.#rooms;
    if (rooms === null || this.#findings.size === 0) return;
    const findings = new Map(this.#findings);
    this.#findings.clear();
    const before = rooms.config.state;
    try {
      this.#core.turn(() => this.#putInForce(findings, rooms));
    } catch (error) {
      rooms.config.restore(before);
      this.restore(this.#configured);
      this.#core.log.error({ err: error }, 'what was read of projects could not be put in force; it is read again');
    }
    this.#showAlarm();
  }

  #putInForce(findings: ReadonlyMap<string, Finding | null>, { config, changes, schedulers }: SeedRooms): void {
    let isNew = false;
    for (const [name, finding] of findings) {
      const declared = this.#declared(name);
      if (declared === null || finding === null) continue;
      isNew = this.#pipelines.note(declared.project, declared.offer, finding) || isNew;
      this.#tell(name, finding);
    }
    if (isNew) {
      config.extend(this.#pipelines.compose(this.#configured));
      this.#core.touch('config', '');
    }
    this.#held.release(new Set(findings.keys()), (id) => {
      const change = changes.view(id);
      if (change !== null) schedulers.changeAdded(change);
    });
  }

  #tell(name: string, finding: Finding): void {
    const errors = this.project(name)?.errors ?? [];
    for (const error of errors) this.#core.log.warn({ project: name, revision: finding.revision }, error);
  }

  #showAlarm(): void {
    const broken = this.all().filter(({ state }) => state === 'broken');
    const { alarms } = this.#core;
    if (broken.length === 0) {
      alarms.clear('projectsBroken');
      return;
    }
    const named = broken.slice(0, MOST_NAMED).map(({ name }) => name);
    const more = broken.length > named.length ? ` and ${broken.length - named.length} more` : '';
    alarms.raise(
      'projectsBroken',
      `the pipeline of ${named.join(', ')}${more} is broken, and the last one that was right goes on: ${broken[0]?.errors[0] ?? ''} ("icefall projects" lists all)`,
    );
  }
}
