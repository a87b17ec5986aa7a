import { timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Access, Caller, Credentials } from '../access/access.ts';
import { AccessError } from '../access/errors.ts';
import { LONGEST_SESSION_MS } from '../access/sessions.ts';
import { isLoopback } from './security.ts';

/** What a page shows beside its cookie, with whatever changes something. */
export const CSRF_HEADER = 'x-icefall-csrf';
/** What proxies tell of whom they ask for. */
const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

const callers = new WeakMap<FastifyRequest, Caller>();

/** Who sent a request: known from its first hook on. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error(`nobody has looked who sent ${request.method} ${request.url}`);
  return caller;
}

/** The same, of a request that may have been refused before that. */
export function knownCaller(request: FastifyRequest): Caller | null {
  return callers.get(request) ?? null;
}

/** Finds out who sends a request, and refuses a change that a page elsewhere has made their browser send. */
export function recognise(access: Access, request: FastifyRequest, reply: FastifyReply): Caller {
  const caller = access.callerOf(credentialsOf(request));
  callers.set(request, caller);
  if (caller.rotated !== null) setCookie(request, reply, caller.rotated);
  const isChange = request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS';
  if (caller.session !== null && isChange && !isSame(request.headers[CSRF_HEADER], caller.session.csrf))
    throw new AccessError('bad_csrf', `the header ${CSRF_HEADER} does not belong to this session; load the page again`);
  return caller;
}

function credentialsOf(request: FastifyRequest): Credentials {
  return {
    address: request.ip,
    isLocal: isLocal(request),
    authorization: request.headers.authorization,
    cookie: cookieOf(request),
  };
}

/** Whether a request comes from this machine by itself: not through a proxy that may let everybody in. */
export function isLocal(request: FastifyRequest): boolean {
  const address = request.socket.remoteAddress ?? '';
  return isLoopback(address.replace(/^::ffff:/i, '')) && !FORWARDING.some((header) => header in request.headers);
}

/** The prefix has browsers take it over TLS only, for this host only (RFC 6265bis, section 4.1.3). */
function cookieName({ protocol }: FastifyRequest): string {
  return protocol === 'https' ? '__Host-icefall_session' : 'icefall_session';
}

function cookieOf(request: FastifyRequest): string | undefined {
  const name = cookieName(request);
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** Gives the browser the session's secret, or (null) takes it away. */
export function setCookie(request: FastifyRequest, reply: FastifyReply, secret: string | null): void {
  const age = secret === null ? 0 : Math.floor(LONGEST_SESSION_MS / 1000);
  const secure = request.protocol === 'https' ? '; Secure' : '';
  reply.header(
    'set-cookie',
    `${cookieName(request)}=${secret ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${secure}`,
  );
}

function isSame(shown: string | string[] | undefined, expected: string): boolean {
  const [a, b] = [Buffer.from(String(shown ?? '')), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
