import { BUILD_STATES, buildSchema, buildsetSchema, RESULTS } from '@icefall/shared';
import { z } from 'zod';
import { act, actorOf } from '../acting.ts';
import { mustHaveRoom } from '../queue-room.ts';
import { idParam, nameParam, numberQuery, pageAnswer, pageQuery, route } from '../route.ts';
import { found } from './builders.ts';

/** Who asks for an action and why; both are for people to read. */
export const reasonBody = z.object({
  reason: z.string().max(1000).optional(),
  owner: z.string().max(200).optional(),
});

export const buildRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/builds',
    name: 'listBuilds',
    access: { may: 'view', seen: true },
    summary: 'Builds with their steps, newest first',
    tag: 'builds',
    query: z.object({
      builder: nameParam.optional(),
      worker: nameParam.optional(),
      state: z.enum(BUILD_STATES).optional(),
      result: z.enum(RESULTS).optional(),
      branch: z.string().max(500).optional().describe('of any of its source stamps'),
      ...pageQuery({ usual: 50, most: 200 }),
      after: numberQuery({ min: 0, max: Number.MAX_SAFE_INTEGER })
        .optional()
        .describe('those that follow this id, instead of those before one; `next` is then the `after` that goes on'),
      startedBefore: numberQuery({ min: 0, max: Number.MAX_SAFE_INTEGER })
        .optional()
        .describe('begins with the newest that began before this time, milliseconds since the epoch'),
    }),
    answer: { json: pageAnswer('builds', buildSchema) },
    handle({ door, caller, query }) {
      const { items, next } = door.views.builds.list({ ...query, builders: caller.sight.builders });
      return { builds: items, next };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/builds/:id',
    name: 'getBuild',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.build(params.id) },
    summary: 'One build with its steps',
    tag: 'builds',
    params: z.object({ id: idParam }),
    answer: { json: buildSchema },
    refusals: ['not_found'],
    handle: ({ door, params }) => found(door.views.builds.build(params.id), `build ${params.id}`),
  }),
  route({
    method: 'POST',
    path: '/api/v1/builds/:id/stop',
    name: 'stopBuild',
    access: { may: 'stop', of: ({ door, params }) => door.access.owners.build(params.id) },
    summary: 'Asks a running build to stop; its clean-up steps still run',
    tag: 'builds',
    params: z.object({ id: idParam }),
    body: reasonBody,
    answer: { json: z.object({}) },
    refusals: ['not_found', 'conflict'],
    handle: ({ door, params: { id }, body: { reason, owner }, request }) =>
      act(door.master, request, { owner, action: 'stop', object: `build ${id}`, detail: { reason } }, () => {
        door.master.stopBuild(id, reason ?? `stopped by ${actorOf(request, owner) ?? request.ip}`);
        return {};
      }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/builds/:id/rebuild',
    name: 'rebuild',
    access: { may: 'rebuild', of: ({ door, params }) => door.access.owners.build(params.id) },
    summary: 'Builds the same again: sources, properties and builder of a build',
    tag: 'builds',
    params: z.object({ id: idParam }),
    body: reasonBody.pick({ owner: true }),
    answer: { json: z.object({ buildset: buildsetSchema }) },
    refusals: ['not_found', 'conflict', 'queue_full'],
    handle: ({ door, params: { id }, body: { owner }, request }) =>
      act(door.master, request, { owner, action: 'rebuild', object: `build ${id}` }, () => {
        mustHaveRoom(door, door.access.owners.build(id));
        const { buildsetId } = door.master.rebuild(id, actorOf(request, owner));
        return { buildset: found(door.views.requests.buildset(buildsetId), `buildset ${buildsetId}`) };
      }),
  }),
];
