import { lockSchema } from '@icefall/shared';
import { z } from 'zod';
import { route } from '../route.ts';

export const lockRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/locks',
    name: 'listLocks',
    summary: 'All locks with who holds them and who waits; a worker lock is one for each worker',
    tag: 'locks',
    answer: { json: z.object({ locks: z.array(lockSchema) }) },
    handle: ({ door }) => ({ locks: door.views.locks.all() }),
  }),
];
