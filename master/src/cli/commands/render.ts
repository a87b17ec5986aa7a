import type { Drift } from '@icefall/docker/render';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { counted } from '../output/text.ts';
import { imagesRendering, manifestsRendering, projectFolder, type Rendering, readPlatforms } from '../rendering.ts';
import { addDockerfile } from './dockerfile.ts';

interface Options {
  readonly check?: boolean;
  readonly project?: string;
}

export function addImages(program: Command, context: CommandContext): void {
  const images = program.command('images').description('the images: master, stratum 0, a worker for each platform');
  addRender(images, context, 'write the Dockerfiles and the compose file of the table of platforms', imagesRendering);
  addDockerfile(images, context);
}

export function addK8s(program: Command, context: CommandContext): void {
  const k8s = program.command('k8s').description('the manifests for Kubernetes');
  addRender(k8s, context, 'write the manifests of the table of platforms: base and overlays', manifestsRendering);
}

function addRender(parent: Command, context: CommandContext, what: string, rendering: () => Promise<Rendering>): void {
  parent
    .command('render')
    .option('--check', 'write nothing: exit code 1 where a file is not what it should be')
    .option('--project <dir>', "the project's folder (default: that of this program)")
    .description(what)
    .action(async (options: Options) => render(context, options, await rendering()));
}

async function render(context: CommandContext, options: Options, { files, folders }: Rendering): Promise<void> {
  const project = projectFolder(context, options.project);
  const { driftOf, writeRendered } = await import('@icefall/docker/render');
  const wanted = files(await readPlatforms(project));
  const check = options.check === true;
  const drift = (check ? driftOf : writeRendered)(project, wanted, folders);
  context.print({ files: wanted.map(({ path }) => path), changed: drift }, () => lines(wanted.length, drift, check));
  if (check && drift.length > 0)
    throw new CliError(
      EXIT.failed,
      `${counted(drift.length, 'file')} not as rendered: run the command without --check`,
    );
}

function lines(total: number, drift: readonly Drift[], check: boolean): string[] {
  const verb = { missing: 'written', different: 'written', 'left over': 'removed' } as const;
  return [
    ...drift.map(({ path, kind }) => `${path}: ${check ? kind : verb[kind]}`),
    `${counted(total, 'file')}, ${drift.length === 0 ? 'all as they should be' : `${drift.length} ${check ? 'not as they should be' : 'changed'}`}`,
  ];
}
