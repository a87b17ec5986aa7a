import type { CommandOutcome, Result, ShellCommand } from '@icefall/shared';
import { z } from 'zod';
import { endByExitCode } from '../outcome.ts';
import { processShape, shellCommand, shellSchema } from '../shell.ts';
import type { StepEnd, StepRun } from '../step.ts';
import type { CvmfsRepository } from './repository.ts';

/**
 * Begins every script: the publisher's command line is what is left of the arguments, and `is_open NAME` asks it whether
 * a transaction is open (`list` words it the same in the stock tools and the embedded publisher). `manifest_of SERVED` prints
 * the lines of the published manifest, without the signature; `statistics_of NAME` prints the names of the columns and the
 * last row of the publisher's statistics, if it keeps any. `keeping COMMAND...` runs what may take longer than the lease
 * of the transaction lasts.
 *
 * The note (a file) tells whose transaction is open. It is written before a transaction is opened and removed after its end, so
 * an open transaction without one is none of ours: somebody works by hand, and is not disturbed. `recover NAME NOTE` aborts
 * what the note tells of; whoever holds the repository's lock knows that nobody works on it any more. `is_free NAME NOTE` does so, and
 * fails where somebody works by hand; `claim NAME NOTE WHO` writes a new note where nobody does.
 */
const PRELUDE = `
is_open() {
  name=$1
  shift
  listing=$("$@" list) || { echo "icefall: \\"$* list\\" failed" >&2; exit 1; }
  printf '%s\\n' "$listing" | while read -r listed rest; do
    [ "$listed" = "$name" ] || continue
    case $rest in *"in transaction"*) echo yes ;; esac
  done
}
manifest_of() {
  case $1 in
    http://* | https://*) curl -fsS --max-time 60 "$1/.cvmfspublished" ;;
    *) cat "$1/.cvmfspublished" ;;
  esac | LC_ALL=C sed '/^--$/,$d'
}
statistics_of() {
  name=$1
  shift
  "$@" print-stats "$name" 2> /dev/null | sed -n '1p;$p'
}
recover() {
  name=$1 note=$2
  shift 2
  [ -f "$note" ] || return 0
  open=$(is_open "$name" "$@") || return 1
  if [ -n "$open" ]; then
    echo "icefall: a transaction was left open by $(cat "$note"); aborting it"
    "$@" abort -f "$name" || return 1
  fi
  rm -f "$note"
}
is_free() {
  name=$1 note=$2
  shift 2
  recover "$name" "$note" "$@" || return 1
  open=$(is_open "$name" "$@") || return 1
  [ -n "$open" ] || return 0
  echo "icefall: a transaction on $name is open that no build has opened; publish or abort it by hand" >&2
  return 1
}
claim() {
  name=$1 note=$2 who=$3
  shift 3
  is_free "$name" "$note" "$@" || return 1
  printf '%s\\n' "$who" > "$note.new" && mv -f "$note.new" "$note"
}
keeping() {
  if [ -z "$ICEFALL_GATEWAY_URL" ]; then "$@"; else icefall-gateway keep --token "$ICEFALL_GATEWAY_TOKEN" -- "$@"; fi
}
`;

/** What `icefall-gateway` needs; nothing where no gateway is to be asked. The lease is that of the stock tools. */
export function gatewayOf(repository: CvmfsRepository | null): Record<string, string> {
  if (repository === null || repository.leases === null) return { ICEFALL_GATEWAY_URL: '' };
  const { name, keys, spool, leases } = repository;
  return {
    ICEFALL_GATEWAY_URL: leases.url,
    ICEFALL_GATEWAY_KEY: `${keys}/${name}.gw`,
    ICEFALL_GATEWAY_WAIT: String(Math.round(leases.waitMs / 1000)),
    ICEFALL_GATEWAY_TOKEN: `${spool}/session_token`,
  };
}

/** The file that tells whose transaction is open; one line. */
export function noteOf(repository: CvmfsRepository): string {
  return `${repository.spool}/icefall-transaction`;
}

/** The end of a step that has found a transaction open tells whose it was. */
export function withRecovered<End extends StepEnd & { readonly summary: string }>(
  end: End,
  outcome: CommandOutcome,
): End {
  const output = String(outcome.values.stdout ?? '');
  const owner = /^icefall: a transaction was left open by (.*); aborting it$/m.exec(output)?.[1];
  if (owner === undefined || end.result !== 'SUCCESS') return end;
  const summary = `${end.summary} (aborted one that ${owner} left open)`;
  return { ...end, summary, properties: { ...end.properties, cvmfs_recovered: owner } };
}

/** Process options of the steps that publish: they may be silent for long. */
export const publishingShape = {
  ...processShape,
  idleTimeout: processShape.idleTimeout.unwrap().default(2 * 3_600_000),
};
export type PublishingOptions = {
  readonly [K in keyof typeof publishingShape]: z.output<(typeof publishingShape)[K]>;
};

/** Spaces, and what a shell takes for its own in or out of quotes. */
const OF_A_SHELL = /[\s"'`$\\;&|<>()*?[\]{}#\p{Cc}]+/gu;

/**
 * A message as `cvmfs_server` can be given it: it hands the text to a shell as part of a command line, where a text of other
 * people (a commit's) could mean anything. So what a shell takes for its own becomes a space, and no word begins as an option.
 */
export function plainMessage(text: string): string {
  return text
    .replace(OF_A_SHELL, ' ')
    .replace(/(^| )-+/g, '$1')
    .trim();
}

/** Schema of a path that `cvmfs_server` hands to a shell in the same way. */
export const plainPathSchema = z
  .string()
  .min(1)
  .refine(
    (path) => path.search(OF_A_SHELL) === -1 && !path.startsWith('-'),
    'must have no spaces, nor characters that a shell takes for its own: cvmfs_server hands it to one',
  );

const TAG_NAME =
  'must be a name of a revision: letters, digits and _ . @ + -, which does not begin with "-" (an option of cvmfs_server)';
/** Schema of a revision's name. */
export const tagNameSchema = z.string().regex(/^(?!-)[\w.@+-]+$/, TAG_NAME);
/** The same, or nothing: no name. */
export const optionalTagSchema = z.string().regex(/^(?!-)[\w.@+-]*$/, TAG_NAME);

/** Words as a script may hold them. The worker puts its own values in place of `${NAME}`, which is not meant here. */
export function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''").split('${').join("$''{")}'`).join(' ');
}

/** A POSIX shell's script that runs on the worker, with its arguments; `name` is what it calls itself in errors. */
export interface Script {
  readonly name: string;
  readonly text: string;
  readonly args: readonly string[];
}

/**
 * The worker's command for a script: its output is captured, and the publisher is told for whom it works. The script itself
 * is a variable, so that the log begins with what it is given, and not with pages of shell.
 */
export function scriptCommand(script: Script, options: PublishingOptions, run: StepRun): ShellCommand {
  const command = ['sh', '-c', 'eval "$ICEFALL_SCRIPT"', script.name, ...script.args];
  const text = `unset ICEFALL_SCRIPT\n${PRELUDE}${script.text}`;
  const env = { ...ownerOf(run), ...options.env, ICEFALL_SCRIPT: text };
  return shellCommand(shellSchema.parse({ ...pick(options), env, command }), run, true);
}

/** Of what a program says of its failure, in a summary. */
const LAST_WORDS_CHARS = 200;

/**
 * The end of a script by its exit code; what was said last on standard error (where nothing was, on standard output, as
 * `cvmfs_server` does for what it will not begin) is why a failure is one.
 */
export function endOfScript(
  what: string,
  outcome: CommandOutcome,
  table?: Readonly<Record<string, Result>>,
): StepEnd & { readonly summary: string } {
  const end = endByExitCode(what, outcome, table);
  if (end.result === 'SUCCESS' || outcome.reason !== 'exited') return end;
  const said = lastLine(outcome.values.stderr) || lastLine(outcome.values.stdout);
  return said === '' ? end : { ...end, summary: `${end.summary}: ${said}` };
}

function lastLine(text: unknown): string {
  const lines = String(text ?? '').split(/[\r\n]+/);
  return (lines.findLast((line) => line.trim() !== '') ?? '').trim().slice(0, LAST_WORDS_CHARS);
}

function pick({ workdir, idleTimeout, maxTime }: PublishingOptions) {
  return { workdir, idleTimeout, maxTime };
}

/** Who opens a transaction, as its note and the publisher's record tell it. One line. */
export function whoOf(run: StepRun): string {
  return `${run.builder} #${run.buildNumber} on ${run.worker} (build ${run.buildId})`;
}

/**
 * The embedded publisher records the owner. The fence is the number under which the master has granted the locks: it
 * rises, so that what a build does that has lost them can be told.
 */
function ownerOf(run: StepRun): Record<string, string> {
  const fence = run.properties.lock_fence?.value;
  return { ICEFALL_STRATUM0_OWNER: whoOf(run), ICEFALL_FENCE: fence === undefined ? '' : String(fence) };
}
