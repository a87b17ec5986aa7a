import { callerSchema, newApiTokenSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { Refusal } from '../client/api-client.ts';
import { Logins } from '../client/logins.ts';
import { type CommandContext, wholeNumber } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';

export function addLogin(program: Command, context: CommandContext): void {
  program
    .command('login')
    .argument('[user]', 'default: the name of the account here')
    .option('--days <n>', 'how long it is good', wholeNumber('--days', 1, 366), 30)
    .option('--with-token', 'ask for a token that was made on the page: for who has no password at the master')
    .description('let this command act as you at a master that knows you; asks for the password')
    .action((user: string | undefined, { days, withToken = false }: { days: number; withToken?: boolean }) =>
      withToken ? loginWithToken(context) : login(context, user, days),
    );
  program
    .command('logout')
    .option('--everywhere', 'end all your sessions on the page and all your tokens, too')
    .description('end what login has begun, here and at the master')
    .action(({ everywhere = false }: { everywhere?: boolean }) => logout(context, everywhere));
  program
    .command('whoami')
    .description('tell who the master takes you for, and what you may do there')
    .action(() => whoAmI(context));
}

async function login(context: CommandContext, named: string | undefined, days: number): Promise<void> {
  const { terminal } = context;
  const user = named ?? terminal.user;
  if (user === null) throw new CliError(EXIT.usage, 'this account has no name; say which: icefall login USER');
  const password = await terminal.secret(`Password of ${user} at ${context.url()}: `);
  const name = `icefall login${terminal.user === null ? '' : ` of ${terminal.user}`}`;
  const body = { user, password, name, expiresDays: days };
  // Nothing is shown: a token of before may be what has expired.
  const { value } = await context.client({ token: null }).post('/login', body, newApiTokenSchema);
  new Logins(terminal).put(context.url(), { user, token: value.token, id: value.id });
  context.print({ user, id: value.id, expiresAt: value.expiresAt }, () => [
    `${context.url()}: you are ${user}, until ${new Date(value.expiresAt).toISOString().slice(0, 10)}`,
  ]);
}

async function loginWithToken(context: CommandContext): Promise<void> {
  const { terminal } = context;
  const token = (await terminal.secret(`Token for ${context.url()}: `)).trim();
  if (token === '') throw new CliError(EXIT.usage, 'a token is needed: the page has it under your name');
  const { value } = await context.client({ token }).get('/session', callerSchema);
  if (value.kind !== 'token' || value.name === null)
    throw new CliError(EXIT.usage, 'this is no API token; make one on the page, under your name');
  new Logins(terminal).put(context.url(), { user: value.name, token, id: null });
  context.print({ user: value.name }, () => [`${context.url()}: you are ${value.name}`]);
}

async function logout(context: CommandContext, everywhere: boolean): Promise<void> {
  const logins = new Logins(context.terminal);
  const found = logins.of(context.url());
  if (found === null) throw new CliError(EXIT.failed, `nobody is logged in at ${context.url()} here`);
  try {
    await context.client({ token: found.token }).post('/session/end', { everywhere }, z.object({}));
  } catch (error) {
    // What is no longer good has ended already.
    if (!(error instanceof Refusal) || error.status !== 401) throw error;
  }
  logins.remove(context.url());
  context.print({ user: found.user }, () => [`${context.url()}: ${found.user} is logged out`]);
}

async function whoAmI(context: CommandContext): Promise<void> {
  const { value, json } = await context.client().get('/session', callerSchema);
  const scope = (builders: readonly string[] | null) => (builders === null ? '' : ` with ${builders.join(', ')}`);
  const kinds = {
    local: 'anybody on its machine',
    anonymous: 'nobody',
    operator: 'its operator',
    person: '',
    token: '',
  };
  context.print(json, () => [
    value.name ?? kinds[value.kind],
    ...value.grants.map(({ permission, builders }) => `  may ${permission}${scope(builders)}`),
  ]);
}
