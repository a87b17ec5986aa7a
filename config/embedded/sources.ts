import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Makes a directory with a link for each package to the C sources that our dependencies carry: SQLite's amalgamation and Argon2. */
export function prepareSources(directory: string): void {
  const require = createRequire(import.meta.url);
  const folder = (name: string) => dirname(require.resolve(`${name}/package.json`));
  const argon2 = dirname(require.resolve('argon2'));
  const links = { sqlite: join(folder('better-sqlite3'), 'deps', 'sqlite3'), argon2: join(argon2, 'argon2') };
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const [name, target] of Object.entries(links)) {
    if (!existsSync(target) || !readdirSync(target).length)
      throw new Error(`the sources of ${name} are not in ${target}; run npm install again`);
    symlinkSync(target, join(directory, name));
  }
}
