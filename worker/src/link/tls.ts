import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { Failure, messageOf } from '../failure.ts';
import type { Logger } from '../logger.ts';

/** Where the worker's own certificate is, and the authority of the master's; absolute, PEM. Null: none. */
export interface TlsFiles {
  readonly certificate: string | null;
  readonly key: string | null;
  readonly authority: string | null;
}

/** As `node:tls` takes them. */
interface TlsOptions {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
}

/** What is shown to the master, and by what it is believed: read again for each connection, so that what is renewed is in force. */
export class Tls {
  readonly #files: TlsFiles;
  readonly #logger: Logger;
  #last: TlsOptions;

  /** Throws {@link Failure} `usage`. */
  constructor(files: TlsFiles, logger: Logger) {
    this.#files = files;
    this.#logger = logger;
    this.#last = contentOf(files);
  }

  /** What the files hold; while they cannot be used (half of a renewal), what they held before. */
  options(): TlsOptions {
    try {
      this.#last = contentOf(this.#files);
    } catch (error) {
      this.#logger.warn(`${messageOf(error)}; what was there before is used`);
    }
    return this.#last;
  }
}

function contentOf({ certificate, key, authority }: TlsFiles): TlsOptions {
  if (certificate === null && key === null && authority === null) return {};
  try {
    const options = {
      ...(certificate === null ? {} : { cert: readFileSync(certificate, 'utf8') }),
      ...(key === null ? {} : { key: readFileSync(key, 'utf8') }),
      ...(authority === null ? {} : { ca: readFileSync(authority, 'utf8') }),
    };
    // Refuses what is no certificate or key, and a key that is another certificate's.
    createSecureContext(options);
    return options;
  } catch (error) {
    const named = [certificate, key, authority].filter((file) => file !== null).join(', ');
    throw new Failure('usage', `the files for TLS (${named}) cannot be used: ${messageOf(error)}`);
  }
}
