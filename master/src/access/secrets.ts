import { createHash, randomBytes } from 'node:crypto';

/** 256 bits: nobody guesses one, so its hash needs no salt and no work. */
const SECRET_BYTES = 32;

export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** What is stored of a secret that we have made ourselves. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
