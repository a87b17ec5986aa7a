import type { Json } from '@icefall/shared';
import { z } from 'zod';
import { propertyNameSchema } from '../config/names.ts';
import { type DeclaredOptions, defineStep, type StepDeclaration, type StepKind } from './kind.ts';
import {
  endByExitCode,
  type ParsedShell,
  type ShellOptions,
  shellCommand,
  shellSchema,
  shortCommand,
} from './shell.ts';

const oneSchema = z.strictObject({ property: propertyNameSchema, value: z.json() });
const manySchema = z.strictObject({ properties: z.record(propertyNameSchema, z.json()) });

const oneKind: StepKind<z.output<typeof oneSchema>> = {
  name: 'setProperty',
  schema: oneSchema,
  begin: ({ property, value }) => ({
    do: 'finish',
    result: 'SUCCESS',
    summary: `${property} = ${typeof value === 'string' ? value : JSON.stringify(value)}`.slice(0, 200),
    properties: { [property]: value as Json },
  }),
  describe: ({ property }) => `set ${property}`,
};
/** Sets one property of the build. */
export const setProperty = defineStep<z.output<typeof oneSchema>, { readonly property: string; readonly value: Json }>(
  oneKind,
);

const manyKind: StepKind<z.output<typeof manySchema>> = {
  name: 'setProperties',
  schema: manySchema,
  begin: ({ properties }) => ({
    do: 'finish',
    result: 'SUCCESS',
    summary: `set ${Object.keys(properties).join(', ')}`,
    properties: properties as Record<string, Json>,
  }),
  describe: () => 'set properties',
};
/** Sets several properties of the build. */
export const setProperties = defineStep<
  z.output<typeof manySchema>,
  { readonly properties: Readonly<Record<string, Json>> }
>(manyKind);

type Extract = (captured: {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}) => Readonly<Record<string, Json>>;

export interface FromCommandOptions extends ShellOptions {
  /** The property that takes the command's standard output. Either this or `extract`. */
  readonly property?: string;
  /** Cut white space off both ends; default true. */
  readonly strip?: boolean;
  /** Makes properties of what the command printed (the first MiB of each stream). */
  readonly extract?: Extract;
}
const fromCommandSchema = shellSchema
  .extend({
    property: propertyNameSchema.optional(),
    strip: z.boolean().default(true),
    extract: z.custom<Extract>((value) => typeof value === 'function', 'must be a function').optional(),
  })
  .refine((options) => (options.property === undefined) !== (options.extract === undefined), {
    message: 'needs either property or extract',
    path: ['property'],
  });

type FromCommand = ParsedShell & { property?: string | undefined; strip: boolean; extract?: Extract | undefined };
const fromCommandKind: StepKind<FromCommand> = {
  name: 'setPropertyFromCommand',
  schema: fromCommandSchema,
  begin: (options, run) => ({ do: 'command', command: shellCommand(options, run, true) }),
  end(options, outcome) {
    const end = endByExitCode(shortCommand(options.command), outcome, options.exitCodes);
    // A command that failed says nothing that a later step should rely on.
    if (end.result !== 'SUCCESS' && end.result !== 'WARNINGS') return end;
    const text = (name: 'stdout' | 'stderr') => (typeof outcome.values[name] === 'string' ? outcome.values[name] : '');
    if (options.extract !== undefined) {
      const properties = options.extract({
        exitCode: outcome.exitCode ?? 0,
        stdout: text('stdout'),
        stderr: text('stderr'),
      });
      return { ...end, summary: `set ${Object.keys(properties).join(', ')}`, properties };
    }
    const value = options.strip ? text('stdout').trim() : text('stdout');
    return {
      ...end,
      summary: `${options.property} = ${value}`.slice(0, 200),
      properties: { [options.property ?? '']: value },
    };
  },
  describe: (options) => shortCommand(options.command),
};
/** Sets properties from what a command prints. Nothing is set if the command fails. */
export const setPropertyFromCommand = defineStep<FromCommand, FromCommandOptions>(fromCommandKind);

const assertSchema = z.strictObject({ check: z.json(), message: z.string().default('the assertion does not hold') });
const assertKind: StepKind<z.output<typeof assertSchema>> = {
  name: 'assert',
  schema: assertSchema,
  flags: { haltOnFailure: true },
  begin: ({ check, message }) =>
    check === true
      ? { do: 'finish', result: 'SUCCESS', summary: 'holds' }
      : {
          do: 'finish',
          result: 'FAILURE',
          summary: message,
          text: `${message}\nfound ${JSON.stringify(check)}, wanted true\n`,
        },
  describe: () => 'assertion',
};
/** Fails the build unless `check` (usually a reference) is true. */
export const assertion: (
  options: DeclaredOptions<{ readonly check: Json; readonly message?: string }>,
) => StepDeclaration = defineStep(assertKind);
