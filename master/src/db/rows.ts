import type Sqlite from 'better-sqlite3';
import type { Database } from './database.ts';

/** What a column can hold. */
export type Value = string | number | null | Buffer;

/**
 * Prepared statements of one table, made on first use. Column names come from our own code only; values are bound.
 */
export class Statements {
  readonly #db: Database;
  readonly #prepared = new Map<string, Sqlite.Statement<Value[]>>();

  constructor(db: Database) {
    this.#db = db;
  }

  #statement(sql: string) {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare<Value[]>(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  /** All rows of a query. The caller names the row's type: the schema is ours. */
  all<Row>(sql: string, ...values: readonly Value[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  one<Row>(sql: string, ...values: readonly Value[]): Row | null {
    return (this.#statement(sql).get(...values) as Row | undefined) ?? null;
  }

  /** Runs a change; gives the number of rows and the id of the last inserted one. */
  run(sql: string, ...values: readonly Value[]): { changes: number; id: number } {
    const result = this.#statement(sql).run(...values);
    return { changes: result.changes, id: Number(result.lastInsertRowid) };
  }

  /** Inserts a row; gives its id. */
  insert(table: string, row: Readonly<Record<string, Value>>): number {
    const columns = Object.keys(row);
    const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    return this.run(sql, ...Object.values(row)).id;
  }

  /** Updates the named columns of the row with the key columns. */
  update(table: string, key: Readonly<Record<string, Value>>, row: Readonly<Record<string, Value>>): void {
    const set = Object.keys(row).map((column) => `${column} = ?`);
    const where = Object.keys(key).map((column) => `${column} = ?`);
    this.run(
      `UPDATE ${table} SET ${set.join(', ')} WHERE ${where.join(' AND ')}`,
      ...Object.values(row),
      ...Object.values(key),
    );
  }
}

/** A JSON column's text. */
export function toColumn(value: unknown): string {
  return JSON.stringify(value);
}

/** A JSON column's value. We wrote it, so it is what the schema's comment says. */
export function fromColumn<T>(text: string): T {
  return JSON.parse(text) as T;
}
