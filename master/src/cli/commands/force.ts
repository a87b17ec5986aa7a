import {
  type Buildset,
  buildsetSchema,
  type ForceRequest,
  type FormField,
  namedShortly,
  type Scheduler,
  schedulerSchema,
} from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { apiPath } from '../client/paths.ts';
import { type CommandContext, collect, integer } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { formValues } from '../form-values.ts';
import { counted, printable } from '../output/text.ts';
import { waitForBuildset } from '../wait.ts';

/** Builders of a form that are named; the others are counted. */
const MOST_NAMED = 20;
const schedulersSchema = z.object({ schedulers: z.array(schedulerSchema) });
export const startedSchema = z.object({ buildset: buildsetSchema });

interface Options {
  readonly builder?: string[];
  readonly set?: string[];
  readonly reason?: string;
  readonly owner?: string;
  readonly priority?: number;
  readonly wait?: boolean;
  readonly form?: boolean;
}

export function addForce(program: Command, context: CommandContext): void {
  program
    .command('force')
    .argument('<scheduler>')
    .option('--builder <name>', 'only this of its builders (may be repeated)', collect)
    .option(
      '--set <name=value>',
      'a parameter (may be repeated; group.name=value and codebase.branch=value, too)',
      collect,
    )
    .option('--reason <text>', 'why')
    .option('--owner <name>', 'who (default: your user name)')
    .option('--priority <n>', 'higher first', integer('--priority'))
    .option('--form', 'show the parameters instead of starting')
    .option('--wait', 'follow it to the end; exit code 0 only if it is green')
    .description('start builds by hand')
    .action(async (name: string, options: Options) => {
      const scheduler = await findScheduler(context, name);
      const fields = scheduler.form?.fields ?? [];
      if (options.form === true) return context.print(scheduler.form, () => formLines(scheduler, fields));
      const body = requestOf(context, fields, options);
      const path = apiPath(['schedulers', name, 'force']);
      const { value, json } = await context.client().post(path, body, startedSchema);
      await tellStarted(context, value.buildset, json, options.wait === true);
    });
}

async function findScheduler(context: CommandContext, name: string): Promise<Scheduler> {
  const { value } = await context.client().get('/schedulers', schedulersSchema);
  const found = value.schedulers.find((scheduler) => scheduler.name === name);
  if (found?.form != null) return found;
  const names = value.schedulers.filter(({ form }) => form !== null).map((scheduler) => scheduler.name);
  const which = names.length === 0 ? 'the site has no force scheduler' : `it can be one of ${names.join(', ')}`;
  const what =
    found === undefined ? `there is no scheduler "${name}"` : `"${name}" is ${found.kind}, not started by hand`;
  throw new CliError(EXIT.failed, `${what}; ${which}`);
}

function requestOf({ terminal }: CommandContext, fields: readonly FormField[], options: Options): ForceRequest {
  const owner = options.owner ?? terminal.user;
  return {
    values: formValues(fields, options.set ?? []) as ForceRequest['values'],
    ...(options.builder === undefined ? {} : { builders: options.builder }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(owner === null ? {} : { owner }),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
  };
}

/** Says what was started, and follows it where that is wanted. */
export async function tellStarted(
  context: CommandContext,
  buildset: Buildset,
  json: unknown,
  wait: boolean,
): Promise<void> {
  const ids = buildset.requestIds.join(', ');
  const line = `started buildset ${buildset.id} with ${counted(buildset.requestIds.length, 'request')} (${ids})`;
  if (!wait) return context.print(json, () => [line]);
  if (!context.wantsJson()) context.lines([line]);
  await waitForBuildset(context, buildset.id);
}

function formLines(scheduler: Scheduler, fields: readonly FormField[]): string[] {
  const head = `${scheduler.name} starts ${namedShortly(scheduler.builders, MOST_NAMED)}`;
  if (fields.length === 0) return [head, 'It has no parameters.'];
  return [head, ...fields.flatMap((field) => fieldLines(field, '  --set ', ''))].map(printable);
}

function fieldLines(field: FormField, indent: string, prefix: string): string[] {
  if (field.type === 'group') {
    const inner = field.name === '' ? prefix : `${prefix}${field.name}.`;
    return field.fields.flatMap((member) => fieldLines(member, indent, inner));
  }
  const name = `${prefix}${field.name}`;
  if (field.type === 'codebase')
    return field.shown.map((part) => `${indent}${name}.${part}=…${shownDefault(field.default[part])}`);
  const required = field.required ? ', required' : '';
  return [`${indent}${name}=${kindOf(field)}${required}${noteOf(field.label, field.name, field.tooltip)}`];
}

function kindOf(field: Exclude<FormField, { type: 'group' } | { type: 'codebase' }>): string {
  switch (field.type) {
    case 'choice':
      return `${field.choices.join('|')}${field.strict ? '' : '|…'}${field.multiple ? ' (repeat for several)' : ''}${shownDefault([field.default].flat().join(', '))}`;
    case 'boolean':
      return `yes|no${shownDefault(field.default ? 'yes' : 'no')}`;
    case 'integer':
      return `NUMBER${shownDefault(field.default === null ? '' : String(field.default))}`;
    case 'fixed':
      return `${JSON.stringify(field.value)} (fixed)`;
    case 'user':
      return `${field.needEmail ? 'NAME <MAIL>' : 'NAME'}${shownDefault(field.default)}`;
    case 'text':
    case 'multiline':
      return `TEXT${shownDefault(field.default)}`;
  }
}

function shownDefault(value: string): string {
  return value === '' ? '' : ` (default ${value})`;
}

function noteOf(label: string, name: string, tooltip: string): string {
  const notes = [label === name ? '' : label, tooltip].filter((note) => note !== '');
  return notes.length === 0 ? '' : `   # ${notes.join(': ')}`;
}
