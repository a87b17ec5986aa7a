import { Attempts } from '../engine/attempts.ts';
import type { Core } from '../engine/core.ts';
import type { Hook } from '../engine/hooks.ts';
import type { Timer } from '../engine/ports.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { AccessError, notLetIn } from './errors.ts';
import type { Person, Told } from './identity.ts';
import { messageOf } from './ldap/connection.ts';
import { Directory } from './ldap/directory.ts';
import { LdapError } from './ldap/errors.ts';
import type { Sessions } from './sessions.ts';
import { SignInLimits } from './sign-in-limits.ts';
import { LDAP, LOCAL, type Users } from './users.ts';

/** The directory is asked again of somebody who is signed in after this time: so long may a right outlive its end there. */
export const RECHECK_MS = 10 * 60_000;
/** People in one round; those whom it has not spoken of for the longest time come first. */
const MOST_RECHECKS = 1000;
/** After so many failures the rest of a round waits for the next one: the directory cannot be asked, and each takes its time. */
const MOST_FAILURES = 3;

/** What signing in changes. */
interface Accounts {
  readonly users: Users;
  readonly sessions: Sessions;
  readonly changed: Hook<void>;
  signOutEverywhere(user: string): void;
}

/** What became of a name and a password: a person, once they are accepted, or why not (null: that is all there is to say). */
type Checked = { readonly accept: () => Person } | { readonly wrong: string | null };

/** How people come in: by a password here, by the directory, or by what a provider tells. */
export class SignIns {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #accounts: Accounts;
  readonly #limits = new SignInLimits();
  /** Of each kind of trouble one a minute goes to the log; the audit log has them all. */
  readonly #complaints = new Attempts({ most: 1, withinMs: 60_000 });
  #directory: Directory | null = null;
  #rechecks: Timer | null = null;

  constructor(core: Core, config: SiteConfig, accounts: Accounts) {
    this.#core = core;
    this.#config = config;
    this.#accounts = accounts;
    this.#useDirectory();
    config.applied.on(() => this.#useDirectory());
  }

  /** From now on the directory is asked again of those whom it has let in. */
  start(): void {
    this.#rechecks = this.#core.clock.after(RECHECK_MS, () => {
      void this.recheck()
        // A disk that cannot be read has its own alarm; the next round tries again.
        .catch((error: unknown) => this.#core.log.warn({}, `the directory was not asked again: ${messageOf(error)}`))
        .finally(() => this.#rechecks !== null && this.start());
    });
  }

  stop(): void {
    this.#rechecks?.cancel();
    this.#rechecks = null;
  }

  /** Who has this name and password. Throws {@link AccessError} `bad_login`, `too_many_attempts`, `sign_in_unavailable`. */
  async byPassword(name: string, password: string, address: string): Promise<Person> {
    const checkLimits = () => this.#limits.check(name, address, this.#core.now());
    checkLimits();
    const checked = await this.#checked(name, password);
    // Again, now that it is known: many guesses at once are told no more than those that come one after another.
    checkLimits();
    if ('wrong' in checked) {
      this.#limits.failed(name, address, this.#core.now());
      throw notLetIn(checked.wrong ?? undefined);
    }
    const person = checked.accept();
    this.#accounts.users.noteSignIn(person.user);
    return person;
  }

  /** Takes down what a source has told of somebody, who is let in. Throws {@link AccessError} `bad_login`. */
  told(source: string, told: Told): Person {
    const { users, sessions, changed } = this.#accounts;
    return this.#core.turn(() => {
      const { person, isAnother, formerNames, lostGroups } = users.renew(source, told);
      for (const name of formerNames) this.#accounts.signOutEverywhere(name);
      if (isAnother) this.#accounts.signOutEverywhere(person.user);
      else if (lostGroups.length > 0) {
        sessions.endAll(person.user);
        changed.fire();
      }
      return person;
    });
  }

  /** Asks the directory anew of those who are signed in, or have tokens: who has gone is signed out, groups are renewed. */
  async recheck(): Promise<void> {
    const directory = this.#directory;
    if (directory?.canLook !== true) return;
    const before = this.#core.now() - RECHECK_MS;
    let failures = 0;
    for (const { name, subject } of this.#accounts.users.toldBefore(LDAP, before, MOST_RECHECKS)) {
      try {
        const told = await directory.look(subject);
        if (told?.name === name) this.told(LDAP, told);
        else this.#gone(name);
      } catch (error) {
        // Until the site's own limit they are believed without it.
        this.#core.log.warn({ user: name }, `the directory could not be asked again: ${messageOf(error)}`);
        failures += 1;
        if (failures >= MOST_FAILURES) return;
      }
    }
  }

  #gone(user: string): void {
    this.#core.log.info({ user }, 'the directory does not know them any more: they are signed out');
    this.#accounts.signOutEverywhere(user);
  }

  #useDirectory(): void {
    const ldap = this.#config.site.access?.signIn.ldap ?? null;
    this.#directory = ldap === null ? null : new Directory(ldap, this.#core.clock);
  }

  async #checked(name: string, password: string): Promise<Checked> {
    const { users } = this.#accounts;
    // An account here goes before one of the same name in the directory, which is not asked then.
    if (this.#directory === null || users.sourceOf(name) === LOCAL) {
      const person = await users.verified(name, password);
      return person === null ? { wrong: null } : { accept: () => person };
    }
    try {
      const told = await this.#directory.recognise(name, password);
      return { accept: () => this.told(LDAP, told) };
    } catch (error) {
      if (!(error instanceof LdapError)) throw error;
      if (error.isOfPerson) return { wrong: `${error.code}: ${error.message}` };
      throw this.#unavailable(error);
    }
  }

  #unavailable({ code, message }: LdapError): AccessError {
    const now = this.#core.now();
    if (!this.#complaints.exceeded(code, now)) {
      this.#complaints.note(code, now);
      this.#core.log.error({ code }, `somebody could not sign in: ${message}`);
    }
    const why = "nobody from the directory can sign in at this moment; the master's log says why";
    return new AccessError('sign_in_unavailable', why, `${code}: ${message}`);
  }
}
