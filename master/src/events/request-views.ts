import type { Buildset, Request } from '@icefall/shared';
import type { Statements } from '../db/rows.ts';
import { buildsetResource, type OfBuildset, requestResource } from '../requests/resources.ts';
import type { BuildsetRow, RequestRow } from '../requests/rows.ts';
import { Conditions, MOST_SCANNED_ROWS, type Page, type PageWanted, pageOf } from './paging.ts';
import { addTo } from './step-views.ts';

type FullRequestRow = RequestRow & OfBuildset;

export interface RequestFilter extends PageWanted {
  readonly state?: Request['state'] | undefined;
  readonly builder?: string | undefined;
  /** Of these builders only. */
  readonly builders?: readonly string[] | undefined;
}

/** Requests and buildsets as clients see them. */
export class RequestViews {
  readonly #db: Statements;

  constructor(db: Statements) {
    this.#db = db;
  }

  request(id: number): Request | null {
    return this.requests([id])[0] ?? null;
  }

  /** In order of their ids, oldest first. */
  requests(ids: readonly number[]): Request[] {
    const listed = JSON.stringify(ids);
    const rows = this.#db.all<FullRequestRow>(
      `SELECT r.*, s.reason, s.owner, s.parent_build_id FROM requests r JOIN buildsets s ON s.id = r.buildset_id
        WHERE r.id IN (SELECT value FROM json_each(?)) ORDER BY r.id`,
      listed,
    );
    const builds = new Map<number, number[]>();
    const attempts = this.#db.all<{ id: number; request_id: number }>(
      'SELECT id, request_id FROM builds WHERE request_id IN (SELECT value FROM json_each(?)) ORDER BY id',
      listed,
    );
    for (const row of attempts) addTo(builds, row.request_id, row.id);
    return rows.map((row) => requestResource(row, row, builds.get(row.id) ?? []));
  }

  /** A page of requests, newest first. */
  list(filter: RequestFilter): Page<Request> {
    const { state, builder, builders } = filter;
    const isOpen = state === 'pending' || state === 'building';
    const top = filter.before ?? this.#newestId() + 1;
    const floor = (builder ?? builders) !== undefined && !isOpen ? Math.max(0, top - 1 - MOST_SCANNED_ROWS) : 0;
    const conditions = new Conditions()
      .add('id < ?', top)
      .add('id > ?', floor)
      // Written so that the index of open requests serves.
      .add(isOpen ? "state <> 'finished' AND state = ?" : 'state = ?', state)
      .add('builder = ?', builder)
      .add('builder IN (SELECT value FROM json_each(?))', builders && JSON.stringify(builders));
    const found = this.#db.all<{ id: number }>(
      `SELECT id FROM requests ${conditions.where} ORDER BY id DESC LIMIT ?`,
      ...conditions.values,
      filter.limit + 1,
    );
    const page = pageOf(
      found.map((row) => row.id),
      filter.limit,
      floor,
    );
    return { items: this.requests(page.items).reverse(), next: page.next };
  }

  #newestId(): number {
    return this.#db.one<{ id: number | null }>('SELECT MAX(id) AS id FROM requests')?.id ?? 0;
  }

  /** Requests that wait or are being built, oldest first, at most `limit`. */
  open(limit: number): Request[] {
    const rows = this.#db.all<{ id: number }>(
      "SELECT id FROM requests WHERE state <> 'finished' ORDER BY id LIMIT ?",
      limit,
    );
    return this.requests(rows.map((row) => row.id));
  }

  buildset(id: number): Buildset | null {
    const row = this.#db.one<BuildsetRow>('SELECT * FROM buildsets WHERE id = ?', id);
    if (row === null) return null;
    const requests = this.#db.all<{ id: number }>('SELECT id FROM requests WHERE buildset_id = ? ORDER BY id', id);
    return buildsetResource(
      row,
      requests.map((request) => request.id),
    );
  }
}
