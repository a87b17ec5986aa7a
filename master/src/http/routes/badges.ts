import type { Build, Builder } from '@icefall/shared';
import { z } from 'zod';
import { badgeOf } from '../badge.ts';
import { projectsXml } from '../cc-xml.ts';
import type { Door } from '../door.ts';
import { nameParam, route } from '../route.ts';
import { found } from './builders.ts';

/** Pages of others show these, and ask again each time. */
const HEADERS = { 'cache-control': 'no-cache', 'cross-origin-resource-policy': 'cross-origin' };

export const badgeRoutes = [
  route({
    method: 'GET',
    path: '/badges/:file',
    name: 'getBadge',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.builder(nameIn(params.file)) },
    summary: "A picture of a builder's last result; the file is the builder's name and `.svg`",
    tag: 'builders',
    params: z.object({ file: nameParam.endsWith('.svg', 'must be the name of a builder and .svg') }),
    query: z.object({
      branch: z.string().max(500).optional().describe('only builds of it'),
      label: z.string().max(100).optional().describe("default: the builder's name"),
    }),
    answer: { media: 'image/svg+xml', description: 'The badge' },
    refusals: ['not_found'],
    handle({ door, params, query: { branch, label }, reply }) {
      const name = nameIn(params.file);
      const builder = found(door.views.builders.builder(name), `builder "${name}"`);
      const last = lastOf(door, builder, branch);
      return reply
        .headers(HEADERS)
        .type('image/svg+xml; charset=utf-8')
        .send(badgeOf(label ?? builder.name, last?.result ?? null));
    },
  }),
  route({
    method: 'GET',
    path: '/cc.xml',
    name: 'getProjects',
    access: { may: 'view', seen: true },
    summary: 'All builders with their last results, as tools for the desktop and build lamps read them',
    tag: 'builders',
    answer: { media: 'application/xml', description: 'Projects in the format of CCTray' },
    handle({ door, caller, reply }) {
      const builders = caller.sight.only('builder', door.views.builders.all());
      const projects = builders.map((builder) => ({ builder, last: lastOf(door, builder) }));
      const xml = projectsXml(projects, door.views.status().url);
      return reply.headers(HEADERS).type('application/xml; charset=utf-8').send(xml);
    },
  }),
];

function nameIn(file: string): string {
  return file.slice(0, -'.svg'.length);
}

function lastOf(door: Door, builder: Builder, branch?: string): Build | null {
  const filter = { builder: builder.name, state: 'finished', branch, limit: 1 } as const;
  return door.views.builds.list(filter).items[0] ?? null;
}
