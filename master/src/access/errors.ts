/** Codes of refusals by this room. */
export type AccessCode =
  | 'sign_in_needed'
  | 'bad_login'
  | 'sign_in_unavailable'
  | 'sign_in_expired'
  | 'sign_in_cancelled'
  | 'bad_token'
  | 'bad_csrf'
  | 'denied'
  | 'too_many_attempts'
  | 'bad_account';

/** Somebody may not do what they ask for, or is not who they say. */
export class AccessError extends Error {
  readonly code: AccessCode;
  /** What the audit log is told besides, and whoever is refused is not. */
  readonly reason: string | undefined;
  constructor(code: AccessCode, message: string, reason?: string) {
    super(message);
    this.name = 'AccessError';
    this.code = code;
    this.reason = reason;
  }
}

/** The same for a name that nobody has, a wrong password, and whoever is kept out. */
export function notLetIn(reason?: string): AccessError {
  return new AccessError('bad_login', 'the name or the password is wrong', reason);
}
