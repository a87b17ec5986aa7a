import { buildsetSchema, forcePreviewSchema, forceRequestSchema, schedulerSchema } from '@icefall/shared';
import { z } from 'zod';
import { act } from '../acting.ts';
import { callerOf } from '../caller.ts';
import type { Door } from '../door.ts';
import { mustHaveRoom } from '../queue-room.ts';
import { nameParam, route } from '../route.ts';
import { found } from './builders.ts';
import { reasonBody } from './builds.ts';

const params = z.object({ name: nameParam });

export const schedulerRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/schedulers',
    name: 'listSchedulers',
    access: { may: 'view', seen: true },
    summary: "All schedulers, in the site's order, with the forms of those that people start",
    tag: 'schedulers',
    answer: { json: z.object({ schedulers: z.array(schedulerSchema) }) },
    handle: ({ door, caller }) => ({ schedulers: caller.sight.only('scheduler', door.views.schedulers()) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/schedulers/:name/enable',
    name: 'enableScheduler',
    access: { may: 'switchScheduler' },
    summary: 'Switches a scheduler on or off',
    tag: 'schedulers',
    params,
    body: z.object({ enabled: z.boolean(), owner: z.string().max(200).optional() }),
    answer: { json: schedulerSchema },
    refusals: ['no_scheduler'],
    handle: ({ door, params: { name }, body: { enabled, owner }, request }) =>
      act(door.master, request, { owner, action: enabled ? 'enable' : 'disable', object: `scheduler ${name}` }, () => {
        door.master.schedulers.setEnabled(name, enabled);
        return found(door.master.schedulers.view(name), `scheduler "${name}"`);
      }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/schedulers/:name/force',
    name: 'force',
    access: { may: 'force', of: ({ door, params, body }) => door.access.owners.scheduler(params.name, body.builders) },
    summary: 'Starts a force scheduler with a filled-in form',
    tag: 'schedulers',
    params,
    body: forceRequestSchema,
    answer: { json: z.object({ buildset: buildsetSchema }) },
    refusals: ['no_scheduler', 'wrong_kind', 'scheduler_disabled', 'bad_form', 'bad_properties', 'queue_full'],
    handle: ({ door, params: { name }, body, request }) => {
      const { owner, reason, builders } = body;
      const action = { owner, action: 'force', object: `scheduler ${name}`, detail: { reason, builders } };
      return act(door.master, request, action, () => {
        mustHaveRoom(door, door.access.owners.scheduler(name, builders));
        const { buildsetId } = door.master.schedulers.force(name, body, callerOf(request).name);
        return { buildset: buildsetOf(door, buildsetId) };
      });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/schedulers/:name/preview',
    name: 'previewForce',
    access: { may: 'force', of: ({ door, params, body }) => door.access.owners.scheduler(params.name, body.builders) },
    summary: 'Tells what a filled-in form would start, and what that would wait for now; starts nothing',
    tag: 'schedulers',
    params,
    body: forceRequestSchema,
    answer: { json: forcePreviewSchema },
    refusals: ['no_scheduler', 'wrong_kind', 'scheduler_disabled', 'bad_properties'],
    handle: ({ door, params: { name }, body, request }) => door.master.previewForce(name, body, callerOf(request).name),
  }),
  route({
    method: 'POST',
    path: '/api/v1/schedulers/:name/run',
    name: 'runScheduler',
    access: { may: 'force', of: ({ door, params }) => door.access.owners.scheduler(params.name) },
    summary: 'Starts now what changes or the clock would start later',
    tag: 'schedulers',
    params,
    body: reasonBody.pick({ owner: true }),
    answer: { json: z.object({ buildsets: z.array(buildsetSchema) }) },
    refusals: ['no_scheduler', 'wrong_kind', 'scheduler_disabled', 'bad_properties', 'queue_full'],
    handle: ({ door, params: { name }, body: { owner }, request }) =>
      act(door.master, request, { owner, action: 'run', object: `scheduler ${name}` }, () => {
        mustHaveRoom(door, door.access.owners.scheduler(name));
        const started = door.master.schedulers.runNow(name);
        return { buildsets: started.map(({ buildsetId }) => buildsetOf(door, buildsetId)) };
      }),
  }),
];

function buildsetOf(door: Door, id: number) {
  return found(door.views.requests.buildset(id), `buildset ${id}`);
}
