import { createHmac } from 'node:crypto';
import type { WebhookReporter } from '../config/reporters.ts';
import type { Report } from './report.ts';
import type { Post } from './transport.ts';

/** How a delivery is signed. */
export interface Signing {
  readonly secret: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * The request that tells another program of a build: the build as the API has it. It is signed as the master's own
 * webhook `generic` wants it: HMAC-SHA-256 of the time in seconds, a dot and the body, so that nobody can send it again later.
 */
export function webhookPost(
  { name, url }: WebhookReporter,
  { build, moment, previous, site, url: pageUrl }: Report,
  { secret, now }: Signing,
): Post {
  const payload = { event: `build.${moment}`, site, url: pageUrl, previousResult: previous, build };
  const body = JSON.stringify(payload);
  const seconds = Math.floor(now / 1000);
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return {
    via: 'http',
    url,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'icefall',
      'x-icefall-event': payload.event,
      'x-icefall-delivery': `${name}-${build.id}-${moment}`,
      'x-icefall-timestamp': String(seconds),
      'x-icefall-signature': `sha256=${signature}`,
    },
    body,
  };
}
