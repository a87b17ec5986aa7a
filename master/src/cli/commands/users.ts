import { type User, userSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { apiPath } from '../client/paths.ts';
import { type CommandContext, collect } from '../context.ts';
import { usageError } from '../exit.ts';
import { type Column, tableLines } from '../output/table.ts';
import { relative } from '../output/words.ts';

const listSchema = z.object({ users: z.array(userSchema) });

export function addUsers(program: Command, context: CommandContext): void {
  const group = program.command('user').description('people whom the master itself recognises');
  group
    .command('add')
    .argument('<name>')
    .option('--mail <address>', 'their mail address; roles may go by its domain, so be sure that it is theirs')
    .option('--group <name>', 'a group that roles name; several times for several', collect)
    .description('add a person; asks for their password')
    .action(
      async (
        name: string,
        { mail = null, group: groups = [] }: { mail?: string | null; group?: readonly string[] },
      ) => {
        const password = await newPassword(context, name);
        const { json } = await context.client().post('/users', { name, password, mail, groups }, userSchema);
        context.print(json, () => [`${name} can sign in; what they may do is in the site's access`]);
      },
    );
  group
    .command('passwd')
    .argument('<name>')
    .description('give a person another password, and end their sessions and tokens; your own needs the one before')
    .action((name: string) => setPassword(context, name));
  group
    .command('groups')
    .argument('<name>')
    .argument('[groups...]', 'all that they belong to from now on; none: none')
    .description('say which groups a person belongs to; with one less their sessions end')
    .action(async (name: string, groups: string[]) => {
      const { json } = await context.client().post(apiPath(['users', name, 'groups']), { groups }, userSchema);
      context.print(json, () => [`${name} belongs to ${groups.length === 0 ? 'no group' : groups.join(', ')}`]);
    });
  addSwitch(group, context, 'disable', 'let a person in no more, and end their sessions and tokens');
  addSwitch(group, context, 'enable', 'let a person in again');
  group
    .command('list')
    .description('list them')
    .action(async () => {
      const { value, json } = await context.client().get('/users', listSchema);
      const columns = columnsAt(context.terminal.now());
      context.print(json, () =>
        value.users.length === 0 ? ['there is nobody'] : tableLines(context.terminal, columns, value.users),
      );
    });
}

function addSwitch(group: Command, context: CommandContext, verb: 'disable' | 'enable', description: string): void {
  group
    .command(verb)
    .argument('<name>')
    .description(description)
    .action(async (name: string) => {
      const disabled = verb === 'disable';
      const { json } = await context.client().post(apiPath(['users', name, 'disable']), { disabled }, userSchema);
      context.print(json, () => [`${name} is ${verb}d`]);
    });
}

async function setPassword(context: CommandContext, name: string): Promise<void> {
  const client = context.client();
  const { value: me } = await client.get('/session', z.object({ name: z.string().nullable(), kind: z.string() }));
  const isOwn = me.name === name;
  const current = isOwn ? { current: await context.terminal.secret(`Password of ${name} until now: `) } : {};
  const password = await newPassword(context, name);
  const { json } = await client.post(apiPath(['users', name, 'password']), { password, ...current }, userSchema);
  context.print(json, () => [`${name} has another password, and has been signed out everywhere`]);
}

/** Asked for twice where somebody types it. */
async function newPassword({ terminal }: CommandContext, name: string): Promise<string> {
  const password = await terminal.secret(`New password of ${name}: `);
  if (terminal.columns !== null && (await terminal.secret('Once more: ')) !== password)
    throw usageError('these were two different passwords');
  if (password === '') throw usageError('a password is needed: type it, or give it on standard input');
  return password;
}

function columnsAt(now: number): readonly Column<User>[] {
  return [
    { title: 'USER', value: ({ name, disabled }) => (disabled ? { text: `${name} (disabled)`, format: 'red' } : name) },
    { title: 'MAIL', optional: true, value: ({ mail }) => mail ?? '' },
    { title: 'FROM', optional: true, value: ({ source }) => source },
    { title: 'GROUPS', value: ({ groups }) => groups.join(', '), flexible: true },
    {
      title: 'SIGNED IN',
      value: ({ signedInAt }) => (signedInAt === null ? 'never' : relative(signedInAt, now)),
      align: 'right',
    },
  ];
}
