import { reporterSchema, reportSchema } from '@icefall/shared';
import { z } from 'zod';
import { act } from '../acting.ts';
import { idParam, pageAnswer, pageQuery, route } from '../route.ts';

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
  route({
    method: 'POST',
    path: '/api/v1/reports/:id/resend',
    name: 'resendReport',
    access: { may: 'admin' },
    summary: 'Has a report told again that was given up or delivered: of the build as it is now, under a new number',
    tag: 'reporters',
    params: z.object({ id: idParam }),
    answer: { json: reportSchema },
    refusals: ['no_report', 'report_waits', 'no_reporter'],
    handle: ({ door: { master }, params: { id }, request }) =>
      act(master, request, { action: 'resend', object: `report ${id}` }, () => master.reporters.resend(id)),
  }),
];
