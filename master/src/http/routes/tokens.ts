import { apiTokenSchema, newApiTokenSchema } from '@icefall/shared';
import { z } from 'zod';
import type { Caller } from '../../access/access.ts';
import { type ApiToken, LONGEST_TOKEN_MS, USUAL_TOKEN_MS } from '../../access/api-tokens.ts';
import { AccessError } from '../../access/errors.ts';
import { isBuilderPermission, PERMISSIONS } from '../../access/permissions.ts';
import { act, audit } from '../acting.ts';
import type { Door } from '../door.ts';
import { ActionError } from '../master-port.ts';
import { idParam, nameParam, route } from '../route.ts';
import { found } from './builders.ts';

const DAY_MS = 86_400_000;
export const expiresDays = z
  .number()
  .positive()
  .max(LONGEST_TOKEN_MS / DAY_MS)
  .default(USUAL_TOKEN_MS / DAY_MS);
const newToken = z.object({
  name: z.string().min(1).max(100),
  allow: z.array(z.enum(PERMISSIONS)).min(1).nullable().default(null).describe('null: whatever its user may do'),
  builders: z.array(nameParam).min(1).nullable().default(null).describe('null: all'),
  mine: z.boolean().default(false).describe('of the person who makes it; else of a program'),
  expiresDays,
});

export const tokenRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/tokens',
    name: 'listTokens',
    summary: 'API tokens, newest first: all for who may admin, a person their own, a program the one that it shows',
    tag: 'access',
    access: { signedIn: true },
    answer: { json: z.object({ tokens: z.array(apiTokenSchema) }) },
    handle: ({ door, caller }) => ({ tokens: tokensOf(door, caller) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/tokens',
    name: 'createToken',
    summary: 'Makes an API token, which is shown this once',
    tag: 'access',
    access: { signedIn: true },
    body: newToken,
    answer: { json: newApiTokenSchema },
    refusals: ['denied', 'bad_account'],
    handle({ door, caller, body, request }) {
      mayMake(caller, body);
      const user = body.mine ? personOf(caller) : null;
      const scope = { allow: body.allow, builders: body.builders };
      const createdBy = caller.name ?? request.ip;
      // Not remembered for an Idempotency-Key: a token is stored nowhere but as a hash.
      return door.master.core.turn(() => {
        const made = tokenMade(door, { name: body.name, user, scope, createdBy }, body.expiresDays);
        audit(door.master, request, { action: 'createToken', object: `token ${made.id}`, detail: { ...scope, user } });
        return made;
      });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/tokens/:id/revoke',
    name: 'revokeToken',
    summary: 'Ends a token at once',
    tag: 'access',
    access: { signedIn: true },
    params: z.object({ id: idParam }),
    answer: { json: apiTokenSchema },
    refusals: ['not_found'],
    handle({ door, caller, params: { id }, request }) {
      const token = door.access.tokens.get(id);
      // Tokens of others are not there for those who may not see them.
      if (!isAdmin(caller) && !tokensOf(door, caller).some((one) => one.id === id))
        throw new ActionError('not_found', `there is no token ${id}`);
      const answer = act(door.master, request, { action: 'revokeToken', object: `token ${id}` }, () => {
        found(token, `token ${id}`);
        door.access.tokens.revoke(id);
        return found(door.access.tokens.get(id), `token ${id}`);
      });
      door.access.changed.fire();
      return answer;
    },
  }),
];

export function tokenMade(
  door: Door,
  token: Omit<Parameters<Door['access']['tokens']['create']>[0], 'expiresAt'>,
  days: number,
): z.output<typeof newApiTokenSchema> {
  const expiresAt = door.master.core.now() + days * DAY_MS;
  const { token: text, id } = door.access.tokens.create({ ...token, expiresAt });
  const made = found(door.access.tokens.get(id), `token ${id}`);
  return { ...resourceOf(made), token: text };
}

function resourceOf(token: NonNullable<ReturnType<Door['access']['tokens']['get']>>): z.output<typeof apiTokenSchema> {
  return { ...token, allow: token.allow && [...token.allow], builders: token.builders && [...token.builders] };
}

/** A token must not become a stronger or longer one; a person makes tokens of their own, with what they may do. */
function mayMake(caller: Caller, { mine, allow, builders }: z.output<typeof newToken>): void {
  if (mine && personOf(caller) === null)
    throw new AccessError('bad_account', 'only a person who has signed in can have a token of their own');
  if (!mine && allow === null) throw new AccessError('bad_account', "a program's token must say what it allows");
  if (!mine && builders !== null && allow?.some((permission) => !isBuilderPermission(permission)))
    throw new AccessError('bad_account', 'what concerns the whole site cannot be limited to builders');
  if (isAdmin(caller) || (mine && caller.identity.kind === 'person')) return;
  throw new AccessError('denied', 'only who may admin makes tokens for programs; a person who is signed in, their own');
}

export function isAdmin({ grants }: Caller): boolean {
  return grants.mayOnSite('admin');
}

/** The person who speaks: themselves, or by a token that may do whatever they may. One that may less is a program's. */
export function personOf({ identity }: Caller): string | null {
  if (identity.kind === 'person') return identity.person.user;
  if (identity.kind !== 'token' || identity.scope.allow !== null || identity.scope.builders !== null) return null;
  return identity.person?.user ?? null;
}

/** What a caller may see and end: all that admins may, a person their own, a program the token that it shows. */
function tokensOf({ access: { tokens } }: Door, caller: Caller): ApiToken[] {
  if (isAdmin(caller)) return tokens.all();
  const person = personOf(caller);
  if (person !== null) return tokens.ofUser(person);
  const shown = caller.identity.kind === 'token' ? tokens.get(caller.identity.tokenId) : null;
  return shown === null ? [] : [shown];
}
