/** Why a directory has not recognised somebody: about them, or about the directory and what the site says of it. */
export type LdapCode =
  | 'no_entry'
  | 'several_entries'
  | 'wrong_password'
  | 'bad_name'
  | 'unreachable'
  | 'untrusted'
  | 'refused'
  | 'misconfigured';

const OF_PERSON: readonly LdapCode[] = ['no_entry', 'several_entries', 'wrong_password', 'bad_name'];

/** For the operator: whoever tries to sign in hears less. */
export class LdapError extends Error {
  readonly code: LdapCode;
  constructor(code: LdapCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LdapError';
    this.code = code;
  }

  /** Another server of the same directory may do better. */
  get isOfServer(): boolean {
    return this.code === 'unreachable' || this.code === 'untrusted';
  }

  /** It is about whoever tries to sign in, who hears no more than that they may not; else nobody can sign in. */
  get isOfPerson(): boolean {
    return OF_PERSON.includes(this.code);
  }
}
