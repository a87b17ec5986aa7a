import { CLOSE, type Hello } from '@icefall/shared';
import { toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { Authentication } from './authentication.ts';
import type { Commands } from './commands.ts';
import { ConnectionHistory } from './connection-history.ts';
import { Grace } from './grace.ts';
import type { WorkerPresence } from './presence.ts';
import type { Session } from './session.ts';
import { Sessions } from './sessions.ts';
import type { Wire } from './wire.ts';

/** The workers of the site: who is connected, who may be given work, and how long is waited for those who are away. */
export class Workers {
  /** In a turn: a worker can be given work (again): it has connected, or is not paused any more. */
  readonly arrived = new Hook<string>();
  /** In a turn: a worker cannot be given work: its connection is gone, it is leaving, or it is paused (when it connects, too). */
  readonly left = new Hook<string>();
  readonly core: Core;
  readonly config: SiteConfig;
  readonly commands: Commands;
  readonly authentication: Authentication;
  readonly #sessions: Sessions;
  readonly #grace: Grace;
  readonly #history: ConnectionHistory;
  readonly #paused = new Set<string>();
  /** Connected workers that the site does not declare any more. */
  readonly #dropped = new Set<string>();

  constructor(core: Core, config: SiteConfig, commands: Commands) {
    this.core = core;
    this.commands = commands;
    this.config = config;
    this.authentication = new Authentication(core, config);
    this.#sessions = new Sessions(core, commands);
    this.#grace = new Grace(core, config, commands);
    this.#history = new ConnectionHistory(core);
    this.#readPaused();
    core.rolledBack.on(() => this.#readPaused());
    this.authentication.refused.on(({ name, why }) => this.#sessions.noteRefusal(name, why));
    this.#sessions.up.on(({ name, hello }) => this.#up(name, hello));
    this.#sessions.down.on((name) => this.#down(name));
    this.#sessions.left.on((name) => this.left.fire(name));
    config.applied.on(() => core.afterCommit(() => this.#adapt()));
    core.committed.on((touched) => {
      // Later: what this turn wants to tell the worker goes first.
      if (this.#dropped.size > 0 && touched.some(({ kind }) => kind === 'build'))
        core.clock.after(0, () => this.#dismiss());
    });
  }

  /** To be called once at the start of a master, before any worker is let in: active builds wait for theirs from now. */
  start(): void {
    this.core.turn(() => this.#history.start());
    this.#grace.start();
  }

  /** Ends all connections and timers. What runs on workers goes on. */
  stop(): void {
    this.#grace.stop();
    this.#sessions.stop();
  }

  /** An agent has connected that {@link Authentication} found to be this worker. */
  accept(name: string, wire: Wire): Session {
    return this.#sessions.open(name, wire);
  }

  presence(name: string): WorkerPresence {
    return this.#sessions.presence(name);
  }

  /** True if builds may be started on it. */
  isAvailable(name: string): boolean {
    const { connected, leaving } = this.presence(name);
    return connected && !leaving && !this.#paused.has(name) && this.config.worker(name) !== null;
  }

  isPaused(name: string): boolean {
    return this.#paused.has(name);
  }

  /** A paused worker ends what it has and is given nothing new. */
  setPaused(name: string, paused: boolean): void {
    if (this.#paused.has(name) === paused) return;
    this.core.turn(() => {
      this.core.db.run(
        'INSERT INTO workers (name, paused) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET paused = excluded.paused',
        name,
        paused ? 1 : 0,
      );
      if (paused) this.#paused.add(name);
      else this.#paused.delete(name);
      this.core.touch('worker', name);
      if (paused) this.left.fire(name);
      else if (this.isAvailable(name)) this.arrived.fire(name);
    });
  }

  /** Tells a worker to end what it runs and leave. False where it is not connected. */
  shutdown(name: string, reason: string): boolean {
    const session = this.#sessions.session(name);
    session?.send({ kind: 'shutdown', drain: true, reason });
    return session !== null;
  }

  /** Makes a new token for a worker, to be shown once. */
  issueToken(name: string): string {
    return this.authentication.issueToken(name);
  }

  /** Ends a worker's token, and its connection with it. False where it has none that was issued. */
  revokeToken(name: string): boolean {
    const isRevoked = this.authentication.revokeToken(name);
    if (isRevoked) this.#sessions.session(name)?.end(CLOSE.goingAway, 'its token was revoked');
    return isRevoked;
  }

  #readPaused(): void {
    this.#paused.clear();
    for (const { name } of this.core.db.all<{ name: string }>('SELECT name FROM workers WHERE paused = 1'))
      this.#paused.add(name);
  }

  #up(name: string, hello: Hello): void {
    this.core.db.run(
      `INSERT INTO workers (name, last_seen_at, store_id, info) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE
       SET last_seen_at = excluded.last_seen_at, store_id = excluded.store_id, info = excluded.info`,
      name,
      this.core.now(),
      hello.storeId,
      toColumn(hello.info),
    );
    this.#history.began(name);
    this.#grace.end(name);
    if (this.config.worker(name) === null) this.#dropped.add(name);
    if (this.isAvailable(name)) this.arrived.fire(name);
    else this.left.fire(name);
  }

  #down(name: string): void {
    this.core.db.update('workers', { name }, { last_seen_at: this.core.now() });
    this.#history.ended(name);
    this.#grace.begin(name);
    this.left.fire(name);
  }

  #adapt(): void {
    this.authentication.reload();
    this.#dropped.clear();
    for (const name of this.#sessions.names()) if (this.config.worker(name) === null) this.#dropped.add(name);
    this.#dismiss();
  }

  /** Ends the connections of workers that the site does not declare any more, once they have no builds. */
  #dismiss(): void {
    for (const name of this.#dropped) {
      if (this.#hasBuilds(name)) continue;
      this.#dropped.delete(name);
      const reason = `the site's configuration has no worker "${name}" any more`;
      this.#sessions.session(name)?.end(CLOSE.goingAway, reason);
    }
  }

  #hasBuilds(name: string): boolean {
    const build = this.core.db.one("SELECT id FROM builds WHERE state <> 'finished' AND worker = ? LIMIT 1", name);
    return build !== null;
  }
}
