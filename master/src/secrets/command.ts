import { execFile } from 'node:child_process';
import { z } from 'zod';
import { callerPlace, reportIssues } from '../config/problems.ts';
import { MOST_SECRET_BYTES, SecretError, type SecretProvider } from './provider.ts';

const commandSchema = z.array(z.string().min(1)).min(1, 'must name a program');
const optionsSchema = z.strictObject({
  /** What it exits with where it has no such secret. */
  unknownExitCode: z.number().int().positive().nullable().default(null),
});

/**
 * Secrets that a program prints: it is run on the master, without a shell, with the secret's name as its last argument.
 * What it prints to standard error is not kept, since it may hold anything.
 */
export function command(
  argv: readonly string[],
  options: { readonly unknownExitCode?: number | null } = {},
): SecretProvider {
  const place = callerPlace();
  const words = commandSchema.safeParse(argv);
  if (!words.success) reportIssues(place, 'secretsFrom.command', argv, words.error.issues);
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) reportIssues(place, 'secretsFrom.command', options, parsed.error.issues);
  const [program = '', ...args] = words.data ?? [];
  const unknownExitCode = parsed.data?.unknownExitCode ?? null;
  return Object.freeze({
    type: 'secretProvider' as const,
    title: `command ${program}`,
    place,
    read: (name: string, signal: AbortSignal) => printed(program, [...args, name], unknownExitCode, signal),
  });
}

function printed(
  program: string,
  args: readonly string[],
  unknownExitCode: number | null,
  signal: AbortSignal,
): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const options = {
      encoding: 'buffer' as const,
      maxBuffer: MOST_SECRET_BYTES,
      signal,
      killSignal: 'SIGKILL' as const,
    };
    const child = execFile(program, args, options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else if (error.code === unknownExitCode) resolve(null);
      // Its message holds what was printed.
      else
        reject(
          new SecretError('secret_unavailable', `the command ${program} did not tell it (${error.code ?? error.name})`),
        );
    });
    child.stdin?.end();
  });
}
