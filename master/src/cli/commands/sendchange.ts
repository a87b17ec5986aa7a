import { changeSchema, type Json } from '@icefall/shared';
import type { Command } from 'commander';
import { type CommandContext, collect, namedValue } from '../context.ts';
import { printable } from '../output/text.ts';

interface Options {
  readonly repository: string;
  readonly branch?: string;
  readonly revision?: string;
  readonly author?: string;
  readonly committer?: string;
  readonly message?: string;
  readonly codebase?: string;
  readonly project?: string;
  readonly category?: string;
  readonly link?: string;
  readonly property?: string[];
  readonly deliveryId?: string;
}

export function addSendChange(program: Command, context: CommandContext): void {
  program
    .command('sendchange')
    .argument('[files...]', 'files that changed')
    .requiredOption('--repository <url>', 'the repository, as the site names it')
    .option('--branch <branch>')
    .option('--revision <revision>')
    .option('--author <name>', 'default: your user name')
    .option('--committer <name>')
    .option('--message <text>')
    .option('--codebase <name>')
    .option('--project <name>')
    .option('--category <name>')
    .option('--link <url>', 'where people can look at it')
    .option('--property <name=value>', 'a property of its builds (may be repeated); JSON, or else text', collect)
    .option('--delivery-id <id>', 'the same id a second time makes no second change')
    .description('tell the master of a change')
    .action(
      async (files: string[], { property = [], author = context.terminal.user ?? undefined, ...rest }: Options) => {
        const properties = Object.fromEntries(property.map(parseProperty));
        const body = { ...rest, ...(author === undefined ? {} : { author }), files, properties };
        const { value, json } = await context.client().post('/changes', body, changeSchema);
        const where = [value.branch, value.revision].filter((part) => part !== null).join(' ');
        context.print(json, () => [printable(`change ${value.id}: ${value.repository} ${where}`.trimEnd())]);
      },
    );
}

function parseProperty(pair: string): [name: string, value: Json] {
  const [name, text] = namedValue('--property', pair);
  try {
    return [name, JSON.parse(text)];
  } catch {
    return [name, text];
  }
}
