import type { Change, Commit, Properties } from '@icefall/shared';
import { fromColumn, toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { NewChange } from './new-change.ts';
import { refusals } from './validation.ts';

/** A change was refused: nothing of it was stored. */
export class ChangeError extends Error {
  readonly code = 'bad_change';
  /** What is wrong, by field. */
  readonly fields: Readonly<Record<string, string>>;
  constructor(fields: Readonly<Record<string, string>>) {
    const list = Object.entries(fields).map(([field, why]) => `${field} ${why}`);
    super(`the change is refused: ${list.join('; ')}`);
    this.name = 'ChangeError';
    this.fields = fields;
  }
}

interface ChangeRow {
  readonly id: number;
  readonly author: string;
  readonly committer: string | null;
  readonly message: string;
  readonly revision: string | null;
  readonly branch: string | null;
  readonly repository: string;
  readonly codebase: string;
  readonly project: string;
  readonly category: string | null;
  readonly files: string;
  readonly link: string | null;
  readonly commits: string;
  readonly properties: string;
  readonly source: string;
  readonly at: number;
  readonly received_at: number;
}

/** Changes that are handed over in one turn at start, so that no turn grows without a bound. */
const RESCAN_BATCH = 100;

/** Stores pushes and hands them to the schedulers, in the same turn: what was accepted is never forgotten. */
export class Changes {
  /** A change is stored; the schedulers look at it. A listener that throws takes the change back. */
  readonly arrived = new Hook<Change>();
  readonly #core: Core;
  readonly #config: SiteConfig;

  constructor(core: Core, config: SiteConfig) {
    this.#core = core;
    this.#config = config;
  }

  /**
   * Stores a change and has it looked at. A delivery that was seen before, and a push that another source of change
   * told already, give the change that is there. `newestWhenAsked` is {@link newestId} at the time when a poller asked
   * where the branches are: hooks may have told of it, and of later pushes, since. Throws {@link ChangeError} for what
   * the site's validation refuses.
   */
  add(change: NewChange, newestWhenAsked?: number): { changeId: number; isNew: boolean } {
    const refused = refusals(change, this.#config.site.validation);
    if (Object.keys(refused).length > 0) throw new ChangeError(refused);
    return this.#core.turn(() => {
      const known = this.#delivered(change.deliveryId) ?? this.#toldByAnother(change, newestWhenAsked);
      if (known !== null) return { changeId: known, isNew: false };
      const changeId = this.#insert(change);
      this.#core.touch('change', changeId);
      this.#handOver(changeId);
      return { changeId, isNew: true };
    });
  }

  /** Hands over what a crash or an import left unseen. Call once at start. */
  rescan(): void {
    let left: { id: number }[];
    do {
      left = this.#core.db.all<{ id: number }>(
        'SELECT id FROM changes WHERE scheduled = 0 ORDER BY id LIMIT ?',
        RESCAN_BATCH,
      );
      this.#core.turn(() => {
        for (const { id } of left) this.#handOver(id);
      });
    } while (left.length === RESCAN_BATCH);
  }

  /** The newest change of all; 0: there is none. */
  newestId(): number {
    return this.#core.db.one<{ id: number | null }>('SELECT MAX(id) AS id FROM changes')?.id ?? 0;
  }

  /** The resource that clients see, or null. */
  view(id: number): Change | null {
    const row = this.#core.db.one<ChangeRow>('SELECT * FROM changes WHERE id = ?', id);
    return row === null ? null : viewOf(row);
  }

  #handOver(id: number): void {
    const change = this.view(id);
    if (change !== null) this.arrived.fire(change);
    this.#core.db.update('changes', { id }, { scheduled: 1 });
  }

  #delivered(deliveryId: string | null): number | null {
    if (deliveryId === null) return null;
    return this.#core.db.one<{ id: number }>('SELECT id FROM changes WHERE delivery_id = ?', deliveryId)?.id ?? null;
  }

  /**
   * A poller is the fallback of hooks, so both may tell of one push, in either order. A branch that was moved away and
   * back has another change in between, and is no push that was told.
   */
  #toldByAnother(change: NewChange, newestWhenAsked?: number): number | null {
    if (change.revision === null) return null;
    return isPoller(change.source)
      ? this.#toldToHooks(change, change.revision, newestWhenAsked ?? this.newestId())
      : this.#toldByPoller(change, change.revision);
  }

  /** A poller's push is told if the branch's newest change when it asked, or one since, has this revision. */
  #toldToHooks({ repository, branch, codebase, source }: NewChange, revision: string, newest: number): number | null {
    const branchIs = 'repository = ? AND branch IS ? AND codebase = ?';
    const place = [repository, branch, codebase];
    const told = this.#core.db.one<{ id: number }>(
      `SELECT id FROM changes WHERE ${branchIs} AND revision = ? AND source <> ?
          AND id >= COALESCE((SELECT MAX(id) FROM changes WHERE ${branchIs} AND id <= ?), 0)
        ORDER BY id DESC LIMIT 1`,
      ...place,
      revision,
      source,
      ...place,
      newest,
    );
    return told?.id ?? null;
  }

  /**
   * A hook's push is told if a poller told the branch's newest change, and that brought this revision: a poller takes
   * several pushes for one, and hooks may be late. A branch that was moved back at that very time is found by the poller.
   */
  #toldByPoller({ repository, branch, codebase }: NewChange, revision: string): number | null {
    const newest = this.#core.db.one<Pick<ChangeRow, 'id' | 'revision' | 'commits' | 'source'>>(
      `SELECT id, revision, commits, source FROM changes
        WHERE repository = ? AND branch IS ? AND codebase = ? ORDER BY id DESC LIMIT 1`,
      repository,
      branch,
      codebase,
    );
    if (newest === null || !isPoller(newest.source)) return null;
    const isBrought =
      newest.revision === revision || fromColumn<Commit[]>(newest.commits).some((c) => c.revision === revision);
    return isBrought ? newest.id : null;
  }

  #insert(change: NewChange): number {
    const now = this.#core.now();
    return this.#core.db.insert('changes', {
      author: change.author,
      committer: change.committer,
      message: change.message,
      revision: change.revision,
      branch: change.branch,
      repository: change.repository,
      codebase: change.codebase,
      project: change.project,
      category: change.category,
      files: toColumn(change.files),
      link: change.link,
      commits: toColumn(change.commits),
      properties: toColumn(change.properties),
      source: change.source,
      delivery_id: change.deliveryId,
      at: change.at ?? now,
      received_at: now,
      scheduled: 0,
    });
  }
}

function isPoller(source: string): boolean {
  return source.startsWith('gitPoller:');
}

function viewOf(row: ChangeRow): Change {
  return {
    id: row.id,
    author: row.author,
    committer: row.committer,
    message: row.message,
    revision: row.revision,
    branch: row.branch,
    repository: row.repository,
    codebase: row.codebase,
    project: row.project,
    category: row.category,
    files: fromColumn<string[]>(row.files),
    link: row.link,
    commits: fromColumn<Commit[]>(row.commits),
    properties: fromColumn<Properties>(row.properties),
    source: row.source,
    at: row.at,
    receivedAt: row.received_at,
  };
}
