import { relative } from 'node:path';
import type { ConfigError } from '../../config/problems.ts';
import type { CommandContext } from '../context.ts';

/** The mistakes of a configuration, a line each: `file:line: message`. */
export function problemLines(context: CommandContext, error: ConfigError): string[] {
  return problemsOf(context, error).map(({ file, line, message }) =>
    file === null ? message : `${file}:${line}: ${message}`,
  );
}

/** The same for programs. */
export function problemsOf({ terminal: { cwd } }: CommandContext, error: ConfigError) {
  return error.problems.map(({ place, message }) => ({
    file: place === null ? null : fileOf(cwd, place.file),
    line: place?.line ?? null,
    message: message.replaceAll(`${cwd}/`, ''),
  }));
}

/** Short where the file lies below the current folder. */
function fileOf(cwd: string, file: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path;
}
