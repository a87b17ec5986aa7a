import type { FastifyRequest } from 'fastify';
import type { Deed } from '../access/audit-log.ts';
import { AccessError } from '../access/errors.ts';
import { callerOf, knownCaller } from './caller.ts';
import { answerOfError } from './errors.ts';
import { idempotencyKeyOf, once } from './idempotency.ts';
import type { MasterPort } from './master-port.ts';

/** What the audit log says of an action. */
export interface Action {
  /** Who says to be behind it; else the address it came from. */
  readonly owner?: string | null | undefined;
  /** Whom the action itself has recognised: a sign-in. */
  readonly who?: string;
  readonly action: string;
  /** `build 17`, `worker w1`. */
  readonly object: string;
  readonly detail?: object;
}

/**
 * Does what a POST asks for: the deed, the line in the audit log, and the answer remembered for its Idempotency-Key are
 * one turn. `work` gives the answer's body.
 */
export function act<T>(master: MasterPort, request: FastifyRequest, action: Action, work: () => T): T {
  const key = idempotencyKeyOf(request);
  const deed = () => {
    const answer = work();
    audit(master, request, action);
    return answer;
  };
  try {
    return master.core.turn(() => (key === null ? deed() : once(master.core, request, key, deed)));
  } catch (error) {
    auditFailure(master, request, action, error);
    throw error;
  }
}

/** Writes into the audit log that an action was tried, and came to nothing. */
export function auditFailure(master: MasterPort, request: FastifyRequest, action: Action, error: unknown): void {
  if (error instanceof Error) recorded.add(error);
  const reason = error instanceof AccessError ? error.reason : undefined;
  const detail = reason === undefined ? action.detail : { ...action.detail, reason };
  const told = detail === undefined ? action : { ...action, detail };
  master.audit.noteRefusal(deedOf(request, told, answerOfError(error).body.error.code));
}

/** Failures that are in the audit log. */
const recorded = new WeakSet<Error>();

/** Writes into the audit log that a change was refused before it was tried. */
export function auditDenial(master: MasterPort, request: FastifyRequest, error: unknown): void {
  if (!(error instanceof AccessError) || recorded.has(error) || request.method !== 'POST') return;
  const who = knownCaller(request)?.name ?? request.ip;
  const action = request.routeOptions.config.operation ?? 'request';
  const object = request.url.split('?', 1)[0] ?? '';
  master.audit.noteRefusal({ who, origin: request.ip, action, object, result: error.code });
}

function deedOf(request: FastifyRequest, { owner, who, action, object, detail }: Action, result: string): Deed {
  return { who: who ?? actorOf(request, owner) ?? request.ip, origin: request.ip, action, object, detail, result };
}

/** Who asks: who they have been recognised as; else, where this machine may do everything, who they say they are. */
export function actorOf(request: FastifyRequest, owner: string | null | undefined): string | null {
  const { identity, name } = callerOf(request);
  if (identity.kind !== 'local') return name;
  return owner === undefined || owner === null || owner === '' ? null : owner;
}

/** Writes into the audit log what was done. */
export function audit(master: MasterPort, request: FastifyRequest, action: Action): void {
  master.audit.note(deedOf(request, action, 'ok'));
}

/** For what takes a while: the audit log is told when it is done, or why it was not. */
export async function onRecord<T>(
  master: MasterPort,
  request: FastifyRequest,
  action: Action,
  work: () => Promise<T>,
): Promise<T> {
  try {
    const result = await work();
    audit(master, request, action);
    return result;
  } catch (error) {
    auditFailure(master, request, action, error);
    throw error;
  }
}
