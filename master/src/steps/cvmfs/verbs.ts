import { z } from 'zod';
import { type DeclaredOptions, defineStep, type StepKind } from '../kind.ts';
import { commandLineSchema, type ProcessOptions, type Word } from '../shell.ts';
import type { StepDeclaration } from '../step.ts';
import { MANIFEST_MARK, readPublished, STATISTICS_MARK } from './published.ts';
import { type CvmfsRepository, repositoryPathSchema, repositorySchema, withOwnLock } from './repository.ts';
import {
  endOfScript,
  noteOf,
  type PublishingOptions,
  plainMessage,
  plainPathSchema,
  publishingShape,
  quoted,
  type Script,
  scriptCommand,
  tagNameSchema,
  whoOf,
  withRecovered,
} from './script.ts';

/** Options of every verb. */
interface VerbOptions extends ProcessOptions {
  readonly repository: CvmfsRepository;
  /** More options of the publisher, put before the repository's name. */
  readonly options?: readonly string[];
}
const verbShape = {
  ...publishingShape,
  repository: repositorySchema,
  options: z.array(z.string().min(1)).default([]),
};
type ParsedVerb = PublishingOptions & { readonly repository: CvmfsRepository; readonly options: readonly string[] };

const VERB = `
served=$1 repository=$2 note=$3
shift 4
recover "$repository" "$note" publisher || exit
"$@" || exit
echo '${MANIFEST_MARK}'
manifest_of "$served"
exit 0
`;

/** What a verb's options become. */
interface Verb<Options> {
  readonly name: string;
  readonly schema: z.ZodType<Options>;
  /** The command line after the publisher's own, without the repository's name. */
  readonly words: (options: Options) => readonly string[];
  readonly describe: (options: Options) => string;
  /**
   * Another script than that which runs the verb. It is given what is published, the repository's name, the note, whose it
   * is to be, these arguments, and the verb's command line; `publisher` runs any other verb.
   */
  readonly script?: (options: Options) => Pick<Script, 'text'> & { readonly before: readonly string[] };
}

/**
 * Makes the configuration function of a verb. It holds the repository's lock, is never started twice by itself, halts
 * the build on failure, and sets the properties of the revision that is published then.
 */
function verbStep<Options extends ParsedVerb, Input extends VerbOptions>(verb: Verb<Options>) {
  const kind: StepKind<Options> = {
    name: verb.name,
    schema: verb.schema,
    flags: { haltOnFailure: true },
    begin(options, run) {
      const { repository } = options;
      const { text, before } = verb.script?.(options) ?? { text: VERB, before: [] };
      const { name, served, server } = repository;
      const about = [served, name, noteOf(repository), whoOf(run), ...before];
      const args = [...about, ...server, ...verb.words(options), ...options.options, name];
      const publisher = `publisher() { ${quoted(server)} "$@"; }`;
      const script = { name: verb.name, text: `${publisher}\n${text}`, args };
      return { do: 'command', command: scriptCommand(script, options, run) };
    },
    end(options, outcome) {
      const end = endOfScript(verb.describe(options), outcome);
      if (end.result !== 'SUCCESS') return end;
      const { properties, summary } = readPublished(String(outcome.values.stdout ?? ''));
      const isTold = properties.cvmfs_revision !== undefined;
      const told = isTold ? { summary: `${verb.describe(options)}: ${summary}` } : {};
      return withRecovered({ ...end, properties, ...told }, outcome);
    },
    describe: verb.describe,
  };
  const step = defineStep<Options, Input>(kind);
  return (options: DeclaredOptions<Input>): StepDeclaration =>
    step({ retryable: false, ...options, locks: withOwnLock(options) });
}

const ingestSchema = z
  .strictObject({
    ...verbShape,
    path: repositoryPathSchema
      .refine((path) => path !== '', 'must name a path in the repository')
      .pipe(plainPathSchema),
    tarball: plainPathSchema.optional(),
    directory: z.string().min(1).optional(),
  })
  .refine(({ tarball, directory }) => (tarball === undefined) !== (directory === undefined), {
    message: 'needs either "tarball" or "directory"',
    path: ['tarball'],
    when: () => true,
  });

/**
 * An archive that is made here is whole before the publisher sees it: a tar that fails in the middle must not be published.
 * One that was left by a crash is overwritten by the next, and so is not there for ever. Whatever is open at the end is aborted.
 */
const INGEST = `
served=$1 repository=$2 note=$3 who=$4 directory=$5
shift 5
archive=
finish() {
  [ -z "$archive" ] || rm -f "$archive"
  recover "$repository" "$note" publisher
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
if [ -n "$directory" ]; then
  archive=$(pwd)/icefall-ingest.$repository.tar
  tar -C "$directory" -cf "$archive" . || exit
  for word; do
    shift
    [ "$word" = '{archive}' ] && word=$archive
    set -- "$@" "$word"
  done
fi
claim "$repository" "$note" "$who" publisher || exit
"$@" || exit
rm -f "$note"
echo '${MANIFEST_MARK}'
manifest_of "$served"
echo '${STATISTICS_MARK}'
statistics_of "$repository" publisher
exit 0
`;

/**
 * Publishes an archive, or a directory, at a path of a repository, in a transaction of its own. Its statistics become
 * properties, as those of `cvmfsTransaction` do.
 */
export const cvmfsIngest = verbStep<
  z.output<typeof ingestSchema>,
  VerbOptions & {
    readonly path: string;
    /** A tar archive on the worker. Either this or `directory`. */
    readonly tarball?: string;
    /** What is in it is published; relative to the working directory. */
    readonly directory?: string;
  }
>({
  name: 'cvmfsIngest',
  schema: ingestSchema,
  words: ({ path, tarball }) => ['ingest', '-t', tarball ?? '{archive}', '-b', path],
  script: ({ directory = '' }) => ({ text: INGEST, before: [directory] }),
  describe: ({ repository, path, tarball, directory }) =>
    `ingest ${tarball ?? directory} as ${repository.name}/${path}`,
});

const tagSchema = z.strictObject({
  ...verbShape,
  tag: tagNameSchema,
  message: z.string().default(''),
  remove: z.boolean().default(false),
});

/** Gives the published revision a name, or takes a name away. */
export const cvmfsTag = verbStep<
  z.output<typeof tagSchema>,
  VerbOptions & { readonly tag: string; readonly message?: string; readonly remove?: boolean }
>({
  name: 'cvmfsTag',
  schema: tagSchema,
  words: ({ tag, message, remove }) =>
    remove ? ['tag', '-f', '-r', tag] : ['tag', '-a', tag, '-m', plainMessage(message)],
  describe: ({ repository, tag, remove }) => `${remove ? 'remove the tag' : 'tag'} ${tag} of ${repository.name}`,
});

const rollbackSchema = z.strictObject({ ...verbShape, tag: tagNameSchema.optional() });

/** Publishes an older revision again; without a tag, the one before. */
export const cvmfsRollback = verbStep<z.output<typeof rollbackSchema>, VerbOptions & { readonly tag?: string }>({
  name: 'cvmfsRollback',
  schema: rollbackSchema,
  words: ({ tag }) => ['rollback', '-f', ...(tag === undefined ? [] : ['-t', tag])],
  describe: ({ repository, tag }) => `roll ${repository.name} back${tag === undefined ? '' : ` to ${tag}`}`,
});

const plainSchema = z.strictObject(verbShape);

/** Removes objects that no kept revision needs. How much is kept is a matter of the publisher, and of `options`. */
export const cvmfsGarbageCollect = verbStep<z.output<typeof plainSchema>, VerbOptions>({
  name: 'cvmfsGarbageCollect',
  schema: plainSchema,
  words: () => ['gc', '-f'],
  describe: ({ repository }) => `collect the garbage of ${repository.name}`,
});

/** Verifies what is published. */
export const cvmfsCheck = verbStep<z.output<typeof plainSchema>, VerbOptions>({
  name: 'cvmfsCheck',
  schema: plainSchema,
  words: () => ['check'],
  describe: ({ repository }) => `check ${repository.name}`,
});

const ephemeralSchema = z.strictObject({
  ...publishingShape,
  repository: repositorySchema,
  path: repositoryPathSchema.default(''),
  command: commandLineSchema,
  config: z.string().startsWith('/', 'must be an absolute path'),
  commit: z.array(z.string().min(1)).min(1).default(['cvmfs_publish', 'commit']),
});

/** `enter` may not hand the command's exit code on: only a commit that says it succeeded has. */
const COMMITTED = 'icefall: committed';
function inContainer(commit: readonly string[]): string {
  return `"$@" && ${quoted(commit)} && echo '${COMMITTED}'`;
}

const ephemeralKind: StepKind<z.output<typeof ephemeralSchema>> = {
  name: 'cvmfsEphemeral',
  schema: ephemeralSchema,
  flags: { haltOnFailure: true },
  begin(options, run) {
    const { repository, path, command, config, commit } = options;
    const target = path === '' ? repository.name : `${repository.name}/${path}`;
    const work = typeof command === 'string' ? ['sh', '-c', command] : command;
    const enter = [...repository.server, 'enter', target, '--transaction', '--repo-config', config, '--'];
    const inside = ['sh', '-c', inContainer([...commit, repository.name]), 'ephemeral', ...work];
    const script = { name: 'ephemeral', text: '\nexec "$@"\n', args: [...enter, ...inside] };
    return { do: 'command', command: scriptCommand(script, options, run) };
  },
  end({ repository }, outcome) {
    const end = endOfScript(`ephemeral publish to ${repository.name}`, outcome);
    const output = outcome.values.stdout;
    if (end.result !== 'SUCCESS' || typeof output !== 'string' || output.split('\n').includes(COMMITTED)) return end;
    return { result: 'FAILURE', summary: `ephemeral publish to ${repository.name}: nothing was committed` };
  },
  describe: ({ repository }) => `ephemeral publish to ${repository.name}`,
};
const ephemeral = defineStep<
  z.output<typeof ephemeralSchema>,
  ProcessOptions & {
    readonly repository: CvmfsRepository;
    /** The lease that is asked for; default the whole repository. */
    readonly path?: string;
    /** What changes the tree, in the container. */
    readonly command: string | readonly Word[];
    /** Folder with the repository's configuration: its gateway, keys, address and proxies. */
    readonly config: string;
    /** Default `['cvmfs_publish', 'commit']`. */
    readonly commit?: readonly string[];
  }
>(ephemeralKind);

/**
 * Publishes through a gateway from any machine that has the stock tools, such as a pod made on demand: a command runs in
 * an ephemeral writable container, and what it changed is committed if it succeeds. A container that dies leaves nothing.
 */
export const cvmfsEphemeral: typeof ephemeral = (options) =>
  ephemeral({ retryable: false, ...options, locks: withOwnLock(options, options?.path) });
