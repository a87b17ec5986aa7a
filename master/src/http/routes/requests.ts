import { buildsetSchema, REQUEST_STATES, requestSchema } from '@icefall/shared';
import { z } from 'zod';
import { act, actorOf } from '../acting.ts';
import { idParam, nameParam, pageAnswer, pageQuery, route } from '../route.ts';
import { found } from './builders.ts';
import { reasonBody } from './builds.ts';

export const requestRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/requests',
    name: 'listRequests',
    access: { may: 'view', seen: true },
    summary: 'Build requests, newest first, with what each waits for',
    tag: 'requests',
    query: z.object({
      state: z.enum(REQUEST_STATES).optional(),
      builder: nameParam.optional(),
      ...pageQuery({ usual: 200, most: 1000 }),
    }),
    answer: { json: pageAnswer('requests', requestSchema) },
    handle({ door, caller, query }) {
      const { items, next } = door.views.requests.list({ ...query, builders: caller.sight.builders });
      return { requests: items, next };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/requests/:id',
    name: 'getRequest',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.request(params.id) },
    summary: 'One build request',
    tag: 'requests',
    params: z.object({ id: idParam }),
    answer: { json: requestSchema },
    refusals: ['not_found'],
    handle: ({ door, params }) => found(door.views.requests.request(params.id), `request ${params.id}`),
  }),
  route({
    method: 'POST',
    path: '/api/v1/requests/:id/cancel',
    name: 'cancelRequest',
    access: { may: 'stop', of: ({ door, params }) => door.access.owners.request(params.id) },
    summary: 'Takes a request out of the queue',
    tag: 'requests',
    params: z.object({ id: idParam }),
    body: reasonBody,
    answer: { json: requestSchema },
    refusals: ['not_found', 'conflict'],
    handle: ({ door, params: { id }, body: { reason, owner }, request }) =>
      act(door.master, request, { owner, action: 'cancel', object: `request ${id}`, detail: { reason } }, () => {
        door.master.cancelRequest(id, reason ?? `cancelled by ${actorOf(request, owner) ?? request.ip}`);
        return found(door.views.requests.request(id), `request ${id}`);
      }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/buildsets/:id',
    name: 'getBuildset',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.buildset(params.id) },
    summary: 'What one event made of one scheduler: requests of several builders with common sources',
    tag: 'requests',
    params: z.object({ id: idParam }),
    answer: { json: buildsetSchema },
    refusals: ['not_found'],
    handle: ({ door, params }) => found(door.views.requests.buildset(params.id), `buildset ${params.id}`),
  }),
];
