import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isLoopback } from '../access/loopback.ts';
import { HttpProblem } from './errors.ts';

/** On every answer: the page needs nothing from elsewhere, nothing inline, and nobody frames it. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** Whoever has come by TLS once does so for a year, whatever a link or somebody in between says. Seconds. */
const HSTS_S = 365 * 86_400;

export interface Doorway {
  /** The address that is listened on. */
  readonly host: string;
  /** Of the site, as people reach it; may change with its configuration. */
  siteUrl(): string | null;
}

/**
 * Guards every request before its body is read.
 *
 * A page elsewhere can make a browser on this machine talk to us: under a name of its own that resolves to loopback
 * (DNS rebinding), which the Host header tells, or by posting a form, which Origin and Sec-Fetch-Site tell. Programs
 * send neither of the latter.
 */
export function guard(app: FastifyInstance, doorway: Doorway): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    if (request.protocol === 'https') reply.header('strict-transport-security', `max-age=${HSTS_S}`);
    checkHost(request, doorway);
    if (request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS')
      checkOrigin(request, doorway);
  });
}

function checkHost(request: FastifyRequest, doorway: Doorway): void {
  if (!isLoopback(doorway.host)) return;
  const host = request.headers.host ?? '';
  const name = hostOf(`http://${host}`)?.hostname ?? '';
  if (isLoopback(name) || isSiteHost(host, doorway)) return;
  throw new HttpProblem(
    'foreign_host',
    `this master listens on ${doorway.host} only and does not answer for ${JSON.stringify(host.slice(0, 200))}; declare that address as the site's url`,
  );
}

function checkOrigin(request: FastifyRequest, doorway: Doorway): void {
  const { origin, host = '' } = request.headers;
  const fetchSite = request.headers['sec-fetch-site'];
  if (origin !== undefined) {
    const from = hostOf(origin)?.host;
    if (from !== undefined && from !== '' && (from === host.toLowerCase() || isSiteHost(from, doorway))) return;
    throw new HttpProblem(
      'foreign_origin',
      `a page of ${JSON.stringify(origin.slice(0, 200))} may not change anything here`,
    );
  }
  if (fetchSite === 'cross-site' || fetchSite === 'same-site')
    throw new HttpProblem('foreign_origin', 'a page of another site may not change anything here');
}

function isSiteHost(host: string, doorway: Doorway): boolean {
  const url = doorway.siteUrl();
  return url !== null && hostOf(url)?.host === host.toLowerCase();
}

function hostOf(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null;
}
