import type { Told } from '../identity.ts';

/** What a browser keeps, sealed, while its person is at a provider. */
export interface Kept {
  /** What the provider's answer must show to be one to our question. */
  readonly state: string;
  /** What its word on the person must hold, so that it is no older one. */
  readonly nonce: string;
  /** Who asked, by PKCE (RFC 7636): a code that somebody else has got hold of is of no use. */
  readonly verifier: string;
}

/** Where people sign in with their browser, and what is told of them there. */
export interface Provider {
  /** Where a person goes; `returnTo` is the address that the provider sends them back to. Throws {@link ProviderError}. */
  address(kept: Kept, returnTo: string): Promise<string>;
  /** Who came back, by the address with which they did. Throws {@link ProviderError}. */
  recognise(kept: Kept, cameBack: URL): Promise<Told>;
  /** Where a person goes to sign out there, too; null: nowhere. Throws {@link ProviderError}. */
  endAddress(returnTo: string): Promise<string | null>;
}

/**
 * | code          | what it is                                                     |
 * | ------------- | -------------------------------------------------------------- |
 * | `cancelled`   | the person, or the provider, did not want to                   |
 * | `bad_answer`  | what came back does not belong to a question of ours           |
 * | `not_let_in`  | the provider knows them; the site does not let them in         |
 * | `unavailable` | the provider cannot be asked, or answers what it should not    |
 */
export type ProviderCode = 'cancelled' | 'bad_answer' | 'not_let_in' | 'unavailable';

/** For the operator: whoever tries to sign in hears less. */
export class ProviderError extends Error {
  readonly code: ProviderCode;
  constructor(code: ProviderCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProviderError';
    this.code = code;
  }
}

/** A provider is given so long for each of its answers. */
export const ANSWER_LIMIT_MS = 10_000;

/** The domain of a mail address is one of these. */
export function isOfDomain(mail: string | null, domains: readonly string[]): boolean {
  return mail !== null && domains.includes(mail.split('@').at(-1)?.toLowerCase() ?? '');
}
