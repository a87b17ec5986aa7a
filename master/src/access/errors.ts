/** Codes of refusals by this room. */
export type AccessCode =
  | 'sign_in_needed'
  | 'bad_login'
  | 'bad_token'
  | 'bad_csrf'
  | 'denied'
  | 'too_many_attempts'
  | 'bad_account';

/** Somebody may not do what they ask for, or is not who they say. */
export class AccessError extends Error {
  readonly code: AccessCode;
  readonly fields: Readonly<Record<string, string>> | undefined;
  constructor(code: AccessCode, message: string, fields?: Readonly<Record<string, string>>) {
    super(message);
    this.name = 'AccessError';
    this.code = code;
    this.fields = fields;
  }
}
