import { lockSchema, lockUseSchema } from '@icefall/shared';
import { z } from 'zod';
import { act } from '../acting.ts';
import { ActionError } from '../master-port.ts';
import { nameParam, route, sinceQuery } from '../route.ts';

/** What whoever releases a lock by force has to know before. */
const DANGER =
  'what the build runs may go on beside the next holder until it has been ended, so the lock does not protect it any more; the build is stopped and its clean-up is not run. Stop the build instead where its worker answers; else ask again with "force": true';

export const lockRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/locks',
    name: 'listLocks',
    access: { may: 'view', seen: true },
    summary: 'All locks with who holds them and who waits; a worker lock is one for each worker',
    tag: 'locks',
    answer: { json: z.object({ locks: z.array(lockSchema) }) },
    handle: ({ door, caller }) => ({ locks: caller.sight.only('lock', door.views.locks.all()) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/lock-uses',
    name: 'listLockUses',
    access: { may: 'view', seen: true },
    summary: 'Uses of locks that are over, oldest first; the newest of each lock are kept',
    tag: 'locks',
    query: z.object({ since: sinceQuery }),
    answer: { json: z.object({ uses: z.array(lockUseSchema) }) },
    handle({ door, caller, query }) {
      const seen = new Set(caller.sight.only('lock', door.views.locks.all()).map(({ name }) => name));
      return { uses: door.views.history.lockUses(query.since).filter(({ lock }) => seen.has(lock)) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/locks/:name/release',
    name: 'releaseLock',
    access: { may: 'releaseLock' },
    summary: 'Takes a lock from its holder by force, whose build is stopped without clean-up',
    tag: 'locks',
    params: z.object({ name: nameParam }),
    body: z.object({
      buildId: z.number().int().positive().describe('of the build that holds it, itself or by a step'),
      stepNumber: z.number().int().min(0).nullable().optional().describe('null: the whole build holds it'),
      reason: z.string().min(1).max(1000),
      force: z.boolean().optional().describe('that its danger is known: without it the request is refused'),
      owner: z.string().max(200).optional(),
    }),
    answer: { json: z.object({ lock: lockSchema, fence: z.number().int().describe('of the grant that ended') }) },
    refusals: ['conflict'],
    handle({ door, params: { name }, body, request }) {
      const { buildId, stepNumber = null, reason, force = false, owner } = body;
      if (!force) throw new ActionError('conflict', `lock "${name}" can be released by force only: ${DANGER}`);
      const detail: { fence?: number } & Record<string, unknown> = { buildId, stepNumber, reason };
      return act(door.master, request, { owner, action: 'release', object: `lock ${name}`, detail }, () => {
        detail.fence = door.master.releaseLock(name, { buildId, stepNumber }, reason);
        return { lock: door.views.locks.lock(name), fence: detail.fence };
      });
    },
  }),
];
