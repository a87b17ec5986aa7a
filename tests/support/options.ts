import { parseArgs } from 'node:util';

interface Wanted<Numbers, Texts, Flag extends string> {
  /** Whole numbers that are not negative, with what they are by default; null: they need not be. */
  readonly numbers: Numbers;
  readonly texts?: Texts;
  readonly flags?: readonly Flag[];
}

type Options<Numbers, Texts, Flag extends string> = {
  readonly [Name in keyof Numbers]: Numbers[Name] extends null ? number | null : number;
} & { readonly [Name in keyof Texts]: string } & { readonly [Name in Flag]: boolean };

/** A mistake in the command line of a test program. */
export class OptionsError extends Error {
  readonly code = 'options';
}

/** The options of a test program, from its arguments. Throws {@link OptionsError}. */
export function parseOptions<
  Numbers extends Readonly<Record<string, number | null>>,
  Texts extends Readonly<Record<string, string>> = Record<never, string>,
  Flag extends string = never,
>(
  args: readonly string[],
  { numbers, texts, flags = [] }: Wanted<Numbers, Texts, Flag>,
): Options<Numbers, Texts, Flag> {
  const valued = [...Object.keys(numbers), ...Object.keys(texts ?? {})];
  const given = read(args, valued, flags);
  const parsed: Record<string, number | string | boolean | null> = { ...numbers, ...texts };
  for (const flag of flags) parsed[flag] = given[flag] === true;
  for (const name of valued) {
    const value = given[name];
    if (value === undefined) continue;
    const isNumber = Object.hasOwn(numbers, name);
    if (isNumber && !/^\d{1,15}$/.test(String(value)))
      throw new OptionsError(`--${name} ${JSON.stringify(value)} is not a whole number`);
    parsed[name] = isNumber ? Number(value) : String(value);
  }
  return parsed as Options<Numbers, Texts, Flag>;
}

function read(args: readonly string[], valued: readonly string[], flags: readonly string[]): Record<string, unknown> {
  const options = Object.fromEntries([
    ...valued.map((name) => [name, { type: 'string' as const }]),
    ...flags.map((name) => [name, { type: 'boolean' as const }]),
  ]);
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    const names = [...valued, ...flags].map((name) => `--${name}`);
    throw new OptionsError(`${error instanceof Error ? error.message : String(error)}; there are ${names.join(', ')}`);
  }
}

/** {@link parseOptions} of this process: what is wrong, or `--help`, ends it with the usage. */
export function optionsOfProcess<
  Numbers extends Readonly<Record<string, number | null>>,
  Texts extends Readonly<Record<string, string>> = Record<never, string>,
  Flag extends string = never,
>(usage: string, wanted: Wanted<Numbers, Texts, Flag>): Options<Numbers, Texts, Flag> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseOptions(args, wanted);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
}
