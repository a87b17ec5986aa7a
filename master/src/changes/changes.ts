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
   * told already, give the change that is there. Throws {@link ChangeError} for what the site's validation refuses.
   */
  add(change: NewChange): { changeId: number; isNew: boolean } {
    const refused = refusals(change, this.#config.site.validation);
    if (Object.keys(refused).length > 0) throw new ChangeError(refused);
    return this.#core.turn(() => {
      const known = this.#delivered(change.deliveryId) ?? this.#toldByAnother(change);
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
   * A poller is the fallback of hooks, so both may tell of one push, in either order. It is the same push if the
   * branch's newest change has this revision; a branch that was moved away and back has another change in between.
   */
  #toldByAnother(change: NewChange): number | null {
    if (change.revision === null) return null;
    const newest = this.#core.db.one<{ id: number; revision: string | null; source: string }>(
      `SELECT id, revision, source FROM changes
        WHERE repository = ? AND branch IS ? AND codebase = ? ORDER BY id DESC LIMIT 1`,
      change.repository,
      change.branch,
      change.codebase,
    );
    if (newest === null || newest.revision !== change.revision || newest.source === change.source) return null;
    return isPoller(newest.source) || isPoller(change.source) ? newest.id : null;
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
