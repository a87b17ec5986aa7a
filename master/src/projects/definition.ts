import { z } from 'zod';
import { positiveDurationSchema } from '../config/durations.ts';
import { nameSchema, treePathSchema } from '../config/names.ts';
import { variableSchema } from '../config/projects.ts';

/** The file in which a repository declares its pipeline. */
export const PIPELINE_FILE = 'icefall.yml';
/** Builders that one project may have: a mistake in a matrix must not fill the site. */
export const MOST_JOBS = 100;

/** YAML reads 3.10 as 3.1: what is to be text and has a point or an exponent is to be quoted. */
const text = z.union(
  [z.string().max(10_000), z.int().transform(String)],
  'must be text or a whole number; put anything else in quotes',
);
const word = z.union(
  [z.string().regex(/^[A-Za-z0-9_.+-]{1,40}$/), z.int().nonnegative().transform(String)],
  'must be 1 to 40 letters, digits or _ . + - ; put numbers with a point in quotes',
);
const environment = z.record(variableSchema, text).describe('Variables of the environment');
const duration = positiveDurationSchema.describe("Such as '90s', '20m', '4h'");
const artifactPath = z
  .string()
  .refine((path) => path !== '' && treePathSchema.safeParse(path.replace(/\/$/, '')).success, {
    message: 'must be a path below the checkout, such as dist/app.tar.gz: not absolute, without . and ..',
  })
  .refine((path) => path !== '/', 'must name something below the checkout');

const lockUse = z
  .union(
    [
      nameSchema.transform((lock) => ({ lock, count: 1, exclusive: false })),
      z.strictObject({
        lock: nameSchema,
        count: z.int().positive().default(1),
        exclusive: z.boolean().default(false),
      }),
    ],
    'must be the name of a lock, or { lock: NAME, count: N }, or { lock: NAME, exclusive: true }',
  )
  .describe('A lock of the site: its name, or { lock, count } or { lock, exclusive: true }');
const locks = z.array(lockUse).max(20).default([]);
export type LockUse = z.output<typeof lockUse>;

const oneOrMany = <T extends z.ZodType>(one: T) =>
  z.union([one.transform((value) => [value]), z.array(one).min(1)], 'must be one value or a list of them');
/** Of platforms, branches (with `*` for any text) or values of the matrix. */
const selected = z.union([z.string().min(1).max(200), z.int().nonnegative().transform(String)]);
const selection = z.record(z.string(), oneOrMany(selected));

const stepSchema = z
  .strictObject({
    name: z.string().min(1).max(100).optional(),
    run: z
      .union(
        [z.string().min(1).max(100_000), z.array(text).min(1)],
        'must be text for a shell, or a list of words that begins with a program',
      )
      .optional()
      .describe('A command: text for /bin/sh, or a list of words'),
    artifact: artifactPath.optional().describe('A file, or a directory with a / at its end, to be kept on the master'),
    publish: nameSchema.optional().describe('What of the site publishes; it is waited for'),
    env: environment.default({}),
    workdir: treePathSchema.default('').describe('Below the checkout'),
    secrets: z.array(variableSchema).max(20).default([]).describe('Secrets of the site, as variables'),
    locks,
    only: selection.default({}).describe('Only for these platforms, branches, or values of the matrix'),
    always: z.boolean().default(false).describe('Also after a step failed'),
    allowFailure: z.boolean().default(false).describe('A failure is a warning'),
    timeout: duration.optional().describe('Longest time in all'),
    silence: duration.optional().describe('Longest time without output; default 20 minutes'),
  })
  .superRefine(({ run, artifact, publish, secrets }, context) => {
    const kinds = [run, artifact, publish].filter((kind) => kind !== undefined).length;
    if (kinds !== 1)
      context.addIssue({ code: 'custom', message: 'a step needs one of run, artifact and publish, and only one' });
    if (run === undefined && secrets.length > 0)
      context.addIssue({ code: 'custom', path: ['secrets'], message: 'are only for steps with run' });
  });

/** What an `icefall.yml` may say. */
export const definitionSchema = z
  .strictObject({
    version: z.literal(1, 'must be 1: the version of this format'),
    platforms: z.array(nameSchema).min(1, 'must name at least one platform').max(50),
    matrix: z
      .record(variableSchema, z.array(word).min(1).max(50))
      .default({})
      .describe('More than one build for each platform: each name is a variable, each combination of values a builder'),
    exclude: z.array(selection).max(100).default([]).describe('Combinations that are not built'),
    branches: z
      .array(z.string().min(1).max(200))
      .min(1)
      .max(50)
      .optional()
      .describe('Branches that are built; * stands for any text. Default: the branch of this file'),
    pullRequests: z.boolean().default(true).describe('Build those that the site lets in'),
    submodules: z.boolean().default(false),
    env: environment.default({}),
    locks,
    steps: z.array(stepSchema).min(1, 'must have at least one step').max(100),
  })
  .describe('Pipeline of a project');
export type Definition = z.output<typeof definitionSchema>;
export type DefinedStep = Definition['steps'][number];

/** The schema for editors. */
export function definitionJsonSchema(): object {
  const schema = z.toJSONSchema(definitionSchema, { io: 'input', unrepresentable: 'any' });
  return { ...schema, title: `Icefall pipeline (${PIPELINE_FILE})` };
}
