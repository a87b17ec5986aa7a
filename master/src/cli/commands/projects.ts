import { type Project, projectSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { definitionJsonSchema } from '../../projects/definition.ts';
import { owner } from '../client/owner.ts';
import { apiPath } from '../client/paths.ts';
import type { CommandContext } from '../context.ts';
import { type Cell, type Column, tableLines } from '../output/table.ts';
import { relative } from '../output/words.ts';

const listSchema = z.object({ projects: z.array(projectSchema) });

export function addProjects(program: Command, context: CommandContext): void {
  const group = program.command('projects').description('repositories that declare their own pipelines (icefall.yml)');
  group
    .command('list', { isDefault: true })
    .argument('[text]', 'only those with this in their name')
    .option('--broken', 'only those whose icefall.yml is broken, with what is wrong')
    .description('list the projects')
    .action((text: string | undefined, { broken }: { broken?: true }) => list(context, text ?? '', broken === true));
  group
    .command('show')
    .argument('<name>')
    .description('one project, and what is wrong with its pipeline')
    .action(async (name: string) => {
      const { value, json } = await context.client().get(apiPath(['projects', name]), projectSchema);
      context.print(json, () => linesOf(value));
    });
  group
    .command('read')
    .argument('<name>')
    .description("read a project's pipeline now, instead of at its next turn")
    .action(async (name: string) => {
      const { value, json } = await context
        .client()
        .post(apiPath(['projects', name, 'read']), owner(context), projectSchema);
      context.print(json, () => linesOf(value));
    });
  group
    .command('schema')
    .description('print the JSON schema of icefall.yml, for editors')
    .action(() => context.terminal.out(`${JSON.stringify(definitionJsonSchema(), null, 2)}\n`));
}

async function list(context: CommandContext, text: string, isBrokenOnly: boolean): Promise<void> {
  const { value } = await context.client().get('/projects', listSchema);
  const projects = value.projects.filter(
    ({ name, state }) => name.includes(text) && (!isBrokenOnly || state === 'broken'),
  );
  context.print({ projects }, () => {
    if (projects.length === 0) return [value.projects.length === 0 ? 'the site has no projects' : 'no such project'];
    if (isBrokenOnly) return projects.flatMap(({ errors }) => errors);
    return tableLines(context.terminal, columnsAt(context.terminal.now()), projects);
  });
}

function columnsAt(now: number): readonly Column<Project>[] {
  return [
    { title: 'PROJECT', value: ({ name }) => name },
    { title: 'STATE', value: stateOf },
    { title: 'BUILDERS', value: ({ builders }) => String(builders.length), align: 'right' },
    { title: 'BRANCH', optional: true, value: ({ branch }) => branch ?? '' },
    { title: 'READ', optional: true, value: ({ readAt }) => (readAt === null ? 'never' : relative(readAt, now)) },
    { title: 'REPOSITORY', optional: true, value: ({ repository }) => repository, flexible: true },
    { title: 'ERROR', value: ({ errors }) => errors[0] ?? '', flexible: true },
  ];
}

function stateOf({ state }: Project): Cell {
  if (state === 'ok') return { text: 'ok', format: 'green' };
  return state === 'broken' ? { text: 'broken', format: 'red' } : { text: 'unread', format: 'yellow' };
}

function linesOf(project: Project): string[] {
  const { name, repository, branch, file, state, pipelineRevision, builders, errors, trust } = project;
  return [
    `${name}: ${state}, ${repository}${branch === null ? '' : `, branch ${branch}`}`,
    pipelineRevision === null ? `no ${file} yet` : `${file} of ${pipelineRevision.slice(0, 12)}`,
    `pull requests: ${trust.pullRequests}; forks: ${trust.forks}`,
    ...builders.map((builder) => `  ${builder}`),
    ...errors,
  ];
}
