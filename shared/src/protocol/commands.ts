import { z } from 'zod';

/**
 * What a master can ask a worker to run. Every path is relative to the build's directory on the worker, or absolute.
 * Times are in milliseconds, sizes in bytes; null means "no limit".
 */

const path = z.string().min(1).max(4096);
/** Merged over the worker's own environment; null deletes the variable; `${NAME}` is expanded from the worker's. */
const environment = z.record(z.string().min(1), z.string().nullable());
const limits = {
  /** Ended when nothing was written to standard output, standard error or a followed log file for this long. */
  idleTimeoutMs: z.number().int().positive().nullable(),
  /** Ended after this much time in all. */
  maxTimeMs: z.number().int().positive().nullable(),
};

const secretName = z.string().min(1).max(300);
/** Which secrets a command is given, by name: their values come beside it, in the order to start, and are kept nowhere. */
const secretUseSchema = z.object({
  /** By variable: its value is the secret. */
  env: z.record(z.string().min(1), secretName),
  /** By variable: its value is the path of a file, readable by the worker alone, that is gone when the command ends. */
  files: z.record(z.string().min(1), secretName),
  /** Written to standard input. Only for kind shell. */
  stdin: secretName.nullable(),
});
export type SecretUse = z.infer<typeof secretUseSchema>;
/** Since protocol 1.1; a worker older than that is not given the command. */
const secrets = secretUseSchema.optional();

const shellCommandSchema = z.object({
  kind: z.literal('shell'),
  /** A list runs without a shell; a string is given to `/bin/sh -c`. */
  command: z.union([z.array(z.string()).min(1), z.string().min(1)]),
  workdir: path,
  env: environment,
  ...limits,
  /** Ended after this many lines of output. */
  maxLines: z.number().int().positive().nullable(),
  /** Time between TERM and KILL when the command is ended. */
  killGraceMs: z.number().int().nonnegative(),
  /** Written to standard input, which is then closed. Null: standard input is empty. */
  stdin: z.string().nullable(),
  /** Files that the command writes; each becomes a log of the step. `follow`: begin at the present end of the file. */
  logFiles: z.array(z.object({ name: z.string().min(1), path, follow: z.boolean() })),
  /** Keep standard output (and error) text up to 1 MiB each in the outcome as `stdout` and `stderr`. */
  capture: z.boolean(),
  secrets,
});

const gitCommandSchema = z.object({
  kind: z.literal('git'),
  repository: z.string().min(1),
  /** Null: the remote's default branch. */
  branch: z.string().nullable(),
  /** Null: the tip of the branch. */
  revision: z.string().nullable(),
  mode: z.enum(['incremental', 'full']),
  /** Only for mode full. */
  method: z.enum(['clobber', 'copy', 'clean', 'fresh']).nullable(),
  workdir: path,
  submodules: z.boolean(),
  /** Depth of history to fetch; null for all. */
  depth: z.number().int().positive().nullable(),
  /** Fetch tags as well. */
  tags: z.boolean(),
  /** On a failed checkout: remove everything and clone anew, once. */
  clobberOnFailure: z.boolean(),
  /** Repeat a failed fetch or clone. */
  retry: z.object({ delayMs: z.number().int().nonnegative(), repeats: z.number().int().nonnegative() }).nullable(),
  /** Arguments for `git describe`, or null; the answer is the outcome's value `description`. */
  describe: z.array(z.string()).nullable(),
  /** Local repository to borrow objects from (`git clone --reference-if-able`). */
  reference: path.nullable(),
  /** Partial clone filter, for instance `blob:none`. */
  filter: z.string().nullable(),
  /** Passed as `git -c key=value`. */
  config: z.record(z.string(), z.string()),
  env: environment,
  secrets,
  ...limits,
});

const uploadCommandSchema = z.object({
  kind: z.literal('upload'),
  /** A file, or a directory that is sent as a tar stream. */
  source: path,
  what: z.enum(['file', 'directory']),
  workdir: path,
  maxBytes: z.number().int().positive().nullable(),
});

const downloadCommandSchema = z.object({
  kind: z.literal('download'),
  destination: path,
  what: z.enum(['file', 'directory']),
  workdir: path,
  /** Permission bits of the file; null keeps those of the master's copy. */
  mode: z.number().int().min(0).max(0o7777).nullable(),
});

const makeDirectoryCommandSchema = z.object({ kind: z.literal('makeDirectory'), path, workdir: path });
const removeDirectoryCommandSchema = z.object({
  kind: z.literal('removeDirectory'),
  paths: z.array(path).min(1),
  workdir: path,
});
const copyDirectoryCommandSchema = z.object({
  kind: z.literal('copyDirectory'),
  from: path,
  to: path,
  workdir: path,
  maxTimeMs: limits.maxTimeMs,
});
/** Outcome values: `exists`, and where it does `type` (file, directory, symlink, other), `sizeBytes`, `mode`. */
const statCommandSchema = z.object({ kind: z.literal('stat'), path, workdir: path });
/** Outcome value: `paths`, sorted. */
const globCommandSchema = z.object({ kind: z.literal('glob'), pattern: z.string().min(1), workdir: path });
/** Outcome value: `text`. */
const readFileCommandSchema = z.object({
  kind: z.literal('readFile'),
  path,
  workdir: path,
  maxBytes: z.number().int().positive(),
});

export const commandSchema = z.discriminatedUnion('kind', [
  shellCommandSchema,
  gitCommandSchema,
  uploadCommandSchema,
  downloadCommandSchema,
  makeDirectoryCommandSchema,
  removeDirectoryCommandSchema,
  copyDirectoryCommandSchema,
  statCommandSchema,
  globCommandSchema,
  readFileCommandSchema,
]);

export type Command = z.infer<typeof commandSchema>;
export type ShellCommand = z.infer<typeof shellCommandSchema>;
export type GitCommand = z.infer<typeof gitCommandSchema>;
export type UploadCommand = z.infer<typeof uploadCommandSchema>;
export type DownloadCommand = z.infer<typeof downloadCommandSchema>;
export type CommandKind = Command['kind'];
export type CommandOf<K extends CommandKind> = Extract<Command, { kind: K }>;

/** How a command ended, as the worker that owned it tells. */
export const commandOutcomeSchema = z.object({
  /**
   * exited: ran to its end (exitCode or signal tells how); idleTimeout, maxTime, maxLines: ended by its own limit;
   * interrupted: ended because the master asked; lost: the worker stopped or its agent died while it ran;
   * refused: it could not be started (`error` says why).
   */
  reason: z.enum(['exited', 'idleTimeout', 'maxTime', 'maxLines', 'interrupted', 'lost', 'refused']),
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  /** What the kind of command reports: git's `revision` and `description`, captured `stdout`, and so on. */
  values: z.record(z.string(), z.json()),
  startedAt: z.number(),
  finishedAt: z.number(),
});
export type CommandOutcome = z.infer<typeof commandOutcomeSchema>;
