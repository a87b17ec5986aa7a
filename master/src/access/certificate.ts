import { X509Certificate } from 'node:crypto';
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
  /** PEM: the authority whose certificates workers must show; without it they show none. */
  readonly workerAuthority?: string;
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

/** What the files hold. */
interface Held extends Pair {
  readonly workerAuthority: string | null;
}

/** People do not show certificates; workers do, where the master asks them to. */
type DoorName = 'page' | 'workers';

interface DoorOptions extends Pair {
  readonly ca?: string;
  readonly requestCert?: true;
  readonly rejectUnauthorized?: false;
}

/** Certificate and key of both doors, from files: read again when they are renewed, without a connection lost. */
export class Certificate {
  readonly #files: CertificateFiles;
  readonly #log: Logger;
  readonly #servers = new Map<Server, DoorName>();
  #held: Held;
  #failure = '';
  #timer: Timer | null = null;

  /** Throws {@link CertificateError}. */
  constructor(files: CertificateFiles, log: Logger) {
    this.#files = files;
    this.#log = log;
    this.#held = contentOf(files);
  }

  /** Whether workers must show a certificate of their own. */
  get asksWorkers(): boolean {
    return this.#held.workerAuthority !== null;
  }

  optionsOf(door: DoorName): DoorOptions {
    const { cert, key, workerAuthority } = this.#held;
    if (door === 'page' || workerAuthority === null) return { cert, key };
    // Who shows a bad one is let in as far as to be told so, see workers/worker-certificate.ts.
    return { cert, key, ca: workerAuthority, requestCert: true, rejectUnauthorized: false };
  }

  /** From now on a server shows what the files hold. */
  use(server: Server, door: DoorName): void {
    this.#servers.set(server, door);
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
      const [held, before] = [contentOf(this.#files), this.#held];
      this.#failure = '';
      const isSame = held.cert === before.cert && held.key === before.key;
      if (isSame && held.workerAuthority === before.workerAuthority) return;
      this.#held = held;
      for (const [server, door] of this.#servers) server.setSecureContext(this.optionsOf(door));
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
function contentOf({ certificate, key, workerAuthority }: CertificateFiles): Held {
  const pair = usable(`the certificate in ${certificate} and the key in ${key}`, () => {
    const read = { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
    // Refuses what is no certificate or key, and a key that is another certificate's.
    createSecureContext(read);
    return read;
  });
  if (workerAuthority === undefined) return { ...pair, workerAuthority: null };
  const authority = usable(`the authority of workers in ${workerAuthority}`, () => {
    const text = readFileSync(workerAuthority, 'utf8');
    // What is no certificate would be left out in silence.
    new X509Certificate(text);
    return text;
  });
  return { ...pair, workerAuthority: authority };
}

function usable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CertificateError(`${what} cannot be used: ${why}`, { cause: error });
  }
}
