import type { AuditEntry } from '@icefall/shared';
import { fromColumn, toColumn } from '../db/rows.ts';
import { Attempts } from '../engine/attempts.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { Conditions, type Page, type PageWanted } from '../events/paging.ts';
import { networkOf } from './network.ts';
import { noted } from './quietly.ts';

/** Old entries are looked for once for so many new ones. */
const PRUNE_EVERY = 500;
/** Where the site says nothing. */
const USUAL_AUDIT_MS = 365 * 86_400_000;
/** Refused attempts of one address that are put on record: whoever sends a thousand cannot fill the disk with them. */
const MOST_REFUSALS = 20;
const MINUTE_MS = 60_000;

/** One line: who did what, from where, with what result. */
export interface Deed {
  readonly who: string;
  /** Address it came from. */
  readonly origin: string | null;
  readonly action: string;
  /** `build 17`, `worker w1`. */
  readonly object: string;
  readonly detail?: object | undefined;
  /** `ok`, or the code of the error. */
  readonly result: string;
}

interface AuditRow {
  readonly id: number;
  readonly at: number;
  readonly who: string;
  readonly origin: string | null;
  readonly action: string;
  readonly object: string;
  readonly result: string;
  readonly detail: string;
}

export interface AuditFilter extends PageWanted {
  readonly who?: string | undefined;
  readonly action?: string | undefined;
  readonly result?: string | undefined;
}

/** What people and programs did. Nothing in it is ever changed; what is older than the site wants it is deleted. */
export class AuditLog {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #refusals = new Attempts({ most: MOST_REFUSALS, withinMs: MINUTE_MS });
  #unpruned = PRUNE_EVERY;

  constructor(core: Core, config: SiteConfig) {
    this.#core = core;
    this.#config = config;
  }

  note({ who, origin, action, object, detail, result }: Deed): void {
    this.#core.turn(() => {
      const row = { at: this.#core.now(), who, origin, action, object, detail: toColumn(detail ?? {}), result };
      this.#core.db.insert('audit', row);
      this.#prune();
    });
  }

  /** What was refused; a few for each address and minute, and none where nothing can be stored. */
  noteRefusal(deed: Deed): void {
    const [key, now] = [networkOf(deed.origin ?? ''), this.#core.now()];
    if (this.#refusals.exceeded(key, now)) return;
    this.#refusals.note(key, now);
    noted(() => this.note(deed));
  }

  /** Newest first. */
  list({ who, action, result, before, limit }: AuditFilter): Page<AuditEntry> {
    const conditions = new Conditions()
      .add('id < ?', before)
      .add('who = ?', who)
      .add('action = ?', action)
      .add('result = ?', result);
    const rows = this.#core.db.all<AuditRow>(
      `SELECT * FROM audit ${conditions.where} ORDER BY id DESC LIMIT ?`,
      ...conditions.values,
      limit + 1,
    );
    const items = rows.slice(0, limit).map((row) => ({ ...row, detail: fromColumn<AuditEntry['detail']>(row.detail) }));
    return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
  }

  #prune(): void {
    this.#unpruned += 1;
    if (this.#unpruned < PRUNE_EVERY) return;
    this.#unpruned = 0;
    const keptMs = this.#config.site.access?.keepAuditMs ?? USUAL_AUDIT_MS;
    // Against the newest entry, as the schema's own guard does: a clock that was set forward deletes nothing.
    this.#core.db.run('DELETE FROM audit WHERE at < (SELECT MAX(at) FROM audit) - ?', keptMs);
  }
}
