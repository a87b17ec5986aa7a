import { fromColumn, toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { AccessError, notLetIn } from './errors.ts';
import type { Person, Told } from './identity.ts';
import { hashPassword, isPassword } from './passwords.ts';

/** As in mail addresses and accounts elsewhere; `operator` and what begins with `token ` are ours. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,99}$/;
const RESERVED = new Set(['operator', 'anonymous', 'local']);
/** Whether the audit log and owners of builds mean something else by this name: nobody is called so. */
export function isReserved(name: string): boolean {
  return RESERVED.has(name) || name.startsWith('token ');
}
/** Of those who have a password here. */
export const LOCAL = 'local';
/** Of those whom a directory knows; people of a provider have its name. */
export const LDAP = 'ldap';
/** Of one person, and of a group's name in characters: more is not stored. */
const MOST_GROUPS = 1000;
const LONGEST_GROUP = 200;

interface UserRow {
  readonly name: string;
  readonly password: string;
  readonly mail: string | null;
  readonly groups: string;
  readonly disabled: number;
  readonly created_at: number;
  readonly signed_in_at: number | null;
  readonly source: string;
  readonly subject: string | null;
  readonly told_at: number | null;
}

/** What has become of an account by what its source has told. */
export interface Renewed {
  readonly person: Person;
  /** It is somebody else who has this name now: what the one before has left must not be theirs. */
  readonly isAnother: boolean;
  /** Names that they had before: nobody comes by these any more. */
  readonly formerNames: readonly string[];
  readonly lostGroups: readonly string[];
}

export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly mail: string | null;
  readonly groups: readonly string[];
}

/** People: those who have a password here, and those of whom a directory or a provider has told. */
export class Users {
  readonly #core: Core;
  readonly #config: SiteConfig;

  constructor(core: Core, config: SiteConfig) {
    this.#core = core;
    this.#config = config;
  }

  /** Throws {@link AccessError}. */
  async add({ name, password, mail, groups }: NewUser): Promise<void> {
    if (!NAME.test(name) || isReserved(name))
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
    if (this.#need(name).source !== LOCAL)
      throw new AccessError('bad_account', `"${name}" has no password here; it is changed where they sign in`);
    const hash = await hashPassword(password);
    this.#core.turn(() => this.#core.db.update('users', { name }, { password: hash }));
  }

  /** Throws {@link AccessError}. */
  setGroups(name: string, groups: readonly string[]): void {
    const { source } = this.#need(name);
    if (source !== LOCAL)
      throw new AccessError('bad_account', `the groups of "${name}" are told by ${source}; change them there`);
    this.#core.turn(() => this.#core.db.update('users', { name }, { groups: toColumn(groups) }));
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

  /** Null: there is none, or not any more, or nobody vouches for them any more. */
  person(name: string): Person | null {
    const row = this.#row(name);
    if (row === null || row.disabled !== 0 || !this.#isVouchedFor(row)) return null;
    return personOf(row);
  }

  /** Where somebody is recognised: `local`, `ldap`, or a provider's name; null: nobody of that name is known yet. */
  sourceOf(name: string): string | null {
    return this.#row(name)?.source ?? null;
  }

  /**
   * Takes down what a source has told of somebody; what it told before is replaced. Throws {@link AccessError} for
   * somebody who is kept out, and for a name that is somebody's of another source.
   */
  renew(source: string, { subject, name, mail, groups }: Told): Renewed {
    const kept = groups.filter((group) => group !== '' && group.length <= LONGEST_GROUP).slice(0, MOST_GROUPS);
    return this.#core.turn(() => {
      const row = this.#row(name);
      const others = this.#othersOf(source, subject, name);
      refuseOther(source, name, [row, ...others]);
      const told = { subject, mail, groups: toColumn(kept), told_at: this.#core.now() };
      if (row === null) {
        const made = { name, password: '', source, created_at: this.#core.now() };
        this.#core.db.insert('users', { ...made, ...told });
      } else this.#core.db.update('users', { name }, told);
      const before = row === null ? [] : fromColumn<string[]>(row.groups);
      return {
        person: { user: name, mail, groups: kept },
        // A directory may move an entry; with a provider anybody may take a name that has become free.
        isAnother: row !== null && source !== LDAP && row.subject !== subject,
        formerNames: others.map((other) => other.name),
        lostGroups: before.filter((group) => !kept.includes(group)),
      };
    });
  }

  /** People of a source who are signed in or have a token that is good, whom it has not spoken of since `before`. */
  toldBefore(source: string, before: number, most: number): { name: string; subject: string }[] {
    const sql = `SELECT name, subject FROM users WHERE source = ? AND disabled = 0 AND told_at < ? AND (
      EXISTS (SELECT 1 FROM sessions WHERE user = users.name) OR
      EXISTS (SELECT 1 FROM api_tokens WHERE user = users.name AND revoked_at IS NULL AND expires_at > ?)
    ) ORDER BY told_at LIMIT ?`;
    return this.#core.db.all(sql, source, before, this.#core.now(), most);
  }

  /** Those from elsewhere are believed for as long as the site says, and while it names their source. */
  #isVouchedFor({ source, told_at }: UserRow): boolean {
    if (source === LOCAL) return true;
    const signIn = this.#config.site.access?.signIn;
    const from = source === LDAP ? signIn?.ldap : signIn?.providers.find(({ name }) => name === source);
    return from != null && told_at !== null && this.#core.now() - told_at < from.believedFor;
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
      source: row.source,
    }));
  }

  #row(name: string): UserRow | null {
    return this.#core.db.one<UserRow>('SELECT * FROM users WHERE name = ?', name);
  }

  #othersOf(source: string, subject: string, name: string): UserRow[] {
    const sql = 'SELECT * FROM users WHERE source = ? AND subject = ? AND name <> ?';
    return this.#core.db.all<UserRow>(sql, source, subject, name);
  }

  #need(name: string): UserRow {
    const row = this.#row(name);
    if (row === null) throw new AccessError('bad_account', `there is no user "${name}"`);
    return row;
  }
}

function personOf({ name, mail, groups }: UserRow): Person {
  return { user: name, mail, groups: fromColumn<string[]>(groups) };
}

/** `rows`: the account of the name, and those that the same person has under other names. */
function refuseOther(source: string, name: string, rows: readonly (UserRow | null)[]): void {
  const reason = rows.map((row) => refusalOf(source, name, row)).find((one) => one !== null);
  if (reason !== undefined) throw notLetIn(reason);
}

function refusalOf(source: string, name: string, row: UserRow | null): string | null {
  const plain = source === LDAP ? name : name.slice(source.length + 1);
  if (!NAME.test(plain) || isReserved(name)) return `${JSON.stringify(name.slice(0, 200))} is no name for a user here`;
  if (row === null) return null;
  if (row.source !== source) return `"${name}" is somebody whom ${row.source} recognises, not ${source}`;
  return row.disabled === 0 ? null : `"${row.name}" is disabled`;
}
