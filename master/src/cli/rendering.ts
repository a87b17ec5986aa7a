import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Platform } from '@icefall/docker/platforms';
import type { Drift } from '@icefall/docker/render';
import type { RenderedFile } from '@icefall/docker/rendered';
import type { CommandContext } from './context.ts';
import { CliError, EXIT } from './exit.ts';

const OWN_PROJECT = resolve(import.meta.dirname, '..', '..', '..');

/** What is made from the table of platforms: the files, and the folders that hold nothing else. */
export interface Rendering {
  readonly files: (platforms: readonly Platform[]) => RenderedFile[];
  readonly folders: readonly string[];
}

/** The images: Dockerfiles, compose file. Loaded here: the other commands start faster without them. */
export async function imagesRendering(): Promise<Rendering> {
  const { renderedImages, RENDERED_IMAGES } = await import('@icefall/docker/rendered');
  return { files: renderedImages, folders: RENDERED_IMAGES };
}

/** The manifests of Kubernetes. */
export async function manifestsRendering(): Promise<Rendering> {
  const { renderedManifests, RENDERED_FOLDERS } = await import('@icefall/k8s/rendered');
  return { files: renderedManifests, folders: RENDERED_FOLDERS };
}

/** The project whose table is meant. */
export function projectFolder({ terminal }: CommandContext, option: string | undefined): string {
  const folder = option === undefined ? OWN_PROJECT : resolve(terminal.cwd, option);
  if (existsSync(join(folder, 'docker', 'platforms.ts'))) return folder;
  throw new CliError(
    EXIT.failed,
    `there is no docker/platforms.ts in ${folder}: give the project's folder with --project`,
  );
}

/** The table as it is on disk now. */
export async function readPlatforms(project: string): Promise<Platform[]> {
  const { PlatformError, readTable, TABLE } = await import('@icefall/docker/platform-table');
  const { statSync } = await import('node:fs');
  const file = join(project, TABLE);
  try {
    return await readTable(file, String(statSync(file, { bigint: true }).mtimeNs));
  } catch (error) {
    if (error instanceof PlatformError) throw new CliError(EXIT.failed, error.message);
    throw error;
  }
}

/** Writes everything that follows from a table. */
export async function writeAll(project: string, platforms: readonly Platform[]): Promise<Drift[]> {
  const { writeRendered } = await import('@icefall/docker/render');
  const renderings = [await imagesRendering(), await manifestsRendering()];
  return renderings.flatMap(({ files, folders }) => writeRendered(project, files(platforms), folders));
}
