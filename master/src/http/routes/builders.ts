import { builderSchema, buildSchema } from '@icefall/shared';
import { z } from 'zod';
import { ActionError } from '../master-port.ts';
import { idParam, nameParam, route } from '../route.ts';

export const builderRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/builders',
    name: 'listBuilders',
    access: { may: 'view', seen: true },
    summary: "All builders, in the site's order",
    tag: 'builders',
    answer: { json: z.object({ builders: z.array(builderSchema) }) },
    handle: ({ door, caller }) => ({ builders: caller.sight.only('builder', door.views.builders.all()) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/builders/:name',
    name: 'getBuilder',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.builder(params.name) },
    summary: 'One builder',
    tag: 'builders',
    params: z.object({ name: nameParam }),
    answer: { json: builderSchema },
    refusals: ['not_found'],
    handle: ({ door, params }) => found(door.views.builders.builder(params.name), `builder "${params.name}"`),
  }),
  route({
    method: 'GET',
    path: '/api/v1/builders/:name/builds/:number',
    name: 'getBuildByNumber',
    access: { may: 'view', of: ({ door, params: { name, number } }) => door.access.owners.buildOf(name, number) },
    summary: "One build, by its builder's count",
    tag: 'builders',
    params: z.object({ name: nameParam, number: idParam }),
    answer: { json: buildSchema },
    refusals: ['not_found'],
    handle: ({ door, params: { name, number } }) =>
      found(door.views.builds.byNumber(name, number), `build ${number} of builder "${name}"`),
  }),
];

/** What was asked for. Throws {@link ActionError} where there is none. */
export function found<T>(thing: T | null, what: string): T {
  if (thing === null) throw new ActionError('not_found', `there is no ${what}`);
  return thing;
}
