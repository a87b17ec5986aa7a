import { join } from 'node:path';
import { z } from 'zod/mini';
import { readIfThere, writeWhole } from './files.ts';

/** What the hook of one repository was installed with. */
export interface HookSettings {
  /** The master's address. */
  readonly url: string;
  /** The repository as the site's program names it. */
  readonly repository: string;
  readonly codebase: string;
  readonly project: string;
}

const settingsSchema = z.object({
  url: z.string(),
  repository: z.string(),
  codebase: z.string(),
  project: z.string(),
});

/** Of the hook whose folder is `state`. Throws an error that names the file. */
export function readSettings(state: string): HookSettings {
  const file = join(state, 'settings.json');
  const text = readIfThere(file);
  if (text === null) throw new Error(`${file} is not there; install the hook again with "icefall hook install"`);
  try {
    return settingsSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${file} cannot be read; install the hook again with "icefall hook install"`, { cause: error });
  }
}

export function writeSettings(state: string, settings: HookSettings): void {
  writeWhole(join(state, 'settings.json'), `${JSON.stringify(settings, null, 2)}\n`);
}
