import { timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller, Credentials } from '../access/access.ts';
import { AccessError } from '../access/errors.ts';
import type { Person } from '../access/identity.ts';
import { LONGEST_VISIT_MS } from '../access/providers/visits.ts';
import { isFromHere, isProxy } from '../access/proxies.ts';
import { LONGEST_SESSION_MS } from '../access/sessions.ts';
import type { AccessDeclaration } from '../config/access.ts';
import type { Door } from './door.ts';

/** What a page shows beside its cookie, with whatever changes something. */
const CSRF_HEADER = 'x-icefall-csrf';
/** Of a header in which a proxy tells of a person, characters. */
const LONGEST_TOLD = 2000;

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
export function recognise(door: Door, request: FastifyRequest, reply: FastifyReply): Caller {
  const proxied = proxiedPerson(door.master.config.site.access, request);
  const caller = door.access.callerOf({ ...credentialsOf(request), proxied });
  callers.set(request, caller);
  if (caller.rotated !== null) setCookie('session', request, reply, caller.rotated);
  const isChange = request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS';
  // A browser that is signed in to a proxy sends that along from everywhere; where the page is, only Origin says.
  const isByProxy = caller.identity.kind === 'person' && caller.session === null;
  if (isByProxy && isChange && request.headers.origin === undefined)
    throw new AccessError(
      'bad_csrf',
      'a change by somebody whom a proxy has signed in must come from the page; programs use tokens',
    );
  if (caller.session !== null && isChange && !isSame(request.headers[CSRF_HEADER], caller.session.csrf))
    throw new AccessError('bad_csrf', `the header ${CSRF_HEADER} does not belong to this session; load the page again`);
  return caller;
}

/** Whom a trusted proxy says to have signed in; nobody, where it is somebody else who says so. */
function proxiedPerson(access: AccessDeclaration | null, request: FastifyRequest): Person | null {
  const headers = access?.proxySignIn;
  if (headers == null || !isProxy(access, request.socket.remoteAddress)) return null;
  const told = (name: string | undefined) => {
    const value = name === undefined ? undefined : request.headers[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, LONGEST_TOLD) : null;
  };
  const user = told(headers.user);
  if (user === null) return null;
  const groups = (told(headers.groups) ?? '').split(',').map((group) => group.trim());
  return { user, mail: told(headers.mail), groups: groups.filter((group) => group !== '') };
}

function credentialsOf(request: FastifyRequest): Credentials {
  return {
    address: request.ip,
    isLocal: isFromHere(request.socket.remoteAddress, request.headers),
    authorization: request.headers.authorization,
    cookie: cookieOf('session', request),
  };
}

/** Our cookies: who has signed in; who is on their way to do so elsewhere. */
export type CookieKind = 'session' | 'visit';
/** Seconds. */
const AGES: Readonly<Record<CookieKind, number>> = {
  session: Math.floor(LONGEST_SESSION_MS / 1000),
  visit: Math.floor(LONGEST_VISIT_MS / 1000),
};

/** The prefix has browsers take it over TLS only, for this host only (RFC 6265bis, section 4.1.3). */
function cookieName(kind: CookieKind, { protocol }: FastifyRequest): string {
  return protocol === 'https' ? `__Host-icefall_${kind}` : `icefall_${kind}`;
}

export function cookieOf(kind: CookieKind, request: FastifyRequest): string | undefined {
  const name = cookieName(kind, request);
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** Gives the browser something to keep, or (null) takes it away. */
export function setCookie(kind: CookieKind, request: FastifyRequest, reply: FastifyReply, secret: string | null): void {
  const age = secret === null ? 0 : AGES[kind];
  const secure = request.protocol === 'https' ? '; Secure' : '';
  reply.header(
    'set-cookie',
    `${cookieName(kind, request)}=${secret ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${secure}`,
  );
}

function isSame(shown: string | string[] | undefined, expected: string): boolean {
  const [a, b] = [Buffer.from(String(shown ?? '')), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
