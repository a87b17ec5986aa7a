import { fromColumn, toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import { AccessError } from './errors.ts';
import type { Person } from './identity.ts';
import { hashPassword, isPassword } from './passwords.ts';

/** As in mail addresses and accounts elsewhere; `operator` and what begins with `token ` are ours. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,99}$/;
const RESERVED = new Set(['operator', 'anonymous', 'local']);

interface UserRow {
  readonly name: string;
  readonly password: string;
  readonly mail: string | null;
  readonly groups: string;
  readonly disabled: number;
  readonly created_at: number;
  readonly signed_in_at: number | null;
}

export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly mail: string | null;
  readonly groups: readonly string[];
}

/** People whom the master itself recognises. */
export class Users {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Throws {@link AccessError}. */
  async add({ name, password, mail, groups }: NewUser): Promise<void> {
    if (!NAME.test(name) || RESERVED.has(name))
      throw new AccessError(
        'bad_account',
        `${JSON.stringify(name)} is no name for a user: letters, digits and _ . @ + -`,
      );
    this.#mustBeNew(name);
    const hash = await hashPassword(password);
    this.#core.turn(() => {
      this.#mustBeNew(name);
      const row = { name, password: hash, mail, groups: toColumn(groups), created_at: this.#core.now() };
      this.#core.db.insert('users', row);
    });
  }

  #mustBeNew(name: string): void {
    if (this.#row(name) !== null) throw new AccessError('bad_account', `there is a user "${name}" already`);
  }

  /** Throws {@link AccessError}. */
  async setPassword(name: string, password: string): Promise<void> {
    this.#need(name);
    const hash = await hashPassword(password);
    this.#core.turn(() => this.#core.db.update('users', { name }, { password: hash }));
  }

  setDisabled(name: string, disabled: boolean): void {
    this.#need(name);
    this.#core.turn(() => this.#core.db.update('users', { name }, { disabled: disabled ? 1 : 0 }));
  }

  /** The person with this name and password, or null; a wrong name takes as long as a wrong password. */
  async verified(name: string, password: string): Promise<Person | null> {
    const row = this.#row(name);
    const isRight = await isPassword(password, row?.password ?? null);
    return isRight ? this.person(name) : null;
  }

  /** Null: there is none, or not any more. */
  person(name: string): Person | null {
    const row = this.#row(name);
    if (row === null || row.disabled !== 0) return null;
    return { user: row.name, mail: row.mail, groups: fromColumn<string[]>(row.groups) };
  }

  isDisabled(name: string): boolean {
    const row = this.#row(name);
    return row !== null && row.disabled !== 0;
  }

  noteSignIn(name: string): void {
    this.#core.turn(() => this.#core.db.update('users', { name }, { signed_in_at: this.#core.now() }));
  }

  list() {
    return this.#core.db.all<UserRow>('SELECT * FROM users ORDER BY name').map((row) => ({
      name: row.name,
      mail: row.mail,
      groups: fromColumn<string[]>(row.groups),
      disabled: row.disabled !== 0,
      createdAt: row.created_at,
      signedInAt: row.signed_in_at,
    }));
  }

  #row(name: string): UserRow | null {
    return this.#core.db.one<UserRow>('SELECT * FROM users WHERE name = ?', name);
  }

  #need(name: string): void {
    if (this.#row(name) === null) throw new AccessError('bad_account', `there is no user "${name}"`);
  }
}
