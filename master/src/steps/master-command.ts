import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { type Duration, positiveDurationSchema } from '../config/durations.ts';
import { defineStep, type StepKind } from './kind.ts';
import { endByExitCode, shortCommand } from './outcome.ts';
import { commandLineSchema, environmentSchema, type Word } from './shell.ts';

export interface MasterCommandOptions {
  readonly command: string | readonly Word[];
  /** Absolute path on the master. */
  readonly workdir: string;
  /** Merged over the master's environment; null deletes. */
  readonly env?: Readonly<Record<string, string | number | boolean | null>>;
  /** Default one hour. */
  readonly maxTime?: Duration | null;
}
const schema = z.strictObject({
  command: commandLineSchema,
  workdir: z.string().refine(isAbsolute, 'must be an absolute path on the master'),
  env: environmentSchema.default({}),
  maxTime: positiveDurationSchema.nullable().default(3_600_000),
});
type Parsed = z.output<typeof schema>;

const kind: StepKind<Parsed> = {
  name: 'masterCommand',
  schema,
  flags: { haltOnFailure: true },
  begin: (options) => ({
    do: 'masterCommand',
    command: options.command,
    workdir: options.workdir,
    env: options.env,
    maxTimeMs: options.maxTime,
  }),
  end: (options, outcome) => endByExitCode(shortCommand(options.command), outcome),
  describe: (options) => shortCommand(options.command),
};

/** Runs a program on the master's machine. It ends with the master: the build is then retried. */
export const masterCommand = defineStep<Parsed, MasterCommandOptions>(kind);
