import { reporterSchema, reportSchema } from '@icefall/shared';
import { z } from 'zod';
import { pageAnswer, pageQuery, route } from '../route.ts';

export const reporterRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/reporters',
    name: 'listReporters',
    access: { may: 'admin' },
    summary: 'Who tells others of builds: what waits to be delivered, and why',
    tag: 'reporters',
    answer: { json: z.object({ reporters: z.array(reporterSchema) }) },
    handle: ({ door }) => ({ reporters: door.master.reporters.all() }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/reports',
    name: 'listReports',
    access: { may: 'admin' },
    summary: 'What reporters are to tell and have told, and what became of it; newest first',
    tag: 'reporters',
    query: z.object({
      reporter: z.string().max(200).optional().describe('only of this one'),
      state: reportSchema.shape.state.optional(),
      ...pageQuery({ usual: 50, most: 500 }),
    }),
    answer: { json: pageAnswer('reports', reportSchema) },
    handle({ door, query }) {
      const { items, next } = door.master.reporters.reports(query);
      return { reports: items, next };
    },
  }),
];
