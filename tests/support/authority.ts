import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of a certificate, PEM. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** An authority of its own, made by `openssl`, that signs certificates for tests. */
export class TestAuthority {
  /** PEM file to trust it by. */
  readonly file: string;
  readonly #directory: string;
  readonly #key: string;

  constructor(directory: string, name = 'authority') {
    mkdirSync(directory, { recursive: true });
    this.#directory = directory;
    this.file = join(directory, `${name}.crt`);
    this.#key = join(directory, `${name}.key`);
    const constraints = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=keyCertSign,cRLSign'];
    openssl(['req', '-x509', ...NEW_KEY, '-subj', `/CN=${name}`, ...constraints, ...this.#out(name), '-days', '2']);
  }

  /** A certificate with this common name, and these other names: `IP:127.0.0.1`, `DNS:worker1`. */
  issue(name: string, others: readonly string[] = ['IP:127.0.0.1']): TestCertificate {
    const [request, extensions] = [join(this.#directory, `${name}.csr`), join(this.#directory, `${name}.ext`)];
    const certificate = join(this.#directory, `${name}.crt`);
    const key = join(this.#directory, `${name}.key`);
    openssl(['req', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', key, '-out', request]);
    writeFileSync(extensions, `basicConstraints=CA:FALSE\n${others.length === 0 ? '' : `subjectAltName=${others}\n`}`);
    const by = ['-CA', this.file, '-CAkey', this.#key, '-CAcreateserial'];
    openssl(['x509', '-req', '-in', request, ...by, '-out', certificate, '-days', '2', '-extfile', extensions]);
    return { certificate, key };
  }

  #out(name: string): string[] {
    return ['-keyout', join(this.#directory, `${name}.key`), '-out', join(this.#directory, `${name}.crt`)];
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}
