import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { namedShortly } from '@icefall/shared';
import type { GitPollerDeclaration } from '../config/changes.ts';
import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { Changes } from './changes.ts';
import { withoutPasswords } from './git.ts';
import { GitPoller } from './git-poller.ts';

/** Polls at once: Git is a process, and a site may have a thousand pollers that all begin when the master does. */
const MOST_POLLS_AT_ONCE = 4;
/** A remote that fails is asked less and less often, but not less than this: it may come back at any time. */
const LONGEST_BACK_OFF_MS = 3_600_000;

/** Failures one after the other until an alarm is raised: a remote may be away for a moment. */
const FAILURES_OF_ALARM = 3;
/** One for all: with a code host all of its pollers fail. */
const ALARM = 'gitPollers';

/** How a poller fares, for people. */
export interface PollerStatus {
  readonly name: string;
  readonly repository: string;
  /** When it last asked, well or not. */
  readonly lastPollAt: number | null;
  /** What went wrong the last time, if anything did. */
  readonly lastError: string | null;
  /** Polls that failed one after the other. */
  readonly failures: number;
  readonly nextPollAt: number | null;
}

/** Until a poller asks again: its own time, doubled with each failure up to an hour (or its own time, if longer). */
export function delayOf(everyMs: number, failures: number): number {
  return Math.min(everyMs * 2 ** Math.min(failures, 30), Math.max(everyMs, LONGEST_BACK_OFF_MS));
}

interface Entry {
  readonly declaration: GitPollerDeclaration;
  readonly poller: GitPoller;
  readonly abort: AbortController;
  timer: Timer | null;
  /** What a poller before this one, with the same mirror, still does: it ends first. */
  readonly predecessor: Promise<void> | null;
  /** The newest poll that runs or waits for its turn. */
  running: Promise<void> | null;
  lastPollAt: number | null;
  lastError: string | null;
  failures: number;
  nextPollAt: number | null;
}

/** The Git pollers of the site: when they ask. Mirrors are kept below a directory, one for each poller's name. */
export class GitPollers {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #changes: Changes;
  readonly #directory: string;
  readonly #entries = new Map<string, Entry>();
  /** Polls of pollers that were replaced or removed, by their mirror: the next one with it waits for them. */
  readonly #ending = new Map<string, Promise<void>>();
  /** Waiting for one of the places; at most one for each poller. */
  readonly #queue: (() => void)[] = [];
  #polling = 0;
  #isStarted = false;

  constructor(core: Core, config: SiteConfig, changes: Changes, place: { readonly directory: string }) {
    this.#core = core;
    this.#config = config;
    this.#changes = changes;
    this.#directory = place.directory;
    config.applied.on(() => core.afterCommit(() => this.#applyConfig()));
  }

  start(): void {
    this.#isStarted = true;
    this.#applyConfig();
  }

  /** Ends running polls, and waits until they have ended. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    for (const entry of this.#entries.values()) this.#end(entry);
    this.#entries.clear();
    await Promise.all(this.#ending.values());
  }

  /** Polls now; resolves when that is done, whether well or not. Gives null for a name that is not declared. */
  async pollNow(name: string): Promise<PollerStatus | null> {
    const entry = this.#entries.get(name);
    if (entry === undefined) return null;
    entry.timer?.cancel();
    await this.#poll(entry);
    return statusOf(entry);
  }

  /** Resolves when no poll runs or waits for its turn. */
  async idle(): Promise<void> {
    const running = () => [...this.#entries.values()].flatMap((entry) => entry.running ?? []);
    while (running().length > 0) await Promise.all(running());
  }

  status(): PollerStatus[] {
    return [...this.#entries.values()].map(statusOf);
  }

  #applyConfig(): void {
    if (!this.#isStarted) return;
    const declared = this.#config.site.changeSources.filter((source) => source.type === 'gitPoller');
    const before = new Map(this.#entries);
    this.#entries.clear();
    for (const declaration of declared) {
      const known = before.get(declaration.name);
      if (known !== undefined && isSame(known.declaration, declaration)) {
        this.#entries.set(declaration.name, known);
        before.delete(declaration.name);
      } else {
        if (known !== undefined) this.#end(known);
        before.delete(declaration.name);
        this.#add(declaration);
      }
    }
    for (const entry of before.values()) this.#end(entry);
    this.#checkAlarm();
  }

  #add(declaration: GitPollerDeclaration): void {
    const abort = new AbortController();
    const place = { directory: join(this.#directory, declaration.name), abort: abort.signal };
    const entry: Entry = {
      declaration,
      poller: new GitPoller(this.#core, this.#changes, declaration, place),
      abort,
      timer: null,
      predecessor: this.#ending.get(declaration.name) ?? null,
      running: null,
      lastPollAt: null,
      lastError: null,
      failures: 0,
      nextPollAt: null,
    };
    this.#entries.set(declaration.name, entry);
    this.#arm(entry, declaration.atStart ? 0 : declaration.everyMs);
  }

  #end(entry: Entry): void {
    const { name } = entry.declaration;
    entry.timer?.cancel();
    entry.abort.abort();
    const last = entry.running ?? entry.predecessor;
    if (last === null) return;
    const ending = last.finally(() => {
      if (this.#ending.get(name) === ending) this.#ending.delete(name);
    });
    this.#ending.set(name, ending);
  }

  #arm(entry: Entry, delayMs: number): void {
    if (entry.abort.signal.aborted) return;
    entry.timer?.cancel();
    entry.nextPollAt = this.#core.now() + delayMs;
    entry.timer = this.#core.clock.after(delayMs, () => void this.#poll(entry));
  }

  #poll(entry: Entry): Promise<void> {
    const poll = this.#pollInTurn(entry, entry.running ?? entry.predecessor).finally(() => {
      if (entry.running === poll) entry.running = null;
    });
    entry.running = poll;
    return poll;
  }

  async #pollInTurn(entry: Entry, before: Promise<void> | null): Promise<void> {
    await before;
    await this.#enter();
    try {
      if (!entry.abort.signal.aborted) await this.#pollOnce(entry);
    } finally {
      this.#leave();
    }
  }

  async #pollOnce(entry: Entry): Promise<void> {
    const { name, everyMs } = entry.declaration;
    entry.nextPollAt = null;
    try {
      await entry.poller.poll();
      if (entry.failures > 0) this.#core.log.info({ poller: name }, `git poller "${name}": it works again`);
      entry.failures = 0;
      entry.lastError = null;
    } catch (error) {
      if (entry.abort.signal.aborted) return;
      entry.failures += 1;
      entry.lastError = error instanceof Error ? error.message : String(error);
      const fields = { poller: name, failures: entry.failures, retryInMs: delayOf(everyMs, entry.failures) };
      this.#core.log.warn(fields, `git poller "${name}": ${entry.lastError}`);
    }
    entry.lastPollAt = this.#core.now();
    this.#checkAlarm();
    this.#arm(entry, delayOf(everyMs, entry.failures));
  }

  #checkAlarm(): void {
    const failing = this.status().filter(({ failures }) => failures >= FAILURES_OF_ALARM);
    if (failing.length === 0) this.#core.alarms.clear(ALARM);
    else this.#core.alarms.raise(ALARM, describeFailing(failing));
  }

  async #enter(): Promise<void> {
    if (this.#polling >= MOST_POLLS_AT_ONCE) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#polling += 1;
  }

  /** Gives the place to who waits longest. */
  #leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#polling -= 1;
    else next();
  }
}

function isSame(a: GitPollerDeclaration, b: GitPollerDeclaration): boolean {
  return isDeepStrictEqual({ ...a, place: null }, { ...b, place: null });
}

function statusOf(entry: Entry): PollerStatus {
  const { lastPollAt, lastError, failures, nextPollAt } = entry;
  const { name, repository } = entry.declaration;
  return { name, repository: withoutPasswords(repository), lastPollAt, lastError, failures, nextPollAt };
}

/**
 * The error of the first, as far as its first line: where many fail, it is most often that of all, and what Git says below
 * is in the log.
 */
function describeFailing([first, ...others]: readonly PollerStatus[]): string {
  if (first === undefined) return '';
  const names = namedShortly([first, ...others].map(({ name }) => `"${name}"`));
  const who = others.length === 0 ? `git poller ${names}` : `${others.length + 1} git pollers (${names})`;
  const [why = ''] = (first.lastError ?? '').split('\n').filter((line) => line.trim() !== '');
  return `${who} cannot ask: pushes there are not noticed until that works again; ${first.repository}: ${why}`;
}
