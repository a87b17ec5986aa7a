import {
  BusyError,
  type Client,
  ConstraintViolationError,
  type Entry,
  InappropriateAuthError,
  InvalidCredentialsError,
  NoSuchObjectError,
  ResultCodeError,
  SizeLimitExceededError,
  UnavailableError,
  UnwillingToPerformError,
} from 'ldapts';
import type { LdapDeclaration } from '../../config/sign-in.ts';
import { readToken } from '../../config/workers.ts';
import type { Clock } from '../../engine/ports.ts';
import type { Told } from '../identity.ts';
import { newSecret } from '../secrets.ts';
import { messageOf, withServer } from './connection.ts';
import { LdapError } from './errors.ts';
import { entryNameOf, filterOf, groupBelow } from './names.ts';

/** Sign-ins at once; each is a connection. Beyond these they are refused for now, not queued. */
const MOST_AT_ONCE = 50;
/** Of one person; more are not asked for. */
const MOST_GROUPS = 1000;
/** Of what a directory says of a refusal, in our log. Characters. */
const MOST_SAID = 200;

/** A directory that knows who people are: an LDAP server, or several of the same content. */
export class Directory {
  readonly #ldap: LdapDeclaration;
  readonly #clock: Clock;
  #asking = 0;

  constructor(ldap: LdapDeclaration, clock: Clock) {
    this.#ldap = ldap;
    this.#clock = clock;
  }

  /** Whether it can be asked of somebody who does not sign in at this moment. */
  get canLook(): boolean {
    return 'base' in this.#ldap.people;
  }

  /** Who has this name and password. Throws {@link LdapError}. */
  recognise(name: string, password: string): Promise<Told> {
    // A server takes a bind without a password for one of nobody in particular, and lets it in (RFC 4513, section 5.1.2).
    if (password === '') return Promise.reject(new LdapError('wrong_password', 'an empty password is nobody’s'));
    return this.#asked(async (client) => {
      const { people } = this.#ldap;
      if (!('base' in people)) {
        const dn = entryNameOf(people.dn, { name });
        await bound(client, dn, password, name);
        return this.#told(client, await this.#entryAt(client, dn));
      }
      const entry = await this.#foundOrNobody(client, name, people.base);
      await bound(client, entry.dn, password, name);
      // The account that searches may see groups that the person may not.
      await this.#bindAccount(client);
      return this.#told(client, entry);
    });
  }

  /**
   * What it says of an entry now; null: there is none any more, or it is one of those that are not let in. Throws
   * {@link LdapError}.
   */
  async look(entryName: string): Promise<Told | null> {
    try {
      return await this.#asked(async (client) => this.#told(client, await this.#stillFound(client, entryName)));
    } catch (error) {
      if (error instanceof LdapError && error.code === 'no_entry') return null;
      throw error;
    }
  }

  async #asked(work: (client: Client) => Promise<Told>): Promise<Told> {
    if (this.#asking >= MOST_AT_ONCE)
      throw new LdapError('refused', `${MOST_AT_ONCE} people sign in at this moment; try again in a while`);
    this.#asking += 1;
    try {
      return await this.#askedInTurn(work);
    } finally {
      this.#asking -= 1;
    }
  }

  /** Asks the first server that can be asked. */
  async #askedInTurn(work: (client: Client) => Promise<Told>): Promise<Told> {
    const failures: LdapError[] = [];
    for (const server of this.#ldap.servers) {
      try {
        return await withServer(this.#ldap, server, this.#clock, work);
      } catch (error) {
        const failure = ldapErrorOf(error, server);
        if (!failure.isOfServer) throw failure;
        failures.push(failure);
      }
    }
    const [first] = failures;
    if (first !== undefined && failures.length === 1) throw first;
    throw new LdapError(first?.code ?? 'unreachable', failures.map(({ message }) => message).join('; '));
  }

  async #bindAccount(client: Client): Promise<void> {
    const { people } = this.#ldap;
    if (!('base' in people) || people.account === undefined) return;
    const { dn, password } = people.account;
    try {
      await client.bind(dn, readToken(password));
    } catch (error) {
      if (error instanceof InvalidCredentialsError)
        throw new LdapError(
          'misconfigured',
          `the directory refuses the account ${dn} that searches; look at its password`,
        );
      throw error instanceof ResultCodeError
        ? error
        : new LdapError('misconfigured', `the account ${dn} cannot search: ${messageOf(error)}`, { cause: error });
    }
  }

  /** As {@link #found}; a name that nobody has takes as many questions as a wrong password: time tells no names. */
  async #foundOrNobody(client: Client, name: string, base: string): Promise<Entry> {
    try {
      return await this.#found(client, name);
    } catch (error) {
      if (error instanceof LdapError && error.isOfPerson)
        await bound(client, `cn=${newSecret()},${base}`, newSecret(), name).catch((refusal: unknown) => {
          if (!(refusal instanceof LdapError)) throw refusal;
        });
      throw error;
    }
  }

  /** The one entry of whoever has a name. */
  async #found(client: Client, name: string): Promise<Entry> {
    const { people } = this.#ldap;
    if (!('base' in people)) throw new LdapError('misconfigured', 'the directory is not searched: people has no base');
    await this.#bindAccount(client);
    const filter = filterOf(people.filter, { name });
    const options = { scope: 'sub' as const, filter, sizeLimit: 2, attributes: this.#attributes() };
    const several = `several entries match ${filter}; narrow access.signIn.ldap.people.filter`;
    const { searchEntries } = await client.search(people.base, options).catch((error: unknown) => {
      throw error instanceof SizeLimitExceededError ? new LdapError('several_entries', several) : error;
    });
    const [entry, other] = searchEntries;
    if (other !== undefined) throw new LdapError('several_entries', several);
    if (entry === undefined) throw new LdapError('no_entry', `no entry below ${people.base} matches ${filter}`);
    return entry;
  }

  /** An entry that has been found before, if whatever else the filter asks for is as it was. */
  async #stillFound(client: Client, dn: string): Promise<Entry> {
    const { people } = this.#ldap;
    if (!('base' in people)) throw new LdapError('misconfigured', 'the directory is not searched: people has no base');
    await this.#bindAccount(client);
    const filter = people.filter.replaceAll('{name}', '*');
    const gone = new LdapError('no_entry', `${dn} does not match ${filter} any more`);
    try {
      const { searchEntries } = await client.search(dn, { scope: 'base', filter, attributes: this.#attributes() });
      const [entry] = searchEntries;
      if (entry === undefined) throw gone;
      return entry;
    } catch (error) {
      throw error instanceof NoSuchObjectError ? gone : error;
    }
  }

  async #entryAt(client: Client, dn: string): Promise<Entry> {
    const { searchEntries } = await client.search(dn, { scope: 'base', attributes: this.#attributes() });
    const [entry] = searchEntries;
    if (entry === undefined)
      throw new LdapError('misconfigured', `${dn} may not read its own entry; use people: { base, account }`);
    return entry;
  }

  #attributes(): string[] {
    const { people, groups } = this.#ldap;
    const memberOf = groups !== undefined && 'memberOfBelow' in groups ? ['memberOf'] : [];
    return [people.name, ...(people.mail === undefined ? [] : [people.mail]), ...memberOf];
  }

  async #told(client: Client, entry: Entry): Promise<Told> {
    const { people } = this.#ldap;
    // As the directory has it, not as it was typed: it takes upper and lower case for the same.
    const [name] = valuesOf(entry, people.name);
    if (name === undefined)
      throw new LdapError(
        'bad_name',
        `${entry.dn} has no attribute ${people.name}; see access.signIn.ldap.people.name`,
      );
    const [mail = null] = people.mail === undefined ? [] : valuesOf(entry, people.mail);
    return { subject: entry.dn, name, mail, groups: await this.#groups(client, entry, name) };
  }

  async #groups(client: Client, entry: Entry, name: string): Promise<string[]> {
    const { groups } = this.#ldap;
    if (groups === undefined) return [];
    if ('memberOfBelow' in groups)
      return valuesOf(entry, 'memberOf').flatMap((group) => groupBelow(group, groups.memberOfBelow) ?? []);
    const filter = filterOf(groups.filter, { dn: entry.dn, name });
    const options = { scope: 'sub' as const, filter, sizeLimit: MOST_GROUPS, attributes: [groups.name] };
    const { searchEntries } = await client.search(groups.base, options);
    return searchEntries.flatMap((group) => valuesOf(group, groups.name).slice(0, 1));
  }
}

/**
 * What servers say of one person: a wrong password, no entry, an entry without a password, and, of 389 Directory Server and
 * others, a locked one. Whoever signs in hears the same of all, and all count as guesses.
 */
const OF_PERSON = [
  InvalidCredentialsError,
  NoSuchObjectError,
  InappropriateAuthError,
  ConstraintViolationError,
  UnwillingToPerformError,
];

/** Binds as the person. Throws {@link LdapError} `wrong_password`. */
async function bound(client: Client, dn: string, password: string, name: string): Promise<void> {
  try {
    await client.bind(dn, password);
  } catch (error) {
    if (error instanceof Error && OF_PERSON.some((kind) => error instanceof kind))
      throw new LdapError('wrong_password', `the directory refuses ${JSON.stringify(name)} (${dn}): ${saidBy(error)}`);
    throw error;
  }
}

function valuesOf(entry: Entry, attribute: string): string[] {
  // Servers write names of attributes as their schema does.
  const key = Object.keys(entry).find((one) => one.toLowerCase() === attribute.toLowerCase());
  const values = key === undefined ? [] : [entry[key]].flat();
  return values.filter((value) => typeof value === 'string' && value !== '').slice(0, MOST_GROUPS) as string[];
}

function ldapErrorOf(error: unknown, server: string): LdapError {
  if (error instanceof LdapError) return error;
  if (error instanceof BusyError || error instanceof UnavailableError)
    return new LdapError('unreachable', `${server} has no time: ${saidBy(error)}`, { cause: error });
  if (error instanceof ResultCodeError)
    return new LdapError('refused', `${server} refuses: ${saidBy(error)} (result ${error.code})`, { cause: error });
  return new LdapError('unreachable', `${server} cannot be asked: ${messageOf(error)}`, { cause: error });
}

function saidBy(error: Error): string {
  return `${error.name}: ${error.message}`.replace(/\s+/g, ' ').slice(0, MOST_SAID);
}
