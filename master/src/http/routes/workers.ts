import { workerConnectionSchema, workerSchema } from '@icefall/shared';
import { z } from 'zod';
import { act, actorOf, audit } from '../acting.ts';
import { type Call, nameParam, type Route, route, sinceQuery } from '../route.ts';
import { found } from './builders.ts';
import { reasonBody } from './builds.ts';

const params = z.object({ name: nameParam });
type WorkerCall = Call<z.output<typeof params>, unknown, z.output<typeof reasonBody>>;

/** A route that does something to a worker and answers with the worker. */
function action(verb: 'pause' | 'resume' | 'shutdown', summary: string, deed: (call: WorkerCall) => void): Route {
  return route({
    method: 'POST',
    path: `/api/v1/workers/:name/${verb}`,
    name: `${verb}Worker`,
    access: { may: 'pauseWorker' },
    summary,
    tag: 'workers',
    params,
    body: reasonBody,
    answer: { json: workerSchema },
    refusals: ['not_found', 'conflict'],
    handle(call) {
      const {
        door,
        params: { name },
        body: { reason, owner },
        request,
      } = call;
      return act(door.master, request, { owner, action: verb, object: `worker ${name}`, detail: { reason } }, () => {
        found(door.views.workers.worker(name), `worker "${name}"`);
        deed(call);
        return found(door.views.workers.worker(name), `worker "${name}"`);
      });
    },
  });
}

export const workerRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/workers',
    name: 'listWorkers',
    access: { may: 'view', seen: true },
    summary: "All workers, in the site's order",
    tag: 'workers',
    answer: { json: z.object({ workers: z.array(workerSchema) }) },
    handle: ({ door, caller }) => ({ workers: caller.sight.only('worker', door.views.workers.all()) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/worker-connections',
    name: 'listWorkerConnections',
    access: { may: 'view', seen: true },
    summary: 'When workers were connected, oldest first; the newest of each worker are kept',
    tag: 'workers',
    query: z.object({ since: sinceQuery }),
    answer: { json: z.object({ connections: z.array(workerConnectionSchema) }) },
    handle({ door, caller, query }) {
      const seen = new Set(caller.sight.only('worker', door.views.workers.all()).map(({ name }) => name));
      return { connections: door.views.history.connections(query.since).filter(({ worker }) => seen.has(worker)) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/workers/:name',
    name: 'getWorker',
    access: { may: 'view', of: ({ door, params }) => door.access.owners.worker(params.name) },
    summary: 'One worker',
    tag: 'workers',
    params,
    answer: { json: workerSchema },
    refusals: ['not_found'],
    handle: ({ door, params: { name } }) => found(door.views.workers.worker(name), `worker "${name}"`),
  }),
  action('pause', 'Gives a worker no new builds', ({ door, params: { name } }) => door.master.setPaused(name, true)),
  action('resume', 'Gives a paused worker builds again', ({ door, params: { name } }) =>
    door.master.setPaused(name, false),
  ),
  action('shutdown', 'Tells a worker to finish what it runs and leave', ({ door, params: { name }, body, request }) =>
    door.master.shutdownWorker(name, body.reason ?? `asked for by ${actorOf(request, body.owner) ?? request.ip}`),
  ),
  route({
    method: 'POST',
    path: '/api/v1/workers/:name/token',
    name: 'issueWorkerToken',
    access: { may: 'admin' },
    summary: 'Makes a new token for a worker that the site declares without one; it is shown this once',
    tag: 'workers',
    params,
    body: reasonBody.pick({ owner: true }),
    answer: { json: z.object({ token: z.string() }) },
    refusals: ['not_found', 'conflict'],
    handle({ door, params: { name }, body: { owner }, request }) {
      // Not remembered for an Idempotency-Key: a token is stored nowhere but as a hash.
      return door.master.core.turn(() => {
        found(door.views.workers.worker(name), `worker "${name}"`);
        const token = door.master.issueToken(name);
        audit(door.master, request, { owner, action: 'issueToken', object: `worker ${name}` });
        return { token };
      });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/workers/:name/token/revoke',
    name: 'revokeWorkerToken',
    access: { may: 'admin' },
    summary: "Ends a worker's token, and its connection",
    tag: 'workers',
    params,
    body: reasonBody.pick({ owner: true }),
    answer: { json: workerSchema },
    refusals: ['not_found', 'conflict'],
    handle: ({ door, params: { name }, body: { owner }, request }) =>
      act(door.master, request, { owner, action: 'revokeToken', object: `worker ${name}` }, () => {
        door.master.revokeToken(name);
        return found(door.views.workers.worker(name), `worker "${name}"`);
      }),
  }),
];
