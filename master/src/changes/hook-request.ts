import type { HookHeaders } from './webhook-push.ts';

/** A delivery as it came. */
export interface HookRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Its bytes are what was signed. */
  readonly body: Buffer;
  /** The connection's other end: a webhook without secrets takes requests of this machine only. */
  readonly remoteAddress: string | null;
  /** Who sent it, as proxies that the site believes say; for the record. */
  readonly origin: string | null;
}

/** Names of headers in the form in which they are looked up. */
export function lowerCased(headers: HookRequest['headers']): HookHeaders {
  return Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]));
}

/** The payload: JSON, or a form whose field `payload` is JSON. */
export function payloadOf(contentType: string | null, body: Buffer): unknown {
  const text = body.toString('utf8');
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType ?? '');
  return JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text);
}
