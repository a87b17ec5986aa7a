import { type ApiToken, apiTokenSchema, newApiTokenSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { apiPath } from '../client/paths.ts';
import { type CommandContext, collect, wholeNumber } from '../context.ts';
import { type Column, tableLines } from '../output/table.ts';
import { relative } from '../output/words.ts';

const listSchema = z.object({ tokens: z.array(apiTokenSchema) });

interface CreateOptions {
  readonly allow?: readonly string[];
  readonly builder?: readonly string[];
  readonly mine?: boolean;
  readonly expires: number;
}

export function addTokens(program: Command, context: CommandContext): void {
  const group = program.command('token').description('make, list and revoke API tokens, for programs');
  group
    .command('create')
    .argument('<name>', 'what it is for')
    .option('--allow <permission>', 'what it may do; several times for several', collect)
    .option('--builder <name>', 'only with this builder; several times for several', collect)
    .option('--mine', 'a token of yours: it may do what you may, or of that what --allow says')
    .option('--expires <days>', 'how long it is good', wholeNumber('--expires', 1, 366), 90)
    .description('make a token; it is shown this once')
    .action((name: string, options: CreateOptions) => create(context, name, options));
  group
    .command('list')
    .description('list tokens: all if you may admin, else yours')
    .action(async () => {
      const { value, json } = await context.client().get('/tokens', listSchema);
      const columns = columnsAt(context.terminal.now());
      context.print(json, () =>
        value.tokens.length === 0 ? ['there is no token'] : tableLines(context.terminal, columns, value.tokens),
      );
    });
  group
    .command('revoke')
    .argument('<id>', 'as the list has it', wholeNumber('ID', 1, Number.MAX_SAFE_INTEGER))
    .description('end a token at once')
    .action(async (id: number) => {
      const { value, json } = await context.client().post(apiPath(['tokens', id, 'revoke']), {}, apiTokenSchema);
      context.print(json, () => [`token ${id} (${value.name}) is of no use any more`]);
    });
}

async function create(context: CommandContext, name: string, options: CreateOptions): Promise<void> {
  const { allow = null, builder = null, mine = false, expires } = options;
  const body = { name, allow, builders: builder, mine, expiresDays: expires };
  const { value, json } = await context.client().post('/tokens', body, newApiTokenSchema);
  // The token alone: `icefall token create NAME … > FILE` makes a token file.
  context.print(json, () => [value.token]);
  context.terminal.err('icefall: this token is shown this once; programs show it in ICEFALL_TOKEN\n');
}

function columnsAt(now: number): readonly Column<ApiToken>[] {
  return [
    { title: 'ID', value: ({ id }) => String(id), align: 'right' },
    { title: 'NAME', value: ({ name }) => name },
    { title: 'OF', value: ({ user }) => user ?? 'a program' },
    { title: 'MAY', value: mayOf, flexible: true },
    { title: 'USED', value: ({ usedAt }) => (usedAt === null ? 'never' : relative(usedAt, now)), align: 'right' },
    { title: 'FROM', optional: true, value: ({ usedFrom }) => usedFrom ?? '' },
    { title: 'ENDS', value: (token) => endOf(token, now), align: 'right' },
  ];
}

function mayOf({ allow, builders }: ApiToken): string {
  const what = allow === null ? 'what its user may' : allow.join(', ');
  return builders === null ? what : `${what} with ${builders.join(', ')}`;
}

function endOf({ revokedAt, expiresAt }: ApiToken, now: number): string {
  if (revokedAt !== null) return 'revoked';
  return expiresAt <= now ? 'expired' : new Date(expiresAt).toISOString().slice(0, 10);
}
