import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { AccessError } from './errors.ts';

/** Length is what makes a password hard to guess; the longest keeps its hashing cheap. */
const LEAST_PASSWORD = 10;
const MOST_PASSWORD = 1000;
/** 2^15 rounds of 8 blocks: 32 MiB and some tenth of a second for each guess (RFC 7914; OWASP's recommendation). */
const COST = { logN: 15, r: 8, p: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Hashes made at once: each takes 32 MiB, and a thread of the four that files need, too. */
const MOST_AT_ONCE = 2;
/** Beyond these sign-ins are refused for now, not queued. */
const MOST_WAITING = 50;

interface Work {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

let running = 0;
const waiting: (() => void)[] = [];

/** `scrypt$LOGN$R$P$SALT$HASH`, so that the cost can be raised for new ones. Throws {@link AccessError}. */
export async function hashPassword(password: string): Promise<string> {
  const length = [...password].length;
  if (length < LEAST_PASSWORD || length > MOST_PASSWORD)
    throw new AccessError('bad_account', `a password has ${LEAST_PASSWORD} to ${MOST_PASSWORD} characters`);
  const salt = randomBytes(SALT_BYTES);
  const hash = await derived(password, salt, COST);
  const { logN, r, p } = COST;
  return ['scrypt', logN, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Whether it is the password. Without a `stored` one it takes as long, and is not. Throws {@link AccessError}. */
export async function isPassword(password: string, stored: string | null): Promise<boolean> {
  if (password.length > 4 * MOST_PASSWORD) return false;
  const [kind, logN, r, p, salt = '', hash = ''] = (stored ?? '').split('$');
  if (kind !== 'scrypt') {
    await derived(password, Buffer.alloc(SALT_BYTES), COST);
    return false;
  }
  const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
  const expected = Buffer.from(hash, 'base64url');
  const found = await derived(password, Buffer.from(salt, 'base64url'), cost);
  return expected.length === found.length && timingSafeEqual(expected, found);
}

async function derived(password: string, salt: Buffer, { logN, r, p }: Work): Promise<Buffer> {
  await turnToHash();
  try {
    const N = 2 ** logN;
    // The function needs a little more than the 128 * N * r bytes of its table.
    return await scrypted(password.normalize('NFKC'), salt, { N, r, p, maxmem: 256 * N * r });
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

async function turnToHash(): Promise<void> {
  if (running >= MOST_AT_ONCE) {
    if (waiting.length >= MOST_WAITING)
      throw new AccessError('too_many_attempts', 'too many people sign in at this moment; try again in a while');
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  running += 1;
}

function scrypted(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, hash) => (error === null ? resolve(hash) : reject(error)));
  });
}
