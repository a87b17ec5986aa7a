import type { FastifyRequest } from 'fastify';
import { toColumn } from '../db/rows.ts';
import { callerOf } from './caller.ts';
import { idempotencyKeyOf, once } from './idempotency.ts';
import type { MasterPort } from './master-port.ts';

/** What the audit log says of an action. */
export interface Action {
  /** Who says to be behind it; else the address it came from. */
  readonly owner?: string | null | undefined;
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
  return master.core.turn(() => (key === null ? deed() : once(master.core, request, key, deed)));
}

/** Who asks: who they have been recognised as; else, where this machine may do everything, who they say they are. */
export function actorOf(request: FastifyRequest, owner: string | null | undefined): string | null {
  const { identity, name } = callerOf(request);
  if (identity.kind !== 'local') return name;
  return owner === undefined || owner === null || owner === '' ? null : owner;
}

/** Writes a line of the audit log. */
export function audit(master: MasterPort, request: FastifyRequest, action: Action): void {
  const { core } = master;
  const who = actorOf(request, action.owner) ?? request.ip;
  const detail = toColumn({ ...action.detail, from: request.ip });
  core.turn(() =>
    core.db.insert('audit', { at: core.now(), who, action: action.action, object: action.object, detail }),
  );
}
