import { readFileSync } from 'node:fs';
import type { Json } from '@icefall/shared';
import { z } from 'zod';
import { type Duration, positiveDurationSchema } from './durations.ts';
import { fixedLockAccessSchema, type LockAccess } from './locks.ts';
import { nameSchema, propertyValuesSchema } from './names.ts';
import { callerPlace, nameOf, type Place, reportIssues, titleOf, usable } from './problems.ts';

/** Where a token comes from. It is read when the configuration is applied and kept only as a hash. */
export type TokenSource = { readonly file: string } | { readonly env: string };

export interface WorkerOptions {
  readonly name: string;
  /** Builds at once; default 1. */
  readonly maxBuilds?: number;
  readonly properties?: Readonly<Record<string, Json>>;
  /** Held by every build on this worker. */
  readonly locks?: readonly LockAccess[];
  /** The token it must show; without it, one issued by `icefall worker token issue NAME`. */
  readonly token?: TokenSource;
  /** How long an absent worker keeps its builds; default 10 minutes. */
  readonly grace?: Duration;
  /**
   * How long clean-up after a failure (steps with `alwaysRun`) waits for an absent worker, since only it can do that;
   * default a day. Then it is given up, and an alarm tells what was not cleaned up.
   */
  readonly cleanUpGrace?: Duration;
}

export interface WorkerDeclaration {
  readonly type: 'worker';
  readonly name: string;
  readonly maxBuilds: number;
  readonly properties: Readonly<Record<string, Json>>;
  readonly locks: readonly LockAccess[];
  readonly token: TokenSource | null;
  readonly graceMs: number;
  readonly cleanUpGraceMs: number;
  readonly place: Place | null;
}

/** Schema of a {@link TokenSource}. */
export const tokenSourceSchema = z.union(
  [z.strictObject({ file: z.string().min(1) }), z.strictObject({ env: z.string().min(1) })],
  "must be { file: 'PATH' } or { env: 'VARIABLE' }",
);

const optionsSchema = z.strictObject({
  name: nameSchema,
  maxBuilds: z.number().int().positive().default(1),
  properties: propertyValuesSchema.default({}),
  locks: z.array(fixedLockAccessSchema).default([]),
  token: tokenSourceSchema.optional(),
  grace: positiveDurationSchema.default(10 * 60_000),
  cleanUpGrace: positiveDurationSchema.default(24 * 60 * 60_000),
});

/** Declares a worker: an agent that connects under this name. */
export function worker(options: WorkerOptions): WorkerDeclaration {
  const place = callerPlace();
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) reportIssues(place, titleOf('worker', options), options, parsed.error.issues);
  const given = usable(optionsSchema, options);
  return Object.freeze({
    type: 'worker',
    name: nameOf(options),
    maxBuilds: given.maxBuilds ?? 1,
    properties: given.properties ?? {},
    locks: given.locks ?? [],
    token: given.token ?? null,
    graceMs: optionsSchema.shape.grace.parse(given.grace),
    cleanUpGraceMs: optionsSchema.shape.cleanUpGrace.parse(given.cleanUpGrace),
    place,
  });
}

/** Reads a token. Throws an error that names the file or variable. */
export function readToken(source: TokenSource): string {
  const text = 'file' in source ? readFileSync(source.file, 'utf8').trim() : (process.env[source.env] ?? '').trim();
  if (text === '') throw new Error(`the token in ${'file' in source ? source.file : `$${source.env}`} is empty`);
  return text;
}
