import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { ImageError } from './image.ts';
import { workerImage } from './images/worker.ts';
import type { Platform } from './platforms.ts';

/** Where the table is, below the project. */
export const TABLE = 'docker/platforms.ts';

/** The table, or what is asked of it, is wrong. */
export class PlatformError extends Error {
  readonly code = 'platform';
  constructor(message: string) {
    super(message);
    this.name = 'PlatformError';
  }
}

const platformSchema = z.strictObject({
  name: z
    .string()
    .regex(
      /^[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*$/,
      'must be lower-case letters and digits, with . or - between, such as debian14',
    ),
  title: z.string().regex(/^[^'\\\n]{1,60}$/, 'must be one line of at most 60 characters without quotes'),
  base: z.string().regex(/^[^'\\\s]+$/),
  family: z.enum(['apt', 'dnf']),
  spack: z.boolean(),
  packages: z.array(z.string()).optional(),
  needs: z
    .strictObject({ cpus: z.number().optional(), memoryMb: z.number().optional(), gpus: z.number().optional() })
    .optional(),
});

/** Bases by whose name the package manager is known. */
const FAMILIES = {
  apt: /\/(?:debian|ubuntu)\b/,
  dnf: /\/(?:almalinux|rockylinux|fedora|centos|oraclelinux|ubi\d*)\b/,
} as const;

/** How packages are installed on a base; null: its name does not say. */
export function familyOf(base: string): Platform['family'] | null {
  if (FAMILIES.apt.test(base)) return 'apt';
  return FAMILIES.dnf.test(base) ? 'dnf' : null;
}

/** Checks an entry. Throws {@link PlatformError} with every mistake. */
export function checkPlatform(entry: unknown): Platform {
  const parsed = platformSchema.safeParse(entry);
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'entry'}: ${issue.message}`);
    throw new PlatformError(`the platform ${JSON.stringify(Object(entry).name)}: ${mistakes.join('; ')}`);
  }
  // The schema's optional keys may be undefined, the table's may only be absent.
  const platform: Platform = JSON.parse(JSON.stringify(parsed.data));
  try {
    workerImage(platform);
  } catch (error) {
    if (error instanceof ImageError) throw new PlatformError(error.message);
    throw error;
  }
  return platform;
}

/** The platforms that a project's table has now, whatever was loaded before. */
export async function readTable(file: string, version: string): Promise<Platform[]> {
  const module: object = await import(`${pathToFileURL(file).href}?${version}`);
  const table: unknown = Reflect.get(module, 'PLATFORMS');
  if (!Array.isArray(table)) throw new PlatformError(`${file} exports no array PLATFORMS`);
  return table.map(checkPlatform);
}

const END = /^\] as const satisfies readonly Platform\[\];$/m;
/** Longest line that the formatter leaves on one. */
const LINE = 120;

/** The table's text with one more entry, at the end. Throws {@link PlatformError} where the end cannot be found. */
export function withPlatform(text: string, platform: Platform): string {
  const end = END.exec(text);
  if (end === null)
    throw new PlatformError(`${TABLE} has no line "] as const satisfies readonly Platform[];": add the entry by hand`);
  return `${text.slice(0, end.index)}${entryText(platform)}${text.slice(end.index)}`;
}

/** The table's text without an entry. Throws {@link PlatformError} where it cannot be found. */
export function withoutPlatform(text: string, name: string): string {
  const escaped = name.replaceAll('.', '\\.');
  // No text in an entry has a brace; `needs` is the one object in it.
  const entry = new RegExp(`^ {2}\\{\\s*name: '${escaped}',(?:[^{}]|\\{[^{}]*\\})*\\},\\n`, 'm');
  if (!entry.test(text))
    throw new PlatformError(`${TABLE} has no entry { name: '${name}', … } that could be taken out: do it by hand`);
  return text.replace(entry, '');
}

function entryText({ name, title, base, family, spack }: Platform): string {
  const parts = [`name: '${name}'`, `title: '${title}'`, `base: '${base}'`, `family: '${family}'`, `spack: ${spack}`];
  const line = `  { ${parts.join(', ')} },\n`;
  return line.length <= LINE + 1 ? line : `  {\n${parts.map((part) => `    ${part},\n`).join('')}  },\n`;
}
