import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { CliError, EXIT } from '../exit.ts';
import type { Terminal } from '../terminal.ts';

/** `id`: the master's number of a token that it was asked for; null of one that was made on the page. */
const loginsSchema = z.record(z.string(), z.object({ user: z.string(), token: z.string(), id: z.number().nullable() }));
export type Login = z.infer<typeof loginsSchema>[string];

/** What `icefall login` has stored, by the master's address: a file that only its owner reads. */
export class Logins {
  readonly #file: string | null;

  constructor({ env }: Pick<Terminal, 'env'>) {
    const folder = env.XDG_CONFIG_HOME || (env.HOME ? join(env.HOME, '.config') : null);
    this.#file = folder === null ? null : join(folder, 'icefall', 'logins.json');
  }

  of(url: string): Login | null {
    return this.#read()[keyOf(url)] ?? null;
  }

  put(url: string, login: Login): void {
    this.#write({ ...this.#read(), [keyOf(url)]: login });
  }

  remove(url: string): void {
    const { [keyOf(url)]: _gone, ...others } = this.#read();
    this.#write(others);
  }

  #read(): z.infer<typeof loginsSchema> {
    if (this.#file === null || !existsSync(this.#file)) return {};
    const parsed = loginsSchema.safeParse(parsedJson(readFileSync(this.#file, 'utf8')));
    if (parsed.success) return parsed.data;
    throw new CliError(EXIT.failed, `${this.#file} is not what icefall login has written; delete it, and log in again`);
  }

  #write(logins: z.infer<typeof loginsSchema>): void {
    if (this.#file === null)
      throw new CliError(EXIT.failed, 'a login is stored in the home directory, and there is none: set HOME');
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    const next = `${this.#file}.${process.pid}`;
    writeFileSync(next, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600 });
    renameSync(next, this.#file);
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The same master by any way of writing its address. */
function keyOf(url: string): string {
  return URL.canParse(url) ? new URL(url).href.replace(/\/+$/, '') : url;
}
