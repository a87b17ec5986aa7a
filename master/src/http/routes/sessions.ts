import { callerSchema, newApiTokenSchema, signedOutSchema, signInSchema } from '@icefall/shared';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../access/access.ts';
import { AccessError } from '../../access/errors.ts';
import { act, onRecord } from '../acting.ts';
import { setCookie } from '../caller.ts';
import type { Door } from '../door.ts';
import { type Call, route } from '../route.ts';
import { expiresDays, personOf, tokenMade } from './tokens.ts';

/** A name and a password, however they are written: anybody may send one. */
const MOST_SIGN_IN_BYTES = 64 * 1024;

export const sessionRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/session',
    name: 'getCaller',
    summary: 'Who asks, and what they may do',
    tag: 'access',
    access: { open: 'tells a caller of themselves only' },
    answer: { json: callerSchema },
    handle: ({ door, caller }) => callerResource(door, caller),
  }),
  route({
    method: 'POST',
    path: '/api/v1/session',
    name: 'signIn',
    summary: 'Signs a person in, with a cookie',
    tag: 'access',
    access: { open: 'it is how people get in; wrong passwords are limited' },
    body: signInSchema,
    maxBodyBytes: MOST_SIGN_IN_BYTES,
    answer: { json: callerSchema },
    refusals: ['bad_login', 'too_many_attempts', 'sign_in_unavailable'],
    async handle({ door, body, caller, request, reply }) {
      const { user } = await signedIn(door, request, body);
      const secret = beginSession({ door, caller, request, reply }, user);
      return callerResource(door, door.access.callerOf({ ...credentials(request), cookie: secret }));
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/session/end',
    name: 'signOut',
    summary: "Ends the session; with `everywhere` all of the person's sessions and tokens",
    tag: 'access',
    access: { signedIn: true },
    body: z.object({ everywhere: z.boolean().default(false) }),
    answer: { json: signedOutSchema },
    async handle({ door, caller, body: { everywhere }, request, reply }) {
      const next = caller.session === null ? null : await endAddressOf(door, caller.session.user);
      setCookie('session', request, reply, null);
      const action = { action: everywhere ? 'signOutEverywhere' : 'signOut', object: `user ${caller.name}` };
      return act(door.master, request, action, () => {
        endOf(door, caller, everywhere);
        return { next };
      });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/login',
    name: 'login',
    summary: 'Gives a person a token for their command line',
    tag: 'access',
    access: { open: 'it is how people get in; wrong passwords are limited' },
    body: signInSchema.extend({ name: z.string().min(1).max(100).default('command line'), expiresDays }),
    maxBodyBytes: MOST_SIGN_IN_BYTES,
    answer: { json: newApiTokenSchema },
    refusals: ['bad_login', 'too_many_attempts', 'sign_in_unavailable', 'bad_account'],
    async handle({ door, body, request }) {
      const { user } = await signedIn(door, request, body);
      const scope = { allow: null, builders: null };
      return tokenMade(door, { name: body.name, user, scope, createdBy: user }, body.expiresDays);
    },
  }),
];

/** Where somebody who has signed out here goes to do so at their provider. */
function endAddressOf(door: Door, user: string): Promise<string | null> {
  const source = door.access.users.sourceOf(user);
  return source === null ? Promise.resolve(null) : door.access.visits.endAddress(source);
}

function callerResource(door: Door, { identity, name: who, grants, session }: Caller): z.output<typeof callerSchema> {
  const list = grants.list().map(({ permission, builders }) => ({ permission, builders: builders && [...builders] }));
  return {
    kind: identity.kind,
    name: who,
    grants: list,
    csrf: session?.csrf ?? null,
    canSignIn: door.access.isConfigured,
    providers: door.access.visits.offered,
  };
}

function credentials(request: FastifyRequest) {
  return { address: request.ip, isLocal: false, authorization: undefined };
}

/** Checks a password, and puts on record how that went. */
async function signedIn(door: Door, request: FastifyRequest, { user, password: shown }: z.output<typeof signInSchema>) {
  return onRecord(door.master, request, { who: user, action: 'signIn', object: 'session' }, async () => {
    if (!door.access.isConfigured)
      throw new AccessError('bad_login', 'there is nothing to sign in for: the site declares no access');
    return await door.access.signIns.byPassword(user, shown, request.ip);
  });
}

/** A new session with a new cookie, in place of the one that the browser came with. Gives the cookie's secret. */
export function beginSession(
  { door, caller, request, reply }: Pick<Call<unknown, unknown, unknown>, 'door' | 'caller' | 'request' | 'reply'>,
  user: string,
): string {
  if (caller.session !== null) door.access.sessions.end(caller.session.id);
  const { secret } = door.access.sessions.begin(user, request.ip);
  setCookie('session', request, reply, secret);
  return secret;
}

function endOf(door: Door, caller: Caller, everywhere: boolean): void {
  const { identity } = caller;
  const person = personOf(caller);
  if (everywhere && person !== null) door.access.signOutEverywhere(person);
  else if (identity.kind === 'token') door.access.tokens.revoke(identity.tokenId);
  else if (caller.session !== null) door.access.sessions.end(caller.session.id);
  door.access.changed.fire();
}
