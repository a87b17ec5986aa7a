import { auditEntrySchema } from '@icefall/shared';
import { z } from 'zod';
import { pageAnswer, pageQuery, route } from '../route.ts';

export const auditRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/audit',
    name: 'listAudit',
    summary: 'Who did what, from where, with what result; newest first',
    tag: 'access',
    access: { may: 'admin' },
    query: z.object({
      who: z.string().max(200).optional(),
      action: z.string().max(100).optional(),
      result: z.string().max(100).optional().describe('`ok`, or the code of an error'),
      ...pageQuery({ usual: 100, most: 1000 }),
    }),
    answer: { json: pageAnswer('entries', auditEntrySchema) },
    handle({ door, query }) {
      const { items, next } = door.master.audit.list(query);
      return { entries: items, next };
    },
  }),
];
