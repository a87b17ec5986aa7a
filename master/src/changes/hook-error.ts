/** Why a webhook's request was refused, and the HTTP status that says so. */
export const HOOK_STATUSES = {
  /** No code host of this name is known. */
  unknown_dialect: 404,
  /** The site declares no such webhook. */
  not_configured: 404,
  /** Not signed with any of the webhook's secrets, or not signed at all. */
  bad_signature: 401,
  /** Signed too long ago: perhaps a replay of somebody who overheard it. */
  stale: 401,
  /** No secret could be read: the master's own trouble, the host may try again. */
  secret_unavailable: 503,
  /** Longer than any code host's payload. */
  too_large: 413,
  /** Signed, but not what the host's documentation says. */
  bad_payload: 400,
  /** No such delivery is on record. */
  no_delivery: 404,
  /** Its body is not kept, so it cannot be read again. */
  body_not_kept: 409,
} as const;
export type HookErrorCode = keyof typeof HOOK_STATUSES;

/** A webhook's request was refused: nothing was stored. */
export class HookError extends Error {
  readonly code: HookErrorCode;
  constructor(code: HookErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HookError';
    this.code = code;
  }

  /** The HTTP status for it. */
  get status(): number {
    return HOOK_STATUSES[this.code];
  }
}
