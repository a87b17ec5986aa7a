import { createHmac } from 'node:crypto';
import { GatewayError } from './errors.ts';

/** What a publisher shares with the gateway. */
export interface GatewayKey {
  readonly id: string;
  readonly secret: string;
}

/**
 * Reads a key file, `plain_text KEY_ID SECRET` (CernVM-FS technical documentation, "CernVM-FS Repository Gateway and
 * Publishers"); as with the gateway, only its first line counts. Throws `usage`; the secret is in no message.
 */
export function readKey(text: string, what: string): GatewayKey {
  const [kind, id, secret, ...more] = (text.trim().split('\n')[0] ?? '').trim().split(/\s+/);
  if (kind !== 'plain_text' || id === undefined || secret === undefined || more.length > 0)
    throw new GatewayError('usage', `${what} is no key of a gateway: it must hold "plain_text KEY_ID SECRET"`);
  return { id, secret };
}

/** The header `Authorization`: the key's id, and the hexadecimal HMAC-SHA-1 of the message, in base64. */
export function authorization({ id, secret }: GatewayKey, message: string): string {
  const mac = createHmac('sha1', secret).update(message).digest('hex');
  return `${id} ${Buffer.from(mac).toString('base64')}`;
}
