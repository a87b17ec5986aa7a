import type { MailReporter } from '../config/reporters.ts';

/** A mail as it goes out. */
export interface Mail {
  readonly via: 'mail';
  readonly server: Omit<MailReporter['server'], 'password'>;
  readonly password: string | null;
  readonly from: { readonly name: string; readonly address: string };
  readonly to: readonly string[];
  /** One line. */
  readonly subject: string;
  readonly text: string;
  /** The same however often it is sent, so that a mail program shows it once. */
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A request to another program. */
export interface Post {
  readonly via: 'http';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** An answer of 400 that holds this means that it was told before. */
  readonly toldBefore?: string;
}

export type Letter = Mail | Post;

/**
 * Why a letter has not arrived: `refused`, and would be again; `failed`, which may be this letter's own fault or not; or
 * nothing gets through (`down`): nobody answers, or what the site says of the server is wrong.
 */
export class DeliveryError extends Error {
  readonly code: 'refused' | 'failed' | 'down';
  constructor(code: DeliveryError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DeliveryError';
    this.code = code;
  }
}

/** The way out of the master. */
export interface Transport {
  /** Gives what is worth knowing of a letter that has arrived (who was refused), or null. Throws {@link DeliveryError}. */
  deliver(letter: Letter, signal: AbortSignal): Promise<string | null>;
}
