import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Platform } from '@icefall/docker/platforms';
import type { Drift } from '@icefall/docker/render';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { counted } from '../output/text.ts';
import { projectFolder, readPlatforms, writeAll } from '../rendering.ts';

/** Compiler flags of each platform, in the build scripts that ship. */
const FLAGS = 'config/embedded/build-scripts/platforms';

interface AddOptions {
  readonly base: string;
  readonly title?: string;
  readonly family?: string;
  readonly spack?: boolean;
  readonly project?: string;
}

export function addPlatform(program: Command, context: CommandContext): void {
  const platform = program
    .command('platform')
    .description('the platforms of a site: image, worker, builders and manifests of each');
  platform
    .command('add')
    .argument('<name>', 'of the worker, its builders and its folder in the tree, such as debian14')
    .requiredOption('--base <image>', 'what its image stands on, such as docker.io/library/debian:14-slim')
    .option('--title <text>', 'for people (default: the name)')
    .option('--family <apt|dnf>', 'how packages are installed there (default: by the name of the base)')
    .option('--spack', 'it is new enough for Spack builds')
    .option('--project <dir>', "the project's folder (default: that of this program)")
    .description('write its entry in the table, and everything that follows from it')
    .action((name: string, options: AddOptions) => add(context, name, options));
  platform
    .command('remove')
    .argument('<name>', 'as in the table')
    .option('--project <dir>', "the project's folder (default: that of this program)")
    .description('take its entry away, and everything that followed from it; what it has built stays')
    .action((name: string, options: { readonly project?: string }) => remove(context, name, options));
}

async function add(context: CommandContext, name: string, options: AddOptions): Promise<void> {
  const project = projectFolder(context, options.project);
  const { checkPlatform, familyOf, TABLE, withPlatform } = await import('@icefall/docker/platform-table');
  const platforms = await readPlatforms(project);
  if (platforms.some((platform) => platform.name === name))
    throw new CliError(EXIT.failed, `there is a platform "${name}" already; nothing was written`);
  const family = options.family ?? familyOf(options.base);
  if (family === null)
    throw new CliError(
      EXIT.usage,
      `how packages are installed on ${options.base} is not known: give --family apt or dnf`,
    );
  const { base, title = name, spack = false } = options;
  const platform = await told(() => checkPlatform({ name, title, base, family, spack }));
  const table = join(project, TABLE);
  writeFileSync(table, await told(() => withPlatform(readFileSync(table, 'utf8'), platform)));
  const flags = join(project, FLAGS, `${name}.sh`);
  if (existsSync(join(project, FLAGS)) && !existsSync(flags))
    writeFileSync(flags, `# ${title}\nCFLAGS="-O2"\nLDFLAGS=""\n`);
  const changed = await writeAll(project, [...platforms, platform]);
  context.print({ platform, changed }, () => [
    ...changedLines(`added ${name}`, TABLE, changed),
    ...nextSteps(platform),
  ]);
}

async function remove(context: CommandContext, name: string, options: { readonly project?: string }): Promise<void> {
  const project = projectFolder(context, options.project);
  const { TABLE, withoutPlatform } = await import('@icefall/docker/platform-table');
  const platforms = await readPlatforms(project);
  const names = platforms.map((platform) => platform.name);
  if (!names.includes(name))
    throw new CliError(EXIT.failed, `there is no platform "${name}"; there are: ${names.join(', ')}`);
  if (names.length === 1) throw new CliError(EXIT.failed, `"${name}" is the only platform: a site needs one`);
  const table = join(project, TABLE);
  writeFileSync(table, await told(() => withoutPlatform(readFileSync(table, 'utf8'), name)));
  rmSync(join(project, FLAGS, `${name}.sh`), { force: true });
  const changed = await writeAll(
    project,
    platforms.filter((platform) => platform.name !== name),
  );
  context.print({ platform: name, changed }, () => [
    ...changedLines(`removed ${name}`, TABLE, changed),
    'next: icefall plan shows what that means for the running master; docs/runbook.md, for the cluster',
  ]);
}

function changedLines(what: string, table: string, changed: readonly Drift[]): string[] {
  return [
    `${what}: ${table} and ${counted(changed.length, 'rendered file')}`,
    ...changed.map(({ path }) => `  ${path}`),
  ];
}

function nextSteps({ name }: Platform): string[] {
  return [
    `next: a new version in docker/policy.ts, rendered; npm run images -- worker-${name} master; a token for its worker`,
    `kubectl apply -k … -l icefall/role=master, then -l icefall/platform=${name} (docs/runbook.md tells all of it)`,
  ];
}

/** What is wrong with an entry or the table is told in a line. */
async function told<T>(work: () => T): Promise<T> {
  const { PlatformError } = await import('@icefall/docker/platform-table');
  try {
    return work();
  } catch (error) {
    if (error instanceof PlatformError) throw new CliError(EXIT.failed, `${error.message}; nothing was written`);
    throw error;
  }
}
