import { fromColumn, toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import { AccessError } from './errors.ts';
import type { TokenScope } from './identity.ts';
import { noted } from './quietly.ts';
import { hashOf, newSecret } from './secrets.ts';

/** What a token begins with, so that scanners of published code know one. */
const TOKEN_PREFIX = 'icefall_';
const DAY_MS = 86_400_000;
/** A token that never ends is one that nobody remembers. */
export const LONGEST_TOKEN_MS = 366 * DAY_MS;
export const USUAL_TOKEN_MS = 90 * DAY_MS;
/** That a token was used is written down this often. */
const USED_EVERY_MS = 60_000;
/** Of one list. */
const MOST_LISTED = 1000;
/** Good ones of one person, and of all programs: more is a script that makes one for each of its runs. */
export const MOST_OF_USER = 500;
/** What was of use once is listed for so long after its end; the audit log has when it was made and ended. */
const KEPT_AFTER_END_MS = 90 * DAY_MS;

interface TokenRow {
  readonly id: number;
  readonly name: string;
  readonly user: string | null;
  readonly allow: string | null;
  readonly builders: string | null;
  readonly created_at: number;
  readonly created_by: string;
  readonly expires_at: number;
  readonly used_at: number | null;
  readonly used_from: string | null;
  readonly revoked_at: number | null;
}

export interface NewToken {
  readonly name: string;
  /** Null: of a program. */
  readonly user: string | null;
  readonly scope: TokenScope;
  readonly createdBy: string;
  readonly expiresAt: number;
}

export interface ApiToken extends Omit<NewToken, 'scope'>, TokenScope {
  readonly id: number;
  readonly createdAt: number;
  readonly usedAt: number | null;
  readonly usedFrom: string | null;
  readonly revokedAt: number | null;
}

/** Whether it looks like one, good or not. */
export function isApiToken(token: string): boolean {
  return token.startsWith(TOKEN_PREFIX);
}

/** Tokens of programs, and of people's command lines. */
export class ApiTokens {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Gives the token: only its hash is stored. Throws {@link AccessError} `bad_account`. */
  create({ name, user, scope, createdBy, expiresAt }: NewToken): { token: string; id: number } {
    const token = `${TOKEN_PREFIX}${newSecret()}`;
    const id = this.#core.turn(() => {
      this.#makeRoom(user);
      return this.#core.db.insert('api_tokens', {
        name,
        user,
        hash: hashOf(token),
        allow: scope.allow === null ? null : toColumn(scope.allow),
        builders: scope.builders === null ? null : toColumn(scope.builders),
        created_at: this.#core.now(),
        created_by: createdBy,
        expires_at: expiresAt,
      });
    });
    return { token, id };
  }

  #makeRoom(user: string | null): void {
    const { db } = this.#core;
    const now = this.#core.now();
    db.run(
      'DELETE FROM api_tokens WHERE MIN(expires_at, COALESCE(revoked_at, expires_at)) < ?',
      now - KEPT_AFTER_END_MS,
    );
    const sql = 'SELECT COUNT(*) AS n FROM api_tokens WHERE user IS ? AND revoked_at IS NULL AND expires_at > ?';
    const { n = 0 } = db.one<{ n: number }>(sql, user, now) ?? {};
    if (n < MOST_OF_USER) return;
    const whose = user === null ? 'there are' : `"${user}" has`;
    throw new AccessError('bad_account', `${whose} ${n} tokens already; end some: icefall token revoke ID`);
  }

  /** The token, if it is one that is good now. */
  find(token: string, address: string): ApiToken | null {
    const row = this.#core.db.one<TokenRow>('SELECT * FROM api_tokens WHERE hash = ?', hashOf(token));
    if (row === null || !this.#isGood(row)) return null;
    const now = this.#core.now();
    if (row.used_at === null || now - row.used_at >= USED_EVERY_MS || row.used_from !== address)
      noted(() =>
        this.#core.turn(() => this.#core.db.update('api_tokens', { id: row.id }, { used_at: now, used_from: address })),
      );
    return tokenOf(row);
  }

  isGood(id: number): boolean {
    const row = this.#row(id);
    return row !== null && this.#isGood(row);
  }

  get(id: number): ApiToken | null {
    const row = this.#row(id);
    return row === null ? null : tokenOf(row);
  }

  /** Newest first. */
  all(): ApiToken[] {
    return this.#core.db.all<TokenRow>('SELECT * FROM api_tokens ORDER BY id DESC LIMIT ?', MOST_LISTED).map(tokenOf);
  }

  /** Those of a person, newest first. */
  ofUser(user: string): ApiToken[] {
    const sql = 'SELECT * FROM api_tokens WHERE user = ? ORDER BY id DESC LIMIT ?';
    return this.#core.db.all<TokenRow>(sql, user, MOST_LISTED).map(tokenOf);
  }

  revoke(id: number): void {
    this.#core.turn(() =>
      this.#core.db.run(
        'UPDATE api_tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL',
        this.#core.now(),
        id,
      ),
    );
  }

  /** All of a person. Gives how many there were. */
  revokeAll(user: string): number {
    const sql = 'UPDATE api_tokens SET revoked_at = ? WHERE user = ? AND revoked_at IS NULL';
    return this.#core.turn(() => this.#core.db.run(sql, this.#core.now(), user).changes);
  }

  #isGood({ revoked_at, expires_at }: TokenRow): boolean {
    return revoked_at === null && expires_at > this.#core.now();
  }

  #row(id: number): TokenRow | null {
    return this.#core.db.one<TokenRow>('SELECT * FROM api_tokens WHERE id = ?', id);
  }
}

function tokenOf(row: TokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    user: row.user,
    allow: row.allow === null ? null : fromColumn(row.allow),
    builders: row.builders === null ? null : fromColumn(row.builders),
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    usedAt: row.used_at,
    usedFrom: row.used_from,
    revokedAt: row.revoked_at,
  };
}
