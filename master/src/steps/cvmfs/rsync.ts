import type { CommandOutcome, Json } from '@icefall/shared';
import { z } from 'zod';
import { type DeclaredOptions, defineStep, type StepKind } from '../kind.ts';
import type { ProcessOptions } from '../shell.ts';
import type { StepDeclaration, StepEnd } from '../step.ts';
import { type CvmfsRepository, repositoryPathSchema, repositorySchema } from './repository.ts';
import { endOfScript, gatewayOf, publishingShape, scriptCommand } from './script.ts';

/** Up to this many entries may always be deleted: of a small tree any share is soon reached. */
const ALWAYS_DELETED = 20;
/** Exit codes of the script itself; rsync's own end at 35. */
const REFUSED = 90;
const UNKNOWN = 91;
/** "Partial transfer due to vanished source files": what was copied is right, and the next run brings the rest. */
const VANISHED = 24;
/** "Partial transfer due to error". */
const PARTIAL = 23;

/**
 * The target of a copy on this machine is made with all above it (rsync makes only the last folder), and what a copy
 * would delete is asked for first. The statistics come again on standard error: of a long list of files, only its
 * beginning is kept for the master.
 */
const COPY = `
target=$1 percent=$2
shift 2
case $target in
  *:*) percent= ;;
  *) mkdir -p "$target" || exit ;;
esac
if [ -n "$percent" ]; then
  have=$(find "$target" -mindepth 1 | wc -l)
  gone=$(
    { keeping "$@" --dry-run --stats --no-human-readable "$target"; echo "icefall: rsync ended with $?"; } | awk '
      /^icefall: rsync ended with [0-9]+$/ { code = $5; next }
      /^Number of deleted files: / { gone = $5 }
      END { print gone; exit code }'
  )
  code=$?
  # What cannot be read or vanishes is told by the copy itself.
  case $code in 0 | ${PARTIAL} | ${VANISHED}) ;; *) exit $code ;; esac
  [ -n "$gone" ] || { echo "icefall: a dry run does not tell what would be deleted (rsync 3.1 or newer does)" >&2; exit ${UNKNOWN}; }
  if [ "$gone" -gt ${ALWAYS_DELETED} ] && [ $((gone * 100)) -gt $((have * percent)) ]; then
    echo "icefall: $gone of $have entries would be deleted, more than $percent %; nothing was copied" >&2
    exit ${REFUSED}
  fi
fi
{ keeping "$@" --stats --no-human-readable "$target"; echo "icefall: rsync ended with $?"; } | awk '
  /^icefall: rsync ended with [0-9]+$/ { code = $5; next }
  /^(Number of|Total) / { statistics = statistics $0 "\\n" }
  { print; fflush() }
  END { printf "%s", statistics > "/dev/stderr"; exit code }'
`;

/** A property may be a part of it: what begins with a minus would be an option, of rsync or of the ssh that it starts. */
const place = z
  .string()
  .regex(/^[^-]/, 'must be a folder or an address, which does not begin with "-" (./-name is a folder)');

const optionsSchema = z
  .strictObject({
    ...publishingShape,
    from: place,
    to: place.optional(),
    repository: repositorySchema.optional(),
    path: repositoryPathSchema.optional(),
    program: z.array(z.string().min(1)).min(1).default(['rsync']),
    options: z.array(z.string().min(1)).default([]),
    delete: z.boolean().default(true),
    deleteLimit: z
      .number()
      .refine((share) => share >= 0 && share <= 1, 'must be a share from 0 to 1, such as 0.3, or null for no limit')
      .nullable()
      .default(0.5),
  })
  .refine(({ to, repository }) => (to === undefined) !== (repository === undefined), {
    message: 'needs either "to" (a folder or an address) or "repository" (with a "path" in it)',
    path: ['to'],
    when: () => true,
  })
  .refine(({ repository, path }) => path === undefined || repository !== undefined, {
    message: 'is a path in a repository; without one, say "to"',
    path: ['path'],
    when: () => true,
  });
type Options = z.output<typeof optionsSchema>;

export interface CvmfsRsyncOptions extends ProcessOptions {
  /** What rsync copies from; with a slash at its end, what is in it. */
  readonly from: string;
  /** Where to: a folder, or an address. Either this or `repository`. */
  readonly to?: string;
  /** Into the tree of this repository, which must be in a transaction. */
  readonly repository?: CvmfsRepository;
  /** Below it; default its root. */
  readonly path?: string;
  /** Default `['rsync']`. */
  readonly program?: readonly string[];
  /** More options, such as `--exclude`. */
  readonly options?: readonly string[];
  /** Deletes what the source does not have; default yes. */
  readonly delete?: boolean;
  /**
   * Refuses to copy where more than this share of the target (and more than 20 entries) would be deleted: the source may
   * be empty by mistake. Default 0.5; null: no limit.
   */
  readonly deleteLimit?: number | null;
}

function targetOf({ to, repository, path }: Options): string {
  return to ?? `${[repository?.tree ?? '', ...(path === undefined || path === '' ? [] : [path])].join('/')}/`;
}

const kind: StepKind<Options> = {
  name: 'cvmfsRsync',
  schema: optionsSchema,
  flags: { haltOnFailure: true, warnOnWarnings: true },
  begin(options, run) {
    const { program, from, deleteLimit } = options;
    const percent = options.delete && deleteLimit !== null ? String(Math.floor(deleteLimit * 100)) : '';
    const copy = [...program, '-ai', ...(options.delete ? ['--delete'] : []), ...options.options, from];
    const args = [targetOf(options), percent, ...copy];
    const env = { ...gatewayOf(options.repository ?? null), ...options.env };
    return { do: 'command', command: scriptCommand({ name: 'rsync', text: COPY, args }, { ...options, env }, run) };
  },
  end: (options, outcome) => endOfCopy(describe(options), outcome),
  describe,
};

function describe(options: Options): string {
  return `rsync ${options.from} to ${targetOf(options)}`;
}

function endOfCopy(what: string, outcome: CommandOutcome): StepEnd {
  const errors = String(outcome.values.stderr ?? '');
  const values = { stderr: errors.replace(/^(Number of|Total) .*$/gm, '') };
  const end = endOfScript(what, { ...outcome, values }, { 0: 'SUCCESS', [VANISHED]: 'WARNINGS' });
  const properties = readStatistics(errors);
  const why = outcome.reason === 'exited' ? reasonOf(outcome.exitCode, errors) : null;
  if (why !== null) return { ...end, summary: why, properties };
  return end.result === 'SUCCESS'
    ? { ...end, summary: summaryOf(what, properties), properties }
    : { ...end, properties };
}

/** Null where the exit code says all. */
function reasonOf(exitCode: number | null, errors: string): string | null {
  if (exitCode === VANISHED) return 'some files vanished while they were copied; the others are there';
  if (exitCode === PARTIAL) return 'some files could not be copied; the log tells which';
  const own = exitCode === REFUSED || exitCode === UNKNOWN ? /^icefall: (.*)$/m.exec(errors) : null;
  return own?.[1] ?? null;
}

/** Lines of `rsync --stats` (since 3.1) and the properties that they become. */
const STATISTICS: readonly (readonly [property: string, line: RegExp])[] = [
  ['rsync_files', /^Number of files: ([\d,]+)/m],
  ['rsync_created', /^Number of created files: ([\d,]+)/m],
  ['rsync_deleted', /^Number of deleted files: ([\d,]+)/m],
  ['rsync_transferred', /^Number of regular files transferred: ([\d,]+)/m],
  ['rsync_bytes', /^Total file size: ([\d,]+)/m],
  ['rsync_bytes_transferred', /^Total transferred file size: ([\d,]+)/m],
];

/** The properties that a run's statistics become; those that it did not tell are not there. */
export function readStatistics(text: string): Record<string, Json> {
  return Object.fromEntries(
    STATISTICS.flatMap(([property, line]) => {
      const value = line.exec(text)?.[1];
      return value === undefined ? [] : [[property, Number(value.replaceAll(',', ''))]];
    }),
  );
}

function summaryOf(what: string, statistics: Readonly<Record<string, Json>>): string {
  const { rsync_files: files, rsync_transferred: copied, rsync_deleted: deleted } = statistics;
  return files === undefined ? what : `${copied ?? 0} of ${files} files copied, ${deleted ?? 0} deleted`;
}

const rsync = defineStep<Options, CvmfsRsyncOptions>(kind);

/**
 * Copies a tree with rsync: into a repository that is in a transaction, or anywhere else. What was done becomes
 * properties (`rsync_files`, `rsync_created`, `rsync_deleted`, `rsync_transferred`, `rsync_bytes`,
 * `rsync_bytes_transferred`). Files that vanish while they are copied make it WARNINGS.
 */
export function cvmfsRsync(options: DeclaredOptions<CvmfsRsyncOptions>): StepDeclaration {
  return rsync({ name: 'rsync', ...options });
}
