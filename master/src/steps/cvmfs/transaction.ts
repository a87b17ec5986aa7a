import { z } from 'zod';
import { type LockAccess, lockAccessSchema } from '../../config/locks.ts';
import { callerPlace, collectProblems, reportIssues, reportProblem } from '../../config/problems.ts';
import { type Renderable, type RenderContext, render } from '../../properties/references.ts';
import { type DeclaredOptions, defineStep, type StepKind } from '../kind.ts';
import { holdTogether } from '../lock-span.ts';
import type { ProcessOptions } from '../shell.ts';
import type { StepDeclaration, StepRun } from '../step.ts';
import { MANIFEST_MARK, readPublished, STATISTICS_MARK } from './published.ts';
import {
  type CvmfsRepository,
  pathOf,
  repositoryPathSchema,
  repositorySchema,
  transactionLocks,
} from './repository.ts';
import {
  endOfScript,
  gatewayOf,
  noteOf,
  optionalTagSchema,
  plainMessage,
  publishingShape,
  scriptCommand,
  whoOf,
  withRecovered,
} from './script.ts';

/** What the build says of its transaction (open, published, aborted, ended): only one that has published leaves nothing to clean up. */
const STATE = 'cvmfs_transaction';

/** Of `icefall-gateway`, while a path is leased to somebody else. */
const PATH_BUSY = 75;

/** The gateway is asked before the note is written: somebody may begin to work by hand while it is waited for. */
const OPEN = `
repository=$1 target=$2 note=$3 who=$4
shift 4
if [ -n "$ICEFALL_GATEWAY_URL" ]; then
  is_free "$repository" "$note" "$@" || exit
  # Of an asking that was cut off: it would be taken for somebody else's.
  [ ! -f "$note.lease" ] || icefall-gateway release --token "$note.lease"
  icefall-gateway acquire "$target" --wait "$ICEFALL_GATEWAY_WAIT" --token "$note.lease" &&
    icefall-gateway release --token "$note.lease" || exit
fi
claim "$repository" "$note" "$who" "$@" || exit
"$@" transaction "$target"
`;

const PUBLISH = `
repository=$1 note=$2 served=$3 tag=$4 message=$5
shift 5
if [ -n "$tag" ]; then
  keeping "$@" publish -a "$tag" -m "$message" "$repository" || exit
else
  keeping "$@" publish "$repository" || exit
fi
rm -f "$note"
echo '${MANIFEST_MARK}'
manifest_of "$served"
echo '${STATISTICS_MARK}'
statistics_of "$repository" "$@"
exit 0
`;

const NOTHING_OPEN = 'icefall: no transaction of this build is open';

const ABORT = `
repository=$1 note=$2 who=$3 served=$4
shift 4
open=
if [ "$(cat "$note" 2> /dev/null)" = "$who" ]; then
  open=$(is_open "$repository" "$@") || exit 1
  [ -z "$open" ] || "$@" abort -f "$repository" || exit 1
  rm -f "$note"
fi
[ -z "$open" ] || exit 0
echo '${NOTHING_OPEN}'
echo '${MANIFEST_MARK}'
manifest_of "$served"
exit 0
`;

const optionsSchema = z.strictObject({
  ...publishingShape,
  repository: repositorySchema,
  path: repositoryPathSchema.default(''),
  tag: optionalTagSchema.default(''),
  message: z.string().default(''),
});
type Options = z.output<typeof optionsSchema>;

/** Nothing that a step may have made wrong in the meantime: what is open is aborted whatever the tag is. */
const abortSchema = z.strictObject({ ...publishingShape, repository: repositorySchema });
type AbortOptions = z.output<typeof abortSchema>;

const openKind: StepKind<Options> = {
  name: 'cvmfsTransaction',
  schema: optionsSchema,
  flags: { haltOnFailure: true },
  begin(options, run) {
    const { repository, path } = options;
    const target = path === '' ? repository.name : `${repository.name}/${path}`;
    const args = [repository.name, target, noteOf(repository), whoOf(run), ...repository.server];
    const env = { ...gatewayOf(repository), ...options.env };
    const script = { name: 'transaction', text: OPEN, args };
    return { do: 'command', command: scriptCommand(script, { ...options, env }, run) };
  },
  end(options, outcome) {
    const end = endOfScript(describeOpen(options), outcome);
    if (outcome.exitCode === PATH_BUSY)
      return {
        ...end,
        summary: `${describeOpen(options)}: a publisher outside this site has the path, says the gateway`,
      };
    if (end.result !== 'SUCCESS') return end;
    return withRecovered({ ...end, properties: { [STATE]: 'open' } }, outcome);
  },
  describe: describeOpen,
};

function describeOpen({ repository, path }: Options): string {
  return `transaction on ${repository.name}${path === '' ? '' : `/${path}`}`;
}

const publishKind: StepKind<Options> = {
  name: 'cvmfsPublish',
  schema: optionsSchema,
  flags: { haltOnFailure: true },
  begin(options, run) {
    const { repository, tag, message } = options;
    const args = [repository.name, noteOf(repository), repository.served, tag, plainMessage(message)];
    args.push(...repository.server);
    const env = { ...gatewayOf(repository), ...options.env };
    const script = { name: 'publish', text: PUBLISH, args };
    return { do: 'command', command: scriptCommand(script, { ...options, env }, run) };
  },
  end({ repository }, outcome) {
    const end = endOfScript(`publish ${repository.name}`, outcome);
    if (end.result !== 'SUCCESS') return end;
    const { properties, summary } = readPublished(String(outcome.values.stdout ?? ''));
    return { ...end, summary: `${repository.name}: ${summary}`, properties: { ...properties, [STATE]: 'published' } };
  },
  describe: ({ repository }) => `publish ${repository.name}`,
};

const abortKind: StepKind<AbortOptions> = {
  name: 'cvmfsAbort',
  schema: abortSchema,
  begin(options, run) {
    const { repository } = options;
    const args = [repository.name, noteOf(repository), whoOf(run), repository.served, ...repository.server];
    return { do: 'command', command: scriptCommand({ name: 'abort', text: ABORT, args }, options, run) };
  },
  end({ repository }, outcome, run) {
    const end = endOfScript(describeAbort(repository), outcome);
    const output = String(outcome.values.stdout ?? '');
    if (end.result !== 'SUCCESS') return end;
    if (!output.includes(NOTHING_OPEN)) return { ...end, properties: { [STATE]: 'aborted' } };
    const { cvmfs_revision: revision } = readPublished(output).properties;
    const now = revision === undefined ? '' : `; revision ${revision} is published now`;
    if (run.properties[STATE]?.value !== 'open')
      return { ...end, summary: `${repository.name}: no transaction of this build is open${now}` };
    // A publish that was lost on the way may have done its work all the same.
    const summary = `${repository.name}: the transaction had ended before${now}`;
    return { ...end, summary, properties: { [STATE]: 'ended' } };
  },
  describe: ({ repository }) => describeAbort(repository),
};

function describeAbort({ name }: CvmfsRepository): string {
  return `abort the transaction on ${name}`;
}

const open = defineStep<Options, Given>(openKind);
const publish = defineStep<Options, Given>(publishKind);
const abort = defineStep<AbortOptions, GivenToAbort>(abortKind);

interface GivenToAbort extends ProcessOptions {
  readonly repository: CvmfsRepository;
}

interface Given extends GivenToAbort {
  readonly path?: string;
  readonly tag?: string;
  readonly message?: string;
}

/** A list of steps, in which lists are flattened. */
type Steps = readonly (StepDeclaration | Steps)[];

/** `idleTimeout`, how long the publisher may be silent, is 2 hours if nothing else is said. */
export interface CvmfsTransactionOptions
  extends Pick<DeclaredOptions<ProcessOptions>, 'env' | 'idleTimeout' | 'maxTime'> {
  readonly repository: CvmfsRepository;
  /** Only this path, and what is below it, is published; default the whole repository. Through a gateway: a lease of it. */
  readonly path?: Renderable<string>;
  /** What changes the tree. */
  readonly steps: Steps;
  /** A name for the revision that is published. */
  readonly tag?: Renderable<string>;
  /** What is in it of a shell's own characters (quotes, `$`, `#`, …) becomes spaces: the stock tools hand it to one. */
  readonly message?: Renderable<string>;
  /** Held from before the transaction is opened to its end, taken all at once with the repository's own lock. */
  readonly locks?: readonly LockAccess[];
}

const compositeSchema = z.object({ locks: z.array(lockAccessSchema).default([]) });

/**
 * A transaction: opens one, runs its steps, publishes if the build has passed so far, and aborts in every other case: a
 * failure, a stop, a worker that was lost. It holds the lock of the repository (through a gateway: of the path) all the
 * while. A transaction that a build before has left open is aborted first, which is told. Nothing of it is ever
 * started twice by itself.
 */
export function cvmfsTransaction(options: CvmfsTransactionOptions): StepDeclaration[] {
  const place = callerPlace();
  const { steps, locks, ...given } = options;
  const parsed = compositeSchema.safeParse({ locks });
  if (!parsed.success) reportIssues(place, 'cvmfsTransaction', options, parsed.error.issues);
  const listed: readonly unknown[] = Array.isArray(steps) ? steps.flat(Infinity) : [];
  const inner = listed.filter(isStep);
  if (listed.length === 0)
    reportProblem(place, 'cvmfsTransaction: option "steps": must be a list of at least one step');
  listed.forEach((step, i) => {
    if (!isStep(step)) reportProblem(place, `cvmfsTransaction: option "steps": element ${i} is not a step`);
  });
  const once = { ...given, retryable: false };
  const { path: _path, tag: _tag, message: _message, ...process } = once;
  const opening = open({ ...once, name: 'transaction', doStepIf: passed });
  if (!repositorySchema.safeParse(given.repository).success) return [opening];
  const own = transactionLocks(given.repository, pathOf(given.path));
  const body = inner.map((step) => (step.alwaysRun ? step : whilePassing(step)));
  // What is wrong with the options of all three has been told of the opening.
  const { value: ending } = collectProblems(() => [
    publish({ ...once, name: 'publish', doStepIf: passed, hideStepIf: whenSkipped }),
    abort({ ...process, name: 'abort', alwaysRun: true, doStepIf: unpublished, hideStepIf: whenSkipped }),
  ]);
  return holdTogether([...(parsed.data?.locks ?? []), ...own], [opening, ...body, ...ending]);
}

function isStep(value: unknown): value is StepDeclaration {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'type') === 'step';
}

const whenSkipped = (result: string) => result === 'SKIPPED';
const hasPassed = ({ resultSoFar }: RenderContext) => resultSoFar === 'SUCCESS' || resultSoFar === 'WARNINGS';
const passed = (run: StepRun) => hasPassed(run);
/**
 * A stop between two steps leaves no failure behind: what counts is whether the publish was seen to succeed. Where something
 * has failed, that may have been the publish of another transaction of this build.
 */
const unpublished = (run: StepRun) => run.properties[STATE]?.value !== 'published' || !hasPassed(run);

/** A step of a transaction is not begun where the build has failed: no transaction may be open. */
function whilePassing(step: StepDeclaration): StepDeclaration {
  const { doStepIf } = step;
  if (doStepIf === false) return step;
  const isWanted = (run: StepRun) => {
    if (!hasPassed(run)) return false;
    return typeof doStepIf === 'function' ? doStepIf(run) : (render(doStepIf, run) as boolean);
  };
  return Object.freeze({ ...step, doStepIf: isWanted, retryable: false });
}
