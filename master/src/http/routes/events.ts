import { z } from 'zod';
import { numberQuery, route } from '../route.ts';

export const eventRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/events',
    name: 'events',
    access: { may: 'view', seen: true },
    summary: 'What changes, as it changes',
    tag: 'master',
    query: z.object({
      after: numberQuery({ min: 0, max: Number.MAX_SAFE_INTEGER })
        .optional()
        .describe('`seq` of the last event or snapshot seen; the header Last-Event-ID wins. Default: from now on'),
    }),
    answer: {
      media: 'text/event-stream',
      description:
        'One event for each resource that changed, named by its kind, with a MasterEvent as data and its `seq` as id. ' +
        'Event `reset`: what was missed is not at hand, take a new snapshot. A comment every 15 seconds.',
    },
    refusals: ['too_many_streams'],
    handle({ door, caller, query, request, reply }) {
      let leave = () => {};
      const stream = door.sse.open(
        reply,
        caller.address,
        () => leave(),
        () => door.access.isStill(caller),
      );
      const after = lastEventId(request.headers['last-event-id']) ?? query.after ?? null;
      leave = door.stream.subscribe(after, stream, caller.sight);
    },
  }),
];

/** The id of the last event that a client got; one that is none of ours is in the future, which means `reset`. */
export function lastEventId(header: string | string[] | undefined): number | null {
  if (header === undefined || header === '') return null;
  return /^\d{1,15}$/.test(String(header)) ? Number(header) : Number.POSITIVE_INFINITY;
}
