import type Sqlite from 'better-sqlite3';
import { storageFault } from '../storage/faults.ts';
import type { Database } from './database.ts';

/** What a column can hold. */
export type Value = string | number | null | Buffer;

/** Of each open database: a master that is opened on it again (in a simulation) finds them made. */
const preparedOf = new WeakMap<Database, Map<string, Sqlite.Statement<Value[]>>>();

/**
 * Prepared statements of one table, made on first use. Column names come from our own code only; values are bound.
 */
export class Statements {
  readonly #db: Database;
  readonly #prepared: Map<string, Sqlite.Statement<Value[]>>;
  #isInTurn = false;
  #refused: unknown = null;

  constructor(db: Database) {
    this.#db = db;
    this.#prepared = preparedOf.get(db) ?? new Map();
    preparedOf.set(db, this.#prepared);
  }

  /** From now on until {@link turnEnds} everything belongs to one transaction. */
  turnBegins(): void {
    this.#isInTurn = true;
    this.#refused = null;
  }

  turnEnds(): void {
    this.#isInTurn = false;
    this.#refused = null;
  }

  /** Throws what the storage has refused in this turn, if anything. */
  checkTurn(): void {
    if (this.#refused !== null) throw this.#refused;
  }

  /**
   * On a full disk SQLite may take the whole transaction back by itself (https://sqlite.org/lang_transaction.html, 3.1).
   * What the turn would write after that, if somebody has caught the error, would stand alone: so nothing more is done.
   */
  refuse(error: unknown): void {
    if (this.#isInTurn && storageFault(error) !== null) this.#refused = error;
  }

  #note(error: unknown): unknown {
    this.refuse(error);
    return error;
  }

  #statement(sql: string) {
    this.checkTurn();
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare<Value[]>(planned(sql));
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  /** All rows of a query. The caller names the row's type: the schema is ours. */
  all<Row>(sql: string, ...values: readonly Value[]): Row[] {
    try {
      return this.#statement(sql).all(...values) as Row[];
    } catch (error) {
      throw this.#note(error);
    }
  }

  one<Row>(sql: string, ...values: readonly Value[]): Row | null {
    try {
      return (this.#statement(sql).get(...values) as Row | undefined) ?? null;
    } catch (error) {
      throw this.#note(error);
    }
  }

  /** Runs a change; gives the number of rows and the id of the last inserted one. */
  run(sql: string, ...values: readonly Value[]): { changes: number; id: number } {
    try {
      const result = this.#statement(sql).run(...values);
      return { changes: result.changes, id: Number(result.lastInsertRowid) };
    } catch (error) {
      throw this.#note(error);
    }
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

/**
 * SQLite from 3.54 on plans a statement anew at each execution where it is ordered or joined and compares a column with a
 * bound value, or has a bound limit: it looks at the value, and better-sqlite3 clears it after every use
 * (https://gitlab.com/cznic/sqlite/-/issues/264). Planning takes ten times as long as most of our queries. A plus before
 * the value changes nothing else (https://sqlite.org/lang_expr.html: a no-op), and keeps SQLite from looking.
 */
function planned(sql: string): string {
  return sql.replace(/((?:=|\bIS|\bIS NOT|\bLIMIT|\bOFFSET) )\?/g, '$1+?');
}

/** A JSON column's text. */
export function toColumn(value: unknown): string {
  return JSON.stringify(value);
}

/** A JSON column's value. We wrote it, so it is what the schema's comment says. */
export function fromColumn<T>(text: string): T {
  return JSON.parse(text) as T;
}
