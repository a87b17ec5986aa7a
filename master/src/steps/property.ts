import type { CommandOutcome, Json } from '@icefall/shared';
import { z } from 'zod';
import { functionSchema, whyNot } from '../config/declared.ts';
import { jsonSchema, propertyNameSchema, propertyValuesSchema } from '../config/names.ts';
import { describeIssue } from '../config/problems.ts';
import { type DeclaredOptions, defineStep, type StepKind } from './kind.ts';
import { endByExitCode, shortCommand } from './outcome.ts';
import { type ParsedShell, type ShellOptions, shellCommand, shellSchema } from './shell.ts';
import type { StepDeclaration, StepEnd } from './step.ts';

const oneSchema = z.strictObject({ property: propertyNameSchema, value: jsonSchema });
const manySchema = z.strictObject({ properties: propertyValuesSchema });

const oneKind: StepKind<z.output<typeof oneSchema>> = {
  name: 'setProperty',
  schema: oneSchema,
  begin: ({ property, value }) => ({
    do: 'finish',
    result: 'SUCCESS',
    summary: `${property} = ${typeof value === 'string' ? value : JSON.stringify(value)}`.slice(0, 200),
    properties: { [property]: value },
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
    properties,
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
    extract: z
      .custom<Extract>((value) => functionSchema.safeParse(value).success, whyNot('must be a function'))
      .optional(),
  })
  .refine((options) => (options.property === undefined) !== (options.extract === undefined), {
    message: 'needs either property or extract',
    path: ['property'],
    // Whether they are given is known, also where they are references.
    when: () => true,
  });

function captured(outcome: CommandOutcome, stream: 'stdout' | 'stderr'): string {
  const text = outcome.values[stream];
  return typeof text === 'string' ? text : '';
}

/** The site's function may throw, or return what no property can be: the step says so. */
function extracted(extract: Extract, outcome: CommandOutcome): Partial<StepEnd> {
  const fail = (why: string) => ({ result: 'EXCEPTION' as const, summary: `extract() failed: ${why}`.slice(0, 200) });
  try {
    const stdout = captured(outcome, 'stdout');
    const stderr = captured(outcome, 'stderr');
    const returned: unknown = extract({ exitCode: outcome.exitCode ?? 0, stdout, stderr });
    const parsed = propertyValuesSchema.safeParse(returned);
    if (!parsed.success) return fail(parsed.error.issues.map((issue) => describeIssue(issue, returned)).join('; '));
    return {
      summary: `set ${Object.keys(parsed.data).join(', ')}`,
      properties: parsed.data,
    };
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

type FromCommand = ParsedShell & { property?: string | undefined; strip: boolean; extract?: Extract | undefined };
const fromCommandKind: StepKind<FromCommand> = {
  name: 'setPropertyFromCommand',
  schema: fromCommandSchema,
  begin: (options, run) => ({ do: 'command', command: shellCommand(options, run, true) }),
  end(options, outcome) {
    const end = endByExitCode(shortCommand(options.command), outcome, options.exitCodes);
    // A command that failed says nothing that a later step should rely on.
    if (end.result !== 'SUCCESS' && end.result !== 'WARNINGS') return end;
    if (options.extract !== undefined) return { ...end, ...extracted(options.extract, outcome) };
    const value = options.strip ? captured(outcome, 'stdout').trim() : captured(outcome, 'stdout');
    const property = options.property ?? '';
    return { ...end, summary: `${property} = ${value}`.slice(0, 200), properties: { [property]: value } };
  },
  describe: (options) => shortCommand(options.command),
};
/** Sets properties from what a command prints. Nothing is set if the command fails. */
export const setPropertyFromCommand = defineStep<FromCommand, FromCommandOptions>(fromCommandKind);

const assertSchema = z.strictObject({ check: jsonSchema, message: z.string().default('the assertion does not hold') });
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
