import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Where `scripts/debian-programs.mjs` puts what the machine lacks; `vitest.config.ts` has its `bin` on the PATH of tests. */
const PLACE = resolve(import.meta.dirname, '../../node_modules/.cache/debian-programs');

/** Where a program is that the machine has or that was fetched for tests; null where there is neither. */
function programPath(program: string): string | null {
  const directories = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  return directories.map((directory) => join(directory, program)).find(existsSync) ?? null;
}

/** For the title of tests that are skipped: what they lack, or nothing. */
export function lacking(...programs: readonly string[]): string {
  const missing = programs.filter((program) => programPath(program) === null);
  return missing.length === 0 ? '' : ` (skipped: no ${missing.join(', ')} here, and none could be fetched)`;
}

/** Where a file or folder of a Debian package is, `/usr/lib/ldap` for instance: on the machine, or as it was fetched. */
export function debianPath(path: string): string {
  return existsSync(path) ? path : join(PLACE, 'files', path);
}
