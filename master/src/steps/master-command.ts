import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { type Duration, positiveDurationSchema } from '../config/durations.ts';
import { withoutSecrets } from '../secrets/use.ts';
import { defineStep, type StepKind } from './kind.ts';
import { endByExitCode, shortCommand } from './outcome.ts';
import { commandLineSchema, type ProcessOptions, processShape, type Word } from './shell.ts';

export interface MasterCommandOptions {
  readonly command: string | readonly Word[];
  /** Absolute path on the master. */
  readonly workdir: string;
  /** Merged over the master's environment; null deletes. Secrets are read when the command starts. */
  readonly env?: ProcessOptions['env'];
  /** Default one hour. */
  readonly maxTime?: Duration | null;
}
const schema = z.strictObject({
  command: commandLineSchema,
  workdir: z.string().refine(isAbsolute, 'must be an absolute path on the master'),
  env: processShape.env,
  maxTime: positiveDurationSchema.nullable().default(3_600_000),
});
type Parsed = z.output<typeof schema>;

function environmentOf({ env }: Parsed) {
  const { env: plain, secrets } = withoutSecrets({}, { env, secretFiles: {} });
  return { env: plain, secrets: secrets?.env ?? {} };
}

const kind: StepKind<Parsed> = {
  name: 'masterCommand',
  schema,
  flags: { haltOnFailure: true },
  begin: (options) => ({
    do: 'masterCommand',
    command: options.command,
    workdir: options.workdir,
    ...environmentOf(options),
    maxTimeMs: options.maxTime,
  }),
  end: (options, outcome) => endByExitCode(shortCommand(options.command), outcome),
  describe: (options) => shortCommand(options.command),
};

/** Runs a program on the master's machine. It ends with the master: the build is then retried. */
export const masterCommand = defineStep<Parsed, MasterCommandOptions>(kind);
