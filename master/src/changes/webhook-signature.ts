import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Whether `signature` is the HMAC-SHA-256 of the body, in hexadecimal. Takes the same time wherever they differ. */
export function isSignedWith(secret: string, body: Buffer, signature: string): boolean {
  if (!/^[0-9a-f]{64}$/i.test(signature)) return false;
  return timingSafeEqual(createHmac('sha256', secret).update(body).digest(), Buffer.from(signature, 'hex'));
}

/** Whether two texts are the same. Takes the same time wherever they differ, and whatever their lengths. */
export function isSameSecret(secret: string, shown: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(secret), digest(shown));
}
