import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket as SecureSocket, type TLSSocket } from 'node:tls';

/** Why the certificate that a connection has shown is not that of a worker; null: it is. */
export function certificateFault(socket: Socket, worker: string): string | null {
  const secure: TLSSocket | null = socket instanceof SecureSocket ? socket : null;
  const shown = secure?.getPeerX509Certificate();
  if (secure === null || shown === undefined)
    return 'it shows no certificate, which this master asks for: start the agent with --tls-cert and --tls-key';
  if (!secure.authorized)
    return `its certificate is refused (${secure.authorizationError}): one of the authority of --worker-ca is needed`;
  if (isOf(shown, worker)) return null;
  return `its certificate is of ${JSON.stringify(shown.subject.slice(0, 200))}, which is not this worker's name`;
}

/** The worker's name is the common name, or one of the DNS names as it stands there: nothing stands for several workers. */
function isOf(certificate: X509Certificate, worker: string): boolean {
  const names: unknown = certificate.toLegacyObject().subject?.CN;
  return names === worker || certificate.checkHost(worker, { subject: 'never', wildcards: false }) !== undefined;
}
