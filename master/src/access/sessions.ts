import type { Core } from '../engine/core.ts';
import { noted } from './quietly.ts';
import { hashOf, newSecret } from './secrets.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Without a request for this long a session is over: a working day and the night after it. */
export const MOST_IDLE_MS = 24 * HOUR_MS;
/** However busy it is. */
export const LONGEST_SESSION_MS = 7 * 24 * HOUR_MS;
/** A cookie is replaced after this time, so that one that was copied is of use for as long at most, or is found out. */
export const ROTATE_AFTER_MS = HOUR_MS;
/** The old cookie is good for so long after: requests that were under way have it still. */
export const ROTATION_GRACE_MS = MINUTE_MS;
/** That a session was used is written down this often. */
const SEEN_EVERY_MS = MINUTE_MS;
/** Of one person; the oldest makes room. */
const MOST_OF_USER = 50;

export interface Session {
  readonly id: number;
  readonly user: string;
  /** What a change has to show beside the cookie. */
  readonly csrf: string;
  readonly createdAt: number;
}

interface SessionRow {
  readonly id: number;
  readonly user: string;
  readonly hash: string;
  readonly rotated_at: number;
  readonly csrf: string;
  readonly created_at: number;
  readonly seen_at: number;
}

/** Sign-ins of people on the page. */
export class Sessions {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Gives the secret for the cookie: it is stored nowhere. */
  begin(user: string, address: string): { secret: string; session: Session } {
    const now = this.#core.now();
    const [secret, csrf] = [newSecret(), newSecret()];
    const id = this.#core.turn(() => {
      this.#prune(user, now);
      const times = { rotated_at: now, created_at: now, seen_at: now };
      return this.#core.db.insert('sessions', { user, hash: hashOf(secret), csrf, address, ...times });
    });
    return { secret, session: { id, user, csrf, createdAt: now } };
  }

  /** The session of a cookie. `rotated`: the secret to put in its place. */
  find(secret: string): { session: Session; rotated: string | null } | null {
    const [hash, now] = [hashOf(secret), this.#core.now()];
    const row = this.#core.db.one<SessionRow>('SELECT * FROM sessions WHERE hash = ? OR previous_hash = ?', hash, hash);
    if (row === null || isOver(row, now)) return null;
    const isCurrent = row.hash === hash;
    if (!isCurrent && now - row.rotated_at > ROTATION_GRACE_MS) return null;
    const session = { id: row.id, user: row.user, csrf: row.csrf, createdAt: row.created_at };
    if (isCurrent && now - row.rotated_at >= ROTATE_AFTER_MS) return { session, rotated: this.#rotate(row, now) };
    if (now - row.seen_at >= SEEN_EVERY_MS)
      noted(() => this.#core.turn(() => this.#core.db.update('sessions', { id: row.id }, { seen_at: now })));
    return { session, rotated: null };
  }

  isAlive(id: number): boolean {
    const row = this.#core.db.one<SessionRow>('SELECT * FROM sessions WHERE id = ?', id);
    return row !== null && !isOver(row, this.#core.now());
  }

  end(id: number): void {
    this.#core.turn(() => this.#core.db.run('DELETE FROM sessions WHERE id = ?', id));
  }

  /** Log-out everywhere. Gives how many there were. */
  endAll(user: string): number {
    return this.#core.turn(() => this.#core.db.run('DELETE FROM sessions WHERE user = ?', user).changes);
  }

  /** Null: it could not be stored, the old one goes on. */
  #rotate(row: SessionRow, now: number): string | null {
    const secret = newSecret();
    const values = { hash: hashOf(secret), previous_hash: row.hash, rotated_at: now, seen_at: now };
    let isStored = false;
    noted(() => {
      this.#core.turn(() => this.#core.db.update('sessions', { id: row.id }, values));
      isStored = true;
    });
    return isStored ? secret : null;
  }

  #prune(user: string, now: number): void {
    const { db } = this.#core;
    db.run('DELETE FROM sessions WHERE seen_at < ? OR created_at < ?', now - MOST_IDLE_MS, now - LONGEST_SESSION_MS);
    db.run(
      'DELETE FROM sessions WHERE user = ? AND id NOT IN (SELECT id FROM sessions WHERE user = ? ORDER BY id DESC LIMIT ?)',
      user,
      user,
      MOST_OF_USER - 1,
    );
  }
}

function isOver({ seen_at, created_at }: SessionRow, now: number): boolean {
  return now - seen_at >= MOST_IDLE_MS || now - created_at >= LONGEST_SESSION_MS;
}
