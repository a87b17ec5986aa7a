import { z } from 'zod';
import { type Duration, positiveDurationSchema } from '../config/durations.ts';
import { defineStep, type StepKind } from './kind.ts';
import { endByExitCode } from './outcome.ts';

const path = z.string().min(1);
/** Paths are relative to the build's directory on the worker (not to `build` in it), or absolute. */
const BUILD_DIRECTORY = '.';
const flags = { haltOnFailure: true };
const makeSchema = z.strictObject({ path });
const makeKind: StepKind<z.output<typeof makeSchema>> = {
  name: 'makeDirectory',
  schema: makeSchema,
  flags,
  begin: (options) => ({
    do: 'command',
    command: { kind: 'makeDirectory', path: options.path, workdir: BUILD_DIRECTORY },
  }),
  end: (options, outcome) => endByExitCode(`make ${options.path}`, outcome),
  describe: (options) => `make ${options.path}`,
};
/** Makes a directory, and those above it, on the worker. */
export const makeDirectory = defineStep<z.output<typeof makeSchema>, { readonly path: string }>(makeKind);

const removeSchema = z.strictObject({
  paths: z.union([path.transform((one) => [one]), z.array(path).min(1)], 'must be a path or a list of paths'),
});
const removeKind: StepKind<z.output<typeof removeSchema>> = {
  name: 'removeDirectory',
  schema: removeSchema,
  flags,
  begin: (options) => ({
    do: 'command',
    command: { kind: 'removeDirectory', paths: options.paths, workdir: BUILD_DIRECTORY },
  }),
  end: (options, outcome) => endByExitCode(`remove ${options.paths.join(', ')}`, outcome),
  describe: (options) => `remove ${options.paths.join(', ')}`,
};
/** Removes directories and all below them on the worker. One that is not there is no fault. */
export const removeDirectory = defineStep<
  z.output<typeof removeSchema>,
  { readonly paths: string | readonly string[] }
>(removeKind);

const copySchema = z.strictObject({ from: path, to: path, maxTime: positiveDurationSchema.nullable().default(null) });
const copyKind: StepKind<z.output<typeof copySchema>> = {
  name: 'copyDirectory',
  schema: copySchema,
  flags,
  begin: ({ from, to, maxTime }) => ({
    do: 'command',
    command: { kind: 'copyDirectory', from, to, workdir: BUILD_DIRECTORY, maxTimeMs: maxTime },
  }),
  end: (options, outcome) => endByExitCode(`copy ${options.from} to ${options.to}`, outcome),
  describe: (options) => `copy ${options.from} to ${options.to}`,
};
/** Copies a directory on the worker, with modes, times and symlinks. */
export const copyDirectory = defineStep<
  z.output<typeof copySchema>,
  { readonly from: string; readonly to: string; readonly maxTime?: Duration | null }
>(copyKind);
