import { readFileSync } from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { Clock, Logger, Timer } from '../engine/ports.ts';

/** A renewed certificate is in force within this time; programs that renew do so weeks before the old one ends. */
export const LOOK_EVERY_MS = 60_000;

export interface CertificateFiles {
  /** PEM: the certificate, and those that lead to a known authority. */
  readonly certificate: string;
  /** PEM, without a passphrase. */
  readonly key: string;
}

/** The files hold nothing that a server could show. */
export class CertificateError extends Error {
  readonly code = 'certificate';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CertificateError';
  }
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Certificate and key of both doors, from files: read again when they are renewed, without a connection lost. */
export class Certificate {
  readonly #files: CertificateFiles;
  readonly #log: Logger;
  readonly #servers = new Set<Server>();
  #pair: Pair;
  #failure = '';
  #timer: Timer | null = null;

  /** Throws {@link CertificateError}. */
  constructor(files: CertificateFiles, log: Logger) {
    this.#files = files;
    this.#log = log;
    this.#pair = pairIn(files);
  }

  get options(): Pair {
    return this.#pair;
  }

  /** From now on a server shows what the files hold. */
  use(server: Server): void {
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
  }

  watch(clock: Clock): void {
    this.#timer = clock.after(LOOK_EVERY_MS, () => {
      this.look();
      this.watch(clock);
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Takes what the files hold now. What cannot be used is logged once; the one before stays. */
  look(): void {
    try {
      const pair = pairIn(this.#files);
      this.#failure = '';
      if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return;
      for (const server of this.#servers) server.setSecureContext(pair);
      this.#pair = pair;
      this.#log.info({ certificate: this.#files.certificate }, 'a renewed certificate is in force');
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      // Half of a renewal is a matter of a moment: the files are looked at again.
      if (error.message !== this.#failure) this.#log.error({}, `${error.message}; the one before stays in force`);
      this.#failure = error.message;
    }
  }
}

/** Throws {@link CertificateError}. */
function pairIn({ certificate, key }: CertificateFiles): Pair {
  try {
    const pair = { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
    // Refuses what is no certificate or key, and a key that is another certificate's.
    createSecureContext(pair);
    return pair;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CertificateError(`the certificate in ${certificate} and the key in ${key} cannot be used: ${why}`, {
      cause: error,
    });
  }
}
