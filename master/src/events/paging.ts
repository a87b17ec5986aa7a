/**
 * Rows that one request looks at where no index fits its filter. A filter that matches next to nothing then costs tens
 * of milliseconds, not seconds of a master that does nothing else; the answer's `next` says where to go on.
 */
export const MOST_SCANNED_ROWS = 20_000;

/** A piece of a list, newest first. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Value of `before` for the piece after this one; null: there is none. */
  readonly next: number | null;
}

export interface PageWanted {
  /** Only rows with a lower id. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/**
 * The ids of a page out of the ids found. `floor` is the highest id that was not looked at any more, 0 where all
 * were. One id more than the limit has to be asked for: it tells that there is more.
 */
export function pageOf(found: readonly number[], limit: number, floor: number): Page<number> {
  const items = found.slice(0, limit);
  if (found.length > limit) return { items, next: items.at(-1) ?? null };
  return { items, next: floor > 0 ? floor + 1 : null };
}

/** Conditions of a query, with the values they bind. */
export class Conditions {
  readonly #texts: string[] = [];
  readonly values: (string | number)[] = [];

  /** Adds a condition, unless its value is undefined or null. */
  add(text: string, value: string | number | null | undefined): this {
    if (value === undefined || value === null) return this;
    this.#texts.push(text);
    this.values.push(value);
    return this;
  }

  get where(): string {
    return this.#texts.length === 0 ? '' : `WHERE ${this.#texts.join(' AND ')}`;
  }
}
