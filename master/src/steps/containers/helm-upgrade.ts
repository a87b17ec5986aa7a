import { z } from 'zod';
import { type Duration, positiveDurationSchema } from '../../config/durations.ts';
import { type DeclaredOptions, defineStep, type StepKind } from '../kind.ts';
import { endByExitCode } from '../outcome.ts';
import { type ProcessOptions, processShape, shellCommand, shellSchema } from '../shell.ts';
import type { StepDeclaration } from '../step.ts';

export interface HelmUpgradeOptions extends ProcessOptions {
  readonly release: string;
  /** A directory relative to the work directory, `REPOSITORY/CHART`, or `oci://…`. */
  readonly chart: string;
  readonly version?: string;
  readonly namespace?: string;
  readonly createNamespace?: boolean;
  /** Files of values, relative to the work directory; later ones win. */
  readonly valueFiles?: readonly string[];
  /** Single values by their path, taken as the text that they are. */
  readonly values?: Readonly<Record<string, string>>;
  /** Wait until all is ready, and go back to what was where it does not become so. Default true. */
  readonly wait?: boolean;
  /** Longest wait; default 10 minutes. */
  readonly timeout?: Duration;
}

const dnsName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/, 'must be of lower-case letters, digits and -, 53 at most');
const word = z.string().regex(/^(?!-)[^\n]+$/, 'must be text that does not begin with -');
const schema = z.strictObject({
  ...processShape,
  release: dnsName,
  chart: word,
  version: word.optional(),
  namespace: dnsName.optional(),
  createNamespace: z.boolean().default(false),
  valueFiles: z.array(word).default([]),
  values: z.record(z.string().regex(/^[A-Za-z_][\w.[\]-]*$/, 'must be a path of a value'), z.string()).default({}),
  wait: z.boolean().default(true),
  timeout: positiveDurationSchema.default(10 * 60_000),
});
type Parsed = z.output<typeof schema>;

function wordsOf(options: Parsed): string[] {
  const { release, chart, version, namespace, createNamespace, valueFiles, values, wait, timeout } = options;
  return [
    ...['helm', 'upgrade', '--install', release, chart],
    ...(version === undefined ? [] : ['--version', version]),
    ...(namespace === undefined ? [] : ['--namespace', namespace]),
    ...(createNamespace ? ['--create-namespace'] : []),
    ...valueFiles.flatMap((file) => ['--values', file]),
    ...Object.entries(values).flatMap(([path, value]) => ['--set-literal', `${path}=${value}`]),
    ...(wait ? ['--wait', '--atomic'] : []),
    ...['--timeout', `${Math.ceil(timeout / 1000)}s`],
  ];
}

const kind: StepKind<Parsed> = {
  name: 'helmUpgrade',
  schema,
  flags: { haltOnFailure: true },
  begin(options, run) {
    const { workdir, idleTimeout, maxTime, secretFiles, env } = options;
    const process = { workdir, idleTimeout, maxTime, secretFiles, env };
    return {
      do: 'command',
      command: shellCommand(shellSchema.parse({ command: wordsOf(options), ...process }), run, false),
    };
  },
  end: ({ release }, outcome) => endByExitCode(`upgrade of ${release}`, outcome),
  describe: ({ release, namespace }) => `upgrade ${release}${namespace === undefined ? '' : ` in ${namespace}`}`,
};

const declared = defineStep<Parsed, HelmUpgradeOptions>(kind);

/**
 * Installs or upgrades a release with Helm (3.12 or newer). It is not started twice: an upgrade that lost its worker may
 * have been done, so the build ends as EXCEPTION, unless `retryable` says otherwise.
 */
export function helmUpgrade(options: DeclaredOptions<HelmUpgradeOptions>): StepDeclaration {
  return declared(typeof options === 'object' && options !== null ? { retryable: false, ...options } : options);
}
