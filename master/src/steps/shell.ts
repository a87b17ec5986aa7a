import { RESULTS, type Result, type ShellCommand } from '@icefall/shared';
import { z } from 'zod';
import { type Duration, durationSchema, positiveDurationSchema } from '../config/durations.ts';
import { type SecretReference, secretSchema } from '../secrets/reference.ts';
import { withoutSecrets } from '../secrets/use.ts';
import { defineStep, type StepKind } from './kind.ts';
import { endByExitCode, shortCommand } from './outcome.ts';
import type { StepRun } from './step.ts';

/** A word of a command line, or a list of words: a computed one may give none or many. */
export type Word = string | number | boolean | readonly Word[];

/** Limits and environment that every step with a process on the worker takes. */
export interface ProcessOptions {
  /** Merged over the builder's and the worker's; null deletes a variable; `${NAME}` is the worker's own value. */
  readonly env?: Readonly<Record<string, string | number | boolean | null | SecretReference>>;
  /** Secrets as files: by variable, whose value is the file's path. The files are gone when the command has ended. */
  readonly secretFiles?: Readonly<Record<string, SecretReference>>;
  /** Relative to the build's directory on the worker, or absolute; default `build`. */
  readonly workdir?: string;
  /** Ended when it writes nothing for this long; default 20 minutes, null for no limit. */
  readonly idleTimeout?: Duration | null;
  /** Ended after this time in all; default no limit. */
  readonly maxTime?: Duration | null;
}

export interface ShellOptions extends ProcessOptions {
  /** A list runs as it is, without a shell; a string is given to `/bin/sh -c`. Lists in the list are flattened. */
  readonly command: string | readonly Word[];
  /** Ended after this many lines. */
  readonly maxLines?: number | null;
  /** From TERM to KILL when it is ended; default 10 seconds. */
  readonly killGrace?: Duration;
  readonly stdin?: string | null | SecretReference;
  /** Extra logs: name to path, or to a path that is followed from its present end. */
  readonly logFiles?: Readonly<Record<string, string | { readonly path: string; readonly follow?: boolean }>>;
  /** Result by exit code; a code that is not in it is FAILURE. Default `{ 0: 'SUCCESS' }`. */
  readonly exitCodes?: Readonly<Record<number, Result>>;
}

const word = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const TEXT_OR_SECRET = 'must be text, a number, yes/no, null or a secret(...)';

/** Options that every step with a process has, in parsed form. In `env` null is a variable that is deleted. */
export const processShape = {
  env: z.record(z.string().min(1), z.union([word, z.null(), secretSchema], TEXT_OR_SECRET)).default({}),
  secretFiles: z.record(z.string().regex(/^[A-Za-z_]\w*$/, 'must be the name of a variable'), secretSchema).default({}),
  workdir: z.string().min(1).default('build'),
  idleTimeout: positiveDurationSchema.nullable().default(20 * 60_000),
  maxTime: positiveDurationSchema.nullable().default(null),
};

const words: z.ZodType<string[]> = z.lazy(() =>
  z.array(z.union([word.transform((one) => [one]), words])).transform((list) => list.flat()),
);
/** A command line: at least one word, the first not empty. */
export const commandLineSchema = z.union(
  [z.string().min(1), words.refine((all) => all.length > 0 && all[0] !== '', 'must name a program')],
  'must be text for a shell, or a list of words that begins with a program',
);

/** Schema of {@link ShellOptions}. */
export const shellSchema = z.strictObject({
  command: commandLineSchema,
  ...processShape,
  maxLines: z.number().int().positive().nullable().default(null),
  killGrace: durationSchema.default(10_000),
  stdin: z.union([z.string(), z.null(), secretSchema], 'must be text, null or a secret(...)').default(null),
  logFiles: z
    .record(
      z.string().min(1),
      z.union([z.string().min(1), z.strictObject({ path: z.string().min(1), follow: z.boolean().default(false) })]),
    )
    .default({}),
  exitCodes: z.record(z.string().regex(/^\d+$/, 'must be an exit code'), z.enum(RESULTS)).default({ 0: 'SUCCESS' }),
});
export type ParsedShell = z.output<typeof shellSchema>;

/** The worker's command for parsed shell options. */
export function shellCommand(options: ParsedShell, run: StepRun, capture: boolean): ShellCommand {
  return {
    kind: 'shell',
    command: options.command,
    workdir: options.workdir,
    ...withoutSecrets(run.env, options),
    idleTimeoutMs: options.idleTimeout,
    maxTimeMs: options.maxTime,
    maxLines: options.maxLines,
    killGraceMs: options.killGrace,
    logFiles: Object.entries(options.logFiles).map(([name, file]) =>
      typeof file === 'string' ? { name, path: file, follow: false } : { name, ...file },
    ),
    capture,
  };
}

const kind: StepKind<ParsedShell> = {
  name: 'shell',
  schema: shellSchema,
  begin: (options, run) => ({ do: 'command', command: shellCommand(options, run, false) }),
  end: (options, outcome) => endByExitCode(shortCommand(options.command), outcome, options.exitCodes),
  describe: (options) => shortCommand(options.command),
};

/** Runs a program on the worker. */
export const shell = defineStep<ParsedShell, ShellOptions>(kind);
