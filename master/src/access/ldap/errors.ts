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

  /** Whoever tries to sign in is not who they say, or is not let in; else the directory is to blame, or the site. */
  get isOfPerson(): boolean {
    return this.code === 'no_entry' || this.code === 'wrong_password';
  }
}
