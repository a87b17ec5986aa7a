import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { issueIn, readYaml } from '../../projects/yaml-text.ts';
import type { CommandContext } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';

/** For images of a site's own projects, described in a file of theirs as the site's images are in the table. */
export function addDockerfile(images: Command, context: CommandContext): void {
  images
    .command('dockerfile')
    .argument('<file>', 'description of the image, in YAML or JSON')
    .description('print the Dockerfile of an image that a project describes: its stages, by the policy of the site')
    .action(async (file: string) => {
      const text = await dockerfileOf(file, resolve(context.terminal.cwd, file));
      context.print({ dockerfile: text }, () => text.trimEnd().split('\n'));
    });
  images
    .command('schema')
    .description('print the JSON schema of such descriptions, for editors')
    .action(async () => {
      const { imageSchema } = await import('@icefall/docker/image');
      const schema = {
        ...z.toJSONSchema(imageSchema, { io: 'input', unrepresentable: 'any' }),
        title: 'Icefall image',
      };
      context.print(schema, () => JSON.stringify(schema, null, 2).split('\n'));
    });
}

/** Throws {@link CliError} with every mistake: file, line, place, value and what would be right. */
async function dockerfileOf(name: string, path: string): Promise<string> {
  const { imageSchema } = await import('@icefall/docker/image');
  const { renderDockerfile } = await import('@icefall/docker/dockerfile');
  const yaml = readYaml(textOf(name, path));
  if ('mistakes' in yaml) throw failed(yaml.mistakes.map(({ line, message }) => `${name}:${line}: ${message}`));
  const parsed = imageSchema.safeParse(yaml.value);
  if (!parsed.success) throw failed(parsed.error.issues.map((issue) => `${name}:${issueIn(yaml, issue)}`));
  return renderDockerfile(parsed.data, {
    source: name,
    command: `icefall images dockerfile ${name}`,
    path: 'Dockerfile',
  });
}

function textOf(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw failed([`${name}: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

function failed(lines: readonly string[]): CliError {
  return new CliError(EXIT.failed, lines.join('\n'));
}
