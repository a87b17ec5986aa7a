import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { HookDelivery } from '@icefall/shared';
import { networkOf } from '../access/network.ts';
import { noted } from '../access/quietly.ts';
import { fromColumn, toColumn } from '../db/rows.ts';
import { Attempts } from '../engine/attempts.ts';
import type { Core } from '../engine/core.ts';
import { Conditions, type Page, type PageWanted } from '../events/paging.ts';

/** Deliveries on record that made a change, and as many that were ignored; the oldest make room. Half a megabyte each. */
export const MOST_TAKEN = 2000;
/** Refused ones are counted apart: whoever sends rubbish must not push out what code hosts have told. */
export const MOST_REFUSED = 1000;
/** Refusals of one address in a minute that are put on record, as in the audit log. */
export const MOST_REFUSALS = 20;
const MINUTE_MS = 60_000;
/** Bodies that are kept, each of at most {@link LONGEST_KEPT_BYTES}: usual ones are some 20 kB, a few MB compressed in all. */
export const MOST_KEPT = 200;
export const LONGEST_KEPT_BYTES = 1024 * 1024;
/** Old ones are looked for once for so many new ones. */
export const PRUNE_EVERY = 50;
/** What a request's headers tell is cut to this, in characters. */
const LONGEST_TEXT = 200;
const LONGEST_REASON = 2000;

/** What is known of a delivery before it is looked at. */
export interface Arrival {
  readonly dialect: string;
  readonly origin: string | null;
  readonly event: string | null;
  readonly deliveryId: string | null;
  readonly sizeBytes: number;
}

/** What became of it. `kept`: its body, if that was signed. */
export interface Outcome {
  readonly outcome: HookDelivery['outcome'];
  readonly code?: string;
  readonly reason?: string | null;
  readonly changeIds?: readonly number[];
  readonly redeliveryOf?: number | undefined;
  readonly kept?: KeptBody | undefined;
}

export interface KeptBody {
  readonly contentType: string | null;
  readonly body: Buffer;
}

export interface HookDeliveryFilter extends PageWanted {
  readonly dialect?: string | undefined;
  readonly outcome?: HookDelivery['outcome'] | undefined;
}

interface DeliveryRow {
  readonly id: number;
  readonly at: number;
  readonly dialect: string;
  readonly origin: string | null;
  readonly event: string | null;
  readonly delivery_id: string | null;
  readonly size_bytes: number;
  readonly outcome: HookDelivery['outcome'];
  readonly code: string | null;
  readonly reason: string | null;
  readonly change_ids: string;
  readonly redelivery_of: number | null;
  readonly is_kept: number;
}

const VIEWED = `id, at, dialect, origin, event, delivery_id, size_bytes, outcome, code, reason, change_ids, redelivery_of,
  body IS NOT NULL AS is_kept`;

/** What code hosts have sent, with what became of it. Secrets and signatures are not in it. */
export class HookDeliveries {
  readonly #core: Core;
  readonly #refusals = new Attempts({ most: MOST_REFUSALS, withinMs: MINUTE_MS });
  #unpruned = PRUNE_EVERY;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Puts a delivery on record. */
  note(arrival: Arrival, became: Outcome): HookDelivery {
    return this.#core.turn(() => {
      const id = this.#core.db.insert('hook_deliveries', this.#rowOf(arrival, became));
      this.#prune();
      const delivery = this.view(id);
      assert(delivery !== null, 'a delivery that was just put on record is there');
      return delivery;
    });
  }

  /** What was refused; a few for each address and minute, and none where nothing can be stored. */
  noteRefusal(arrival: Arrival, became: Omit<Outcome, 'outcome'>): void {
    const [key, now] = [networkOf(arrival.origin ?? ''), this.#core.now()];
    if (this.#refusals.exceeded(key, now)) return;
    this.#refusals.note(key, now);
    noted(() => void this.note(arrival, { ...became, outcome: 'refused' }));
  }

  /** Newest first. */
  list({ dialect, outcome, before, limit }: HookDeliveryFilter): Page<HookDelivery> {
    const conditions = new Conditions().add('id < ?', before).add('dialect = ?', dialect).add('outcome = ?', outcome);
    const rows = this.#core.db.all<DeliveryRow>(
      `SELECT ${VIEWED} FROM hook_deliveries ${conditions.where} ORDER BY id DESC LIMIT ?`,
      ...conditions.values,
      limit + 1,
    );
    const items = rows.slice(0, limit).map(viewOf);
    return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
  }

  /** One delivery, or null. */
  view(id: number): HookDelivery | null {
    const row = this.#core.db.one<DeliveryRow>(`SELECT ${VIEWED} FROM hook_deliveries WHERE id = ?`, id);
    return row === null ? null : viewOf(row);
  }

  /** The body of a delivery as it came; null: it is not kept. */
  kept(id: number): KeptBody | null {
    const row = this.#core.db.one<{ content_type: string | null; body: Buffer | null }>(
      'SELECT content_type, body FROM hook_deliveries WHERE id = ?',
      id,
    );
    if (row === null || row.body === null) return null;
    return { contentType: row.content_type, body: gunzipSync(row.body, { maxOutputLength: LONGEST_KEPT_BYTES }) };
  }

  #rowOf(arrival: Arrival, { outcome, code, reason, changeIds, redeliveryOf, kept }: Outcome) {
    const isKept = kept !== undefined && kept.body.length <= LONGEST_KEPT_BYTES;
    return {
      at: this.#core.now(),
      dialect: arrival.dialect,
      origin: arrival.origin,
      event: cut(arrival.event, LONGEST_TEXT),
      delivery_id: cut(arrival.deliveryId, LONGEST_TEXT),
      size_bytes: arrival.sizeBytes,
      outcome,
      code: code ?? null,
      reason: cut(reason, LONGEST_REASON),
      change_ids: toColumn(changeIds ?? []),
      redelivery_of: redeliveryOf ?? null,
      content_type: isKept ? cut(kept.contentType, LONGEST_TEXT) : null,
      body: isKept ? gzipSync(kept.body) : null,
    };
  }

  #prune(): void {
    this.#unpruned += 1;
    if (this.#unpruned < PRUNE_EVERY) return;
    this.#unpruned = 0;
    const older = (where: string, most: number) =>
      `id <= (SELECT id FROM hook_deliveries WHERE ${where} ORDER BY id DESC LIMIT 1 OFFSET ${most})`;
    for (const [where, most] of [
      ["outcome = 'accepted'", MOST_TAKEN],
      ["outcome = 'ignored'", MOST_TAKEN],
      ["outcome = 'refused'", MOST_REFUSED],
    ] as const)
      this.#core.db.run(`DELETE FROM hook_deliveries WHERE ${where} AND ${older(where, most)}`);
    const hasBody = 'body IS NOT NULL';
    this.#core.db.run(`UPDATE hook_deliveries SET body = NULL WHERE ${hasBody} AND ${older(hasBody, MOST_KEPT)}`);
  }
}

function viewOf(row: DeliveryRow): HookDelivery {
  return {
    id: row.id,
    at: row.at,
    dialect: row.dialect,
    origin: row.origin,
    event: row.event,
    deliveryId: row.delivery_id,
    sizeBytes: row.size_bytes,
    outcome: row.outcome,
    code: row.code,
    reason: row.reason,
    changeIds: fromColumn<number[]>(row.change_ids),
    redeliveryOf: row.redelivery_of,
    isKept: row.is_kept === 1,
  };
}

function cut(text: string | null | undefined, longest: number): string | null {
  return text == null ? null : text.slice(0, longest);
}
