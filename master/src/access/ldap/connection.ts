import { readFileSync } from 'node:fs';
import { isIP, connect as plainConnect, type Socket } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { Client } from 'ldapts';
import type { LdapDeclaration } from '../../config/sign-in.ts';
import type { Clock } from '../../engine/ports.ts';
import { LdapError } from './errors.ts';

const PORTS = { 'ldap:': 389, 'ldaps:': 636 } as const;
/** An extended request, number 1, for StartTLS (RFC 4511, section 4.14.1). */
const START_TLS = Buffer.concat([Buffer.from('301d02010177188016', 'hex'), Buffer.from('1.3.6.1.4.1.1466.20037')]);
/** An answer that is longer is not one to StartTLS. */
const MOST_ANSWER_BYTES = 4096;

/**
 * Works with one server on a connection of its own, all of it within the site's time limit. The connection is never made
 * a second time: what is sent after it broke would not be protected, nor be somebody's. Throws {@link LdapError}.
 */
export async function withServer<T>(
  ldap: LdapDeclaration,
  server: string,
  clock: Clock,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const sockets: Socket[] = [];
  const late = Promise.withResolvers<never>();
  const timer = clock.after(ldap.timeout, () => {
    late.reject(new LdapError('unreachable', `${server} did not answer within ${ldap.timeout / 1000} s`));
    for (const socket of sockets) socket.destroy();
  });
  try {
    return await Promise.race([worked(ldap, server, sockets, work), late.promise]);
  } finally {
    timer.cancel();
    for (const socket of sockets) socket.destroy();
  }
}

async function worked<T>(
  ldap: LdapDeclaration,
  server: string,
  sockets: Socket[],
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const socket = await opened(ldap, server, sockets);
  let isUsed = false;
  const client = new Client({
    url: 'ldap://connected',
    createConnection: () => {
      if (isUsed) throw new LdapError('unreachable', `${server} ended the connection`);
      isUsed = true;
      return socket;
    },
  });
  return work(client);
}

/** A connection that nobody can read or change (one on this machine may be plain). */
async function opened(ldap: LdapDeclaration, server: string, sockets: Socket[]): Promise<Socket> {
  const { protocol, hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '');
  const isSecure = protocol === 'ldaps:';
  const number = port === '' ? PORTS[isSecure ? 'ldaps:' : 'ldap:'] : Number(port);
  const socket = plainConnect(number, host);
  sockets.push(socket);
  await happened(socket, 'connect', server);
  if (!isSecure && ldap.protection === 'none') return socket;
  if (!isSecure) await startTls(socket, server);
  const secure = tlsConnect({ socket, host, ...(isIP(host) === 0 ? { servername: host } : {}), ...authorityOf(ldap) });
  sockets.push(secure);
  await happened(secure, 'secureConnect', server);
  return secure;
}

/** Read for each connection: a renewed one is in force at once. */
function authorityOf({ ca }: LdapDeclaration): { ca?: string } {
  if (ca === undefined) return {};
  try {
    return { ca: readFileSync(ca, 'utf8') };
  } catch (error) {
    throw new LdapError('misconfigured', `access.signIn.ldap.ca cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function happened(socket: Socket | TLSSocket, event: 'connect' | 'secureConnect', server: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(connectionError(error, event, server));
    socket.once('error', failed);
    socket.once('close', () => reject(new LdapError('unreachable', `${server} ended the connection`)));
    socket.once(event, () => {
      socket.off('error', failed);
      // From here on whoever reads it is told by the end of the connection.
      socket.on('error', () => {});
      resolve();
    });
  });
}

function connectionError(error: Error, event: 'connect' | 'secureConnect', server: string): LdapError {
  const cause = { cause: error };
  if (event === 'connect') return new LdapError('unreachable', `${server} cannot be reached: ${error.message}`, cause);
  const remedy =
    'name the authority of its certificate in access.signIn.ldap.ca, and the server as the certificate does';
  return new LdapError('untrusted', `${server} is not believed to be itself: ${error.message}; ${remedy}`, cause);
}

/**
 * Asks for TLS, and refuses anything that was sent in front of it: what somebody in between slips in there would be read
 * as if it had come protected.
 */
async function startTls(socket: Socket, server: string): Promise<void> {
  let answer = Buffer.alloc(0);
  const done = Promise.withResolvers<void>();
  const refused = (why: string) => done.reject(new LdapError('untrusted', `${server} does not start TLS: ${why}`));
  const read = (piece: Buffer) => {
    answer = Buffer.concat([answer, piece]);
    const length = messageLength(answer);
    if (length > MOST_ANSWER_BYTES || answer.length > Math.max(length, MOST_ANSWER_BYTES))
      refused('its answer is none');
    else if (length > 0 && answer.length > length) refused('more came than its answer');
    else if (length > 0 && answer.length === length)
      isSuccess(answer) ? done.resolve() : refused('give its ldaps:// address, or have it set up there');
  };
  const closed = () => refused('it ended the connection');
  socket.on('data', read).once('close', closed);
  socket.write(START_TLS);
  try {
    await done.promise;
  } finally {
    socket.off('data', read).off('close', closed);
  }
}

/** Of a message in BER, with its head; 0: not known yet; infinite: it is none. */
function messageLength(message: Buffer): number {
  const [tag, first] = message;
  if (tag !== undefined && tag !== 0x30) return Number.POSITIVE_INFINITY;
  if (first === undefined) return 0;
  if (first < 0x80) return first + 2;
  const count = first & 0x7f;
  if (count === 0 || count > 4) return Number.POSITIVE_INFINITY;
  return message.length < 2 + count ? 0 : message.readUIntBE(2, count) + 2 + count;
}

/** Whether it is an extended response to request 1 with the result 0. */
function isSuccess(message: Buffer): boolean {
  const head = (message[1] ?? 0) < 0x80 ? 2 : 2 + ((message[1] ?? 0) & 0x7f);
  const [idTag, idLength, id, tag, ...rest] = message.subarray(head);
  if (idTag !== 2 || idLength !== 1 || id !== 1 || tag !== 0x78) return false;
  const skipped = (rest[0] ?? 0) < 0x80 ? 1 : 1 + ((rest[0] ?? 0) & 0x7f);
  const [resultTag, resultLength, result] = rest.slice(skipped);
  return resultTag === 0x0a && resultLength === 1 && result === 0;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
