import type { Request } from '@icefall/shared';
import type { BuilderDeclaration, WorkerChoice } from '../config/builders.ts';

/** What a function of the site answered, or why there is no answer. */
export interface Answer<T> {
  /** Null: none now. */
  readonly chosen: T | null;
  readonly refusal: string | null;
}

function asked<T>(name: string, ask: () => T | null): Answer<T> {
  try {
    return { chosen: ask(), refusal: null };
  } catch (error) {
    return { chosen: null, refusal: `${name} threw: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** The pending request that the site wants next, of those that may be tried. A request that is not pending is refused. */
export function askNextRequest(builder: BuilderDeclaration, pending: readonly Request[]): Answer<Request> {
  const answer = asked('nextRequest', () => builder.nextRequest?.(pending) ?? null);
  if (answer.chosen === null || pending.some((request) => request.id === answer.chosen?.id)) return answer;
  return { chosen: null, refusal: 'nextRequest gave a request that is not pending' };
}

/**
 * The worker that takes a request: the first of the free ones that `nextWorker` and `mayStart` of the site agree to.
 * `free` is in the order of preference and not empty.
 */
export function askWorker(
  builder: BuilderDeclaration,
  free: readonly WorkerChoice[],
  request: Request,
): Answer<WorkerChoice> {
  if (builder.nextWorker === null) return firstAllowed(builder, free, request);
  const answer = asked('nextWorker', () => builder.nextWorker?.(free, request) ?? null);
  if (answer.chosen === null) return answer;
  const worker = free.find((candidate) => candidate.name === answer.chosen?.name);
  if (worker === undefined) return { chosen: null, refusal: 'nextWorker gave a worker that is not free' };
  return firstAllowed(builder, [worker], request);
}

function firstAllowed(
  builder: BuilderDeclaration,
  free: readonly WorkerChoice[],
  request: Request,
): Answer<WorkerChoice> {
  const { mayStart } = builder;
  let refusal: string | null = null;
  for (const worker of free) {
    if (mayStart === null) return { chosen: worker, refusal: null };
    const answer = asked('mayStart', () => mayStart(worker, request));
    if (answer.chosen === true) return { chosen: worker, refusal: null };
    const reason = answer.chosen ?? answer.refusal;
    refusal ??= typeof reason === 'string' && reason !== '' ? reason : 'mayStart said no';
  }
  return { chosen: null, refusal };
}
