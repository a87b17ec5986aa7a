import { z } from 'zod';
import { AccessError } from '../../access/errors.ts';
import { audit, auditFailure } from '../acting.ts';
import { cookieOf, setCookie } from '../caller.ts';
import { ActionError } from '../master-port.ts';
import { type Call, route } from '../route.ts';
import { beginSession } from './sessions.ts';

const providerParams = z.object({ provider: z.string().min(1).max(100) });
const ACTION = { action: 'signIn', object: 'session' };

export const providerRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/session/with/:provider',
    name: 'beginVisit',
    summary: 'Sends a person to sign in at a provider of the site (OpenID Connect, GitHub)',
    tag: 'access',
    access: { open: 'it is how people get in' },
    params: providerParams,
    query: z.object({ to: z.string().max(2000).default('/').describe('path of the page to come back to') }),
    answer: { redirect: 'To the provider; or to the page, with the reason in `signIn`, where that cannot be' },
    refusals: ['not_found'],
    async handle({ door, params: { provider }, query: { to }, request, reply }) {
      try {
        const visit = await door.access.visits.begin(provider, to);
        if (visit === null) throw new ActionError('not_found', `there is no provider "${provider}"`);
        setCookie('visit', request, reply, visit.sealed);
        return elsewhere(reply, visit.address);
      } catch (error) {
        auditFailure(door.master, request, { ...ACTION, who: request.ip, detail: { provider } }, error);
        return elsewhere(reply, pageThatTells(error));
      }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/session/from/:provider',
    name: 'endVisit',
    summary: 'Takes back a person who has signed in at a provider, with a cookie',
    tag: 'access',
    access: { open: 'it is how people get in; what comes back must belong to a question of ours' },
    params: providerParams,
    answer: { redirect: 'To the page; with the reason in `signIn` where the person is not let in' },
    async handle(call) {
      const { door, params, request, reply } = call;
      const sealed = cookieOf('visit', request);
      setCookie('visit', request, reply, null);
      const action = { ...ACTION, who: request.ip, detail: { provider: params.provider } };
      try {
        const to = await letIn(call, params.provider, sealed);
        return elsewhere(reply, to);
      } catch (error) {
        auditFailure(door.master, request, action, error);
        return elsewhere(reply, pageThatTells(error));
      }
    },
  }),
];

/** Begins the session of whoever has come back. Gives the page they want to see. */
async function letIn(
  call: Pick<Call<unknown, unknown, unknown>, 'door' | 'caller' | 'request' | 'reply'>,
  provider: string,
  sealed: string | undefined,
): Promise<string> {
  const { door, request } = call;
  const mark = request.url.indexOf('?');
  const query = mark < 0 ? '' : request.url.slice(mark);
  const { told, to } = await door.access.visits.end(provider, sealed, query, request.ip);
  const { user } = door.access.signIns.told(provider, told);
  door.access.users.noteSignIn(user);
  beginSession(call, user);
  audit(door.master, request, { ...ACTION, who: user, detail: { provider } });
  return to;
}

function elsewhere(reply: Call<unknown, unknown, unknown>['reply'], address: string) {
  // The page of a provider is told nothing of where somebody comes from.
  return reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer').redirect(address, 302);
}

/** The page says why somebody was not let in; what is no refusal is answered as any failure is. */
function pageThatTells(error: unknown): string {
  if (!(error instanceof AccessError)) throw error;
  return `/?signIn=${error.code}`;
}
