import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Core } from '../engine/core.ts';
import { callerOf } from './caller.ts';
import { HttpProblem } from './errors.ts';

/** Answers remembered. A client tries again within minutes; this is days of a busy site. */
export const MOST_REMEMBERED = 10_000;
const LONGEST_KEY = 200;

/** The request's Idempotency-Key, or null. Throws {@link HttpProblem} for one that is too long. */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined || key === '') return null;
  if (typeof key !== 'string' || key.length > LONGEST_KEY)
    throw new HttpProblem('bad_request', `the header Idempotency-Key must be one of at most ${LONGEST_KEY} characters`);
  return key;
}

/**
 * Does `work` once for each key: the answer is stored in the turn that did it, and given again. Inside a turn. Throws
 * {@link HttpProblem} where the key came with another request before.
 */
export function once<T>(core: Core, request: FastifyRequest, key: string, work: () => T): T {
  const hash = createHash('sha256')
    .update(JSON.stringify([request.method, request.url, request.body ?? null, callerOf(request).name]))
    .digest('base64');
  const known = core.db.one<{ request: string; answer: string }>(
    'SELECT request, answer FROM idempotency WHERE key = ?',
    key,
  );
  if (known !== null) {
    if (known.request === hash) return JSON.parse(known.answer);
    throw new HttpProblem(
      'idempotency_key_reused',
      'this Idempotency-Key came with another request before; make a new one',
    );
  }
  const answer = work();
  const id = core.db.insert('idempotency', { key, request: hash, answer: JSON.stringify(answer), at: core.now() });
  core.db.run('DELETE FROM idempotency WHERE id <= ?', id - MOST_REMEMBERED);
  return answer;
}
