import { userSchema } from '@icefall/shared';
import { z } from 'zod';
import type { Caller } from '../../access/access.ts';
import { AccessError } from '../../access/errors.ts';
import { act, onRecord } from '../acting.ts';
import type { Door } from '../door.ts';
import { nameParam, route } from '../route.ts';
import { found } from './builders.ts';
import { isAdmin } from './tokens.ts';

const password = z.string().min(1).max(4000);
const groupNames = z.array(z.string().min(1).max(200)).max(100);
const newUser = z.object({
  name: nameParam,
  password,
  mail: z.email().max(200).nullable().default(null),
  groups: groupNames.default([]),
});
const userParams = z.object({ name: nameParam });
export const userRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/users',
    name: 'listUsers',
    summary: 'People whom the master itself recognises',
    tag: 'access',
    access: { may: 'admin' },
    answer: { json: z.object({ users: z.array(userSchema) }) },
    handle: ({ door }) => ({ users: door.access.users.list() }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/users',
    name: 'addUser',
    summary: 'Adds a person',
    tag: 'access',
    access: { may: 'admin' },
    body: newUser,
    answer: { json: userSchema },
    refusals: ['bad_account'],
    async handle({ door, body, request }) {
      const { mail, groups } = body;
      const action = { action: 'addUser', object: `user ${body.name}`, detail: { mail, groups } };
      await onRecord(door.master, request, action, () => door.access.users.add(body));
      return userOf(door, body.name);
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/users/:name/password',
    name: 'setPassword',
    summary: 'Gives a person another password (their own needs the one before), and ends their sessions and tokens',
    tag: 'access',
    access: { signedIn: true },
    params: userParams,
    body: z.object({ password, current: z.string().max(4000).optional() }),
    answer: { json: userSchema },
    refusals: ['bad_account', 'bad_login', 'too_many_attempts', 'denied'],
    async handle({ door, caller, params: { name: user }, body, request }) {
      await onRecord(door.master, request, { action: 'setPassword', object: `user ${user}` }, async () => {
        if (!isAdmin(caller)) await mustBeOwn(door, caller, user, body.current ?? '');
        await door.access.users.setPassword(user, body.password);
        door.access.signOutEverywhere(user);
      });
      return userOf(door, user);
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/users/:name/groups',
    name: 'setGroups',
    summary: 'Says which groups a person belongs to; with one less their sessions end',
    tag: 'access',
    access: { may: 'admin' },
    params: userParams,
    body: z.object({ groups: groupNames }),
    answer: { json: userSchema },
    refusals: ['bad_account'],
    handle({ door, params: { name: user }, body: { groups }, request }) {
      const action = { action: 'setGroups', object: `user ${user}`, detail: { groups } };
      return act(door.master, request, action, () => {
        door.access.setGroups(user, groups);
        return userOf(door, user);
      });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/users/:name/disable',
    name: 'disableUser',
    summary: 'Lets a person in no more, and ends their sessions and tokens; or lets them in again',
    tag: 'access',
    access: { may: 'admin' },
    params: userParams,
    body: z.object({ disabled: z.boolean() }),
    answer: { json: userSchema },
    refusals: ['bad_account'],
    handle({ door, params: { name: user }, body: { disabled }, request }) {
      const action = { action: disabled ? 'disableUser' : 'enableUser', object: `user ${user}` };
      return act(door.master, request, action, () => {
        door.access.users.setDisabled(user, disabled);
        if (disabled) door.access.signOutEverywhere(user);
        return userOf(door, user);
      });
    },
  }),
];

async function mustBeOwn(door: Door, caller: Caller, user: string, current: string): Promise<void> {
  if (caller.identity.kind !== 'person' || caller.identity.person.user !== user)
    throw new AccessError('denied', 'only who may admin gives others a password');
  await door.access.signIns.byPassword(user, current, caller.address);
}

function userOf(door: Door, user: string): z.output<typeof userSchema> {
  return found(door.access.users.list().find((one) => one.name === user) ?? null, `user "${user}"`);
}
