import { changeSchema, sendChangeSchema } from '@icefall/shared';
import { z } from 'zod';
import { fromSendChange } from '../../changes/new-change.ts';
import { act } from '../acting.ts';
import { MOST_CHANGE_BYTES } from '../body.ts';
import { idParam, pageAnswer, pageQuery, route } from '../route.ts';
import { found } from './builders.ts';

export const changeRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/changes',
    name: 'listChanges',
    access: { may: 'view', seen: true },
    summary: 'Pushes, newest first',
    tag: 'changes',
    query: z.object(pageQuery({ usual: 50, most: 500 })),
    answer: { json: pageAnswer('changes', changeSchema) },
    handle({ door, caller, query }) {
      const { items, next } = door.views.changes(query);
      return { changes: caller.sight.only('change', items), next };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/changes/:id',
    name: 'getChange',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.change(params.id) },
    summary: 'One push with its commits',
    tag: 'changes',
    params: z.object({ id: idParam }),
    answer: { json: changeSchema },
    refusals: ['not_found'],
    handle: ({ door, params }) => found(door.views.change(params.id), `change ${params.id}`),
  }),
  route({
    method: 'POST',
    path: '/api/v1/changes',
    name: 'sendChange',
    access: { may: 'sendChange' },
    summary:
      'Tells of a push. The same `deliveryId`, or the same push told by a poller, gives the change that is there',
    tag: 'changes',
    body: sendChangeSchema,
    maxBodyBytes: MOST_CHANGE_BYTES,
    answer: { json: changeSchema },
    refusals: ['bad_change'],
    handle: ({ door, body, request }) =>
      act(door.master, request, { action: 'sendchange', object: body.repository, detail: whatOf(body) }, () => {
        const { changeId } = door.master.changes.add(fromSendChange(body));
        return found(door.views.change(changeId), `change ${changeId}`);
      }),
  }),
];

function whatOf({ branch, revision, author, deliveryId }: z.output<typeof sendChangeSchema>): object {
  return { branch, revision, author, deliveryId };
}
