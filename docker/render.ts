import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RenderedFile } from './rendered.ts';

/** What is on disk and differs from what the table says. */
export interface Drift {
  readonly path: string;
  readonly kind: 'missing' | 'different' | 'left over';
}

/**
 * Compares files with what they should be; `folders` hold nothing else than rendered files.
 */
export function driftOf(project: string, files: readonly RenderedFile[], folders: readonly string[]): Drift[] {
  const drift: Drift[] = [];
  for (const { path, text } of files) {
    const there = textOf(join(project, path));
    if (there !== text) drift.push({ path, kind: there === null ? 'missing' : 'different' });
  }
  const wanted = new Set(files.map(({ path }) => path));
  for (const path of folders.flatMap((folder) => filesBelow(project, folder)))
    if (!wanted.has(path)) drift.push({ path, kind: 'left over' });
  return drift;
}

/** Writes what differs, and takes away what is left over. Gives what it did. */
export function writeRendered(project: string, files: readonly RenderedFile[], folders: readonly string[]): Drift[] {
  const drift = driftOf(project, files, folders);
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  for (const { path } of drift) {
    const file = join(project, path);
    const text = texts.get(path);
    if (text === undefined) {
      rmSync(file);
      continue;
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return drift;
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

function filesBelow(project: string, folder: string): string[] {
  try {
    return readdirSync(join(project, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(project.length + 1));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
