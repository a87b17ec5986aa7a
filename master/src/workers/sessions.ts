import { CLOSE, type Hello, PROTOCOL_MAJOR, PROTOCOL_MINOR } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { Commands } from './commands.ts';
import type { WorkerPresence } from './presence.ts';
import { Session, type SessionDesk } from './session.ts';
import type { Wire } from './wire.ts';

/** WebSocket's own code for an end without fault (RFC 6455, 7.4.1). */
const NORMAL = 1000;

/** What of a hello tells its place among others. */
type Greeting = Pick<Hello, 'storeId' | 'instanceId' | 'startedAt' | 'greeting'>;

interface Presence {
  session: Session | null;
  /** The last that was welcomed. */
  greeting: Greeting | null;
  leaving: boolean;
  lastRefusal: string | null;
}

/** The connections of all workers: at most one welcomed for each name. */
export class Sessions implements SessionDesk {
  /** In the turn of a hello. */
  readonly up = new Hook<{ readonly name: string; readonly hello: Hello }>();
  /** In a turn: the worker has no connection any more. */
  readonly down = new Hook<string>();
  /** In a turn: it said that it is shutting down. */
  readonly left = new Hook<string>();
  readonly #core: Core;
  readonly #commands: Commands;
  readonly #masterId: string;
  readonly #presences = new Map<string, Presence>();
  readonly #open = new Set<Session>();
  #stopped = false;

  constructor(core: Core, commands: Commands) {
    this.#core = core;
    this.#commands = commands;
    this.#masterId = masterId(core);
  }

  /** An authenticated agent has connected. */
  open(name: string, wire: Wire): Session {
    const session = new Session({ name, wire, core: this.#core, commands: this.#commands, desk: this });
    if (this.#stopped) session.end(CLOSE.goingAway, 'the master stops');
    else this.#open.add(session);
    return session;
  }

  presence(name: string): WorkerPresence {
    const { session = null, leaving = false, lastRefusal = null } = this.#presences.get(name) ?? {};
    return { connected: session !== null, connectedSince: session?.since ?? null, leaving, lastRefusal };
  }

  /** The welcomed session of a worker, or null. */
  session(name: string): Session | null {
    return this.#presences.get(name)?.session ?? null;
  }

  /** Names of the connected workers. */
  names(): string[] {
    return [...this.#presences].filter(([, { session }]) => session !== null).map(([name]) => name);
  }

  /** Ends every connection; the workers come back to the next master. No turn is made of it. */
  stop(): void {
    this.#stopped = true;
    for (const session of this.#open) session.end(CLOSE.goingAway, 'the master stops');
    this.#open.clear();
  }

  greeted(session: Session, hello: Hello): void {
    const { name } = session;
    const old = this.session(name);
    if (old !== null && old.storeId !== hello.storeId && old.alive) {
      this.#refuseSecond(session, old);
      return;
    }
    const presence = this.#presence(name);
    if (isOvertaken(hello, presence)) {
      this.#core.log.warn({ worker: name, peer: session.peer }, 'a hello came that was overtaken by a newer one');
      session.end(NORMAL, 'the agent has greeted anew on another connection');
      return;
    }
    try {
      this.#core.turn(() => this.#welcome(session, hello, presence));
      const { storeId, instanceId, startedAt, greeting } = hello;
      presence.greeting = { storeId, instanceId, startedAt, greeting };
    } catch (error) {
      // The turn has left nothing on disk; nor may it in memory. The session ends with this error.
      presence.session = old;
      this.#commands.detach(name, session);
      if (old !== null) this.#commands.attach(name, old);
      throw error;
    }
  }

  #welcome(session: Session, hello: Hello, presence: Presence): void {
    const { name } = session;
    const old = presence.session;
    session.welcome(hello);
    this.#commands.attach(name, session);
    this.#commands.reconcile(name, session, hello, (commands) => {
      // The worker was never away: the place of the old connection is taken already.
      old?.end(NORMAL, 'the agent has connected anew');
      const protocol = { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR };
      session.send({ kind: 'welcome', protocol, masterId: this.#masterId, commands: [...commands] });
    });
    presence.session = session;
    presence.leaving = false;
    presence.lastRefusal = null;
    this.#core.touch('worker', name);
    this.up.fire({ name, hello });
  }

  #refuseSecond(session: Session, old: Session): void {
    const why = `another agent is connected as "${session.name}" from ${old.peer}, and it is alive; give this one a name of its own`;
    session.refuse(CLOSE.nameTaken, 'name_taken', why);
    const message = `another agent tried to connect as "${session.name}" from ${session.peer}; it was refused`;
    old.send({ kind: 'error', code: 'name_taken', message });
  }

  leaving(session: Session, reason: string): void {
    const presence = this.#presence(session.name);
    if (presence.leaving) return;
    this.#core.log.info({ worker: session.name }, `the worker is leaving: ${reason}`);
    this.#core.turn(() => {
      presence.leaving = true;
      this.#core.touch('worker', session.name);
      this.left.fire(session.name);
    });
  }

  refused(session: Session, why: string): void {
    const whole = `${why} (from ${session.peer})`;
    // It tries again and again; one line for each reason is enough.
    if (this.presence(session.name).lastRefusal !== whole)
      this.#core.log.warn({ worker: session.name }, `a worker was refused: ${whole}`);
    this.noteRefusal(session.name, whole);
  }

  /** Notes why a worker of the site could not connect. */
  noteRefusal(name: string, why: string): void {
    const presence = this.#presence(name);
    if (presence.lastRefusal === why) return;
    presence.lastRefusal = why;
    this.#core.turn(() => this.#core.touch('worker', name));
  }

  ended(session: Session): void {
    const { name } = session;
    this.#open.delete(session);
    this.#commands.detach(name, session);
    const presence = this.#presence(name);
    if (presence.session !== session) return;
    presence.session = null;
    presence.leaving = false;
    if (this.#stopped) return;
    try {
      this.#core.insist(() => {
        if (presence.session !== null || this.#stopped) return;
        this.#core.touch('worker', name);
        this.down.fire(name);
      });
    } catch (error) {
      // Nobody above could do more about it: the connection is gone all the same.
      this.#core.log.error({ worker: name, err: error }, 'the end of a connection could not be put on record');
    }
  }

  #presence(name: string): Presence {
    let presence = this.#presences.get(name);
    if (presence === undefined) {
      presence = { session: null, greeting: null, leaving: false, lastRefusal: null };
      this.#presences.set(name, presence);
    }
    return presence;
  }
}

/**
 * A hello that was under way when its connection broke may come after the agent has greeted anew. It knows nothing of what
 * the agent was given since, so that would be taken for lost. Of an agent before, only while the one after it is here: the
 * clock may have been set.
 */
function isOvertaken(hello: Greeting, { session, greeting: last }: Presence): boolean {
  if (last === null || last.storeId !== hello.storeId) return false;
  if (last.instanceId === hello.instanceId) return isLess(hello.greeting, last.greeting);
  return session?.alive === true && isLess(hello.startedAt, last.startedAt);
}

/** False where an older agent does not tell. */
function isLess(one: number | undefined, two: number | undefined): boolean {
  return one !== undefined && two !== undefined && one < two;
}

/** Made once for a database; the worker shows it in its log. */
function masterId(core: Core): string {
  const known = core.db.one<{ value: string }>("SELECT value FROM meta WHERE key = 'master_id'");
  if (known !== null) return known.value;
  const digits = Array.from({ length: 16 }, () => Math.floor(core.random.next() * 16).toString(16));
  core.turn(() => core.db.insert('meta', { key: 'master_id', value: digits.join('') }));
  return digits.join('');
}
