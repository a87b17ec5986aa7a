import type { Command } from 'commander';
import { z } from 'zod';
import { fetchBuild, parseWholeBuild } from '../client/build-reference.ts';
import { owner } from '../client/owner.ts';
import { apiPath } from '../client/paths.ts';
import { type CommandContext, wholeNumber } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { buildName } from '../output/words.ts';
import { startedSchema, tellStarted } from './force.ts';

const BUILD = 'id or builder/number';

export function addBuildActions(program: Command, context: CommandContext): void {
  program
    .command('stop-build')
    .argument('<build>', BUILD)
    .option('--reason <text>', 'why')
    .description('stop a running build; its clean-up steps still run')
    .action(async (text: string, { reason }: { reason?: string }) => {
      const client = context.client();
      const { value: build } = await fetchBuild(client, parseWholeBuild(text));
      if (build.result !== null)
        throw new CliError(EXIT.failed, `build ${buildName(build)} has ended already: ${build.result}`);
      const { json } = await client.post(
        apiPath(['builds', build.id, 'stop']),
        { ...owner(context), reason: reasonOf(context, reason) },
        z.unknown(),
      );
      context.print(json, () => [`build ${buildName(build)} is told to stop`]);
    });
  program
    .command('rebuild')
    .argument('<build>', BUILD)
    .option('--wait', 'follow it to the end; exit code 0 only if it is green')
    .description('build the same again: same sources, same properties')
    .action(async (text: string, { wait }: { wait?: boolean }) => {
      const client = context.client();
      const { value: build } = await fetchBuild(client, parseWholeBuild(text));
      const path = apiPath(['builds', build.id, 'rebuild']);
      const { value, json } = await client.post(path, owner(context), startedSchema);
      await tellStarted(context, value.buildset, json, wait === true);
    });
  program
    .command('cancel')
    .argument('<request>', 'id of a request (icefall queue)', wholeNumber('a request', 1, 2 ** 53 - 1))
    .option('--reason <text>', 'why')
    .description('cancel a request that waits; a build that runs for it is stopped')
    .action(async (id: number, { reason }: { reason?: string }) => {
      const path = apiPath(['requests', id, 'cancel']);
      const { json } = await context
        .client()
        .post(path, { ...owner(context), reason: reasonOf(context, reason) }, z.unknown());
      context.print(json, () => [`request ${id} is cancelled`]);
    });
}

function reasonOf({ terminal }: CommandContext, reason: string | undefined): string {
  const who = terminal.user === null ? '' : ` by ${terminal.user}`;
  return reason ?? `asked for${who} on the command line`;
}
