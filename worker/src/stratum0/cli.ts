import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import type { BytePath } from './byte-path.ts';
import { type Context, realContext } from './context.ts';
import { namingRefusal, Stratum0Error, systemCode } from './errors.ts';
import { TRUNK, TRUNK_PREVIOUS } from './history/history.ts';
import { hashAlgorithm } from './objects/hashes.ts';
import { splitTarget } from './paths.ts';
import { existingRepository, repositoryNames, resign } from './repository.ts';
import { readFence } from './transaction/fence.ts';
import { CATALOG_WEIGHTS } from './tree/balance.ts';
import { readChangedList } from './tree/changed-list.ts';
import { WHITELIST_DAYS } from './trust/whitelist.ts';

export const USAGE = `icefall-stratum0: a small stratum 0, with the verbs of cvmfs_server

  mkfs [-a ALGORITHM] REPO       make a repository, with its keys (-a: hash: sha1, rmd160 or shake128)
  import [-k DIR] [-r] [-t] REPO
                                 take over the repository that lies in DIR/srv/REPO (-k: keys from there;
                                 -r: sign a new whitelist; -t: make a new repository key)
  transaction REPO[/path]        open a transaction; mount/REPO may then be changed
  publish [-a TAG] [-m TEXT] [--autocatalogs] [--changed FILE] REPO
                                 publish what is in mount/REPO as the next revision
                                 (--autocatalogs: split catalogs of more than 100,000 entries;
                                 --changed: look only at the paths that this file lists)
  abort [-f] REPO                discard the transaction (-f: without asking)
  ingest -b PATH -t TAR REPO     publish a tar archive ("-": from standard input) at a path, in one transaction
  resign [-d DAYS] REPO          renew the whitelist
  list                           all repositories
  info REPO                      revision, whitelist, transaction
  check REPO                     verify every catalog and object
  tag [-l] REPO                  named revisions
  tag -a TAG [-m TEXT] REPO      name the current revision
  tag -r TAG REPO                take a name away
  rollback [-t TAG] REPO         publish an older revision again (default: trunk-previous)
  diff [-s TAG] [-d TAG] REPO    what differs between two revisions (default: trunk-previous, trunk)
  print-stats [-s SEPARATOR] REPO
                                 what each publish has added, removed, changed and stored
  gc REPO                        remove objects that no kept revision needs
  serve [--host H] [--port N]    serve all repositories over HTTP (default 127.0.0.1:8000)

Options of all verbs:
  --dir DIR     where everything is kept: DIR/srv (served), DIR/spool, DIR/keys, DIR/mount
                (default: $ICEFALL_STRATUM0_DIR)
Environment:
  ICEFALL_STRATUM0_OWNER   recorded as the owner of a transaction (default: user@host)
  ICEFALL_FENCE            number of the grant of the locks; what comes under an older one than was seen is refused
REPO may be left out where there is only one.`;

/** What the command line is given by the process. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly out: (line: string) => void;
  readonly error: (line: string) => void;
  readonly input: NodeJS.ReadableStream;
  /** Ends `serve`. */
  readonly stop: AbortSignal;
}

const OPTIONS = {
  dir: { type: 'string' },
  force: { type: 'boolean', short: 'f' },
  list: { type: 'boolean', short: 'l' },
  days: { type: 'string', short: 'd' },
  tag: { type: 'string', short: 'a' },
  message: { type: 'string', short: 'm' },
  autocatalogs: { type: 'boolean' },
  changed: { type: 'string' },
  remove: { type: 'string', short: 'r' },
  base: { type: 'string', short: 'b' },
  to: { type: 'string', short: 't' },
  source: { type: 'string', short: 's' },
  host: { type: 'string' },
  port: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;
/** Of `import`, with the letters of the stock tools. */
const IMPORT_OPTIONS = {
  dir: { type: 'string' },
  keys: { type: 'string', short: 'k' },
  resign: { type: 'boolean', short: 'r' },
  'new-key': { type: 'boolean', short: 't' },
  help: { type: 'boolean', short: 'h' },
} as const;
/** What each verb takes, besides `--dir`: an option that would be ignored is refused, since it was meant to change something. */
const TAKES: Readonly<Record<string, readonly (keyof typeof OPTIONS)[]>> = {
  mkfs: ['tag'],
  publish: ['tag', 'message', 'autocatalogs', 'changed'],
  abort: ['force'],
  ingest: ['base', 'to', 'tag', 'message'],
  resign: ['days'],
  tag: ['list', 'tag', 'message', 'remove', 'force'],
  rollback: ['to', 'force'],
  diff: ['source', 'days'],
  'print-stats': ['source', 'to'],
  gc: ['force'],
  serve: ['host', 'port'],
};
type ValuesOf<T extends typeof OPTIONS | typeof IMPORT_OPTIONS> = ReturnType<
  typeof parseArgs<{ options: T; allowPositionals: true }>
>['values'];
type Values = Partial<ValuesOf<typeof OPTIONS> & ValuesOf<typeof IMPORT_OPTIONS>>;

interface Call {
  readonly context: Context;
  readonly values: Values;
  readonly terminal: Terminal;
  /** Name and path of REPO[/path]. */
  repository(): { name: string; path: string };
}

/** Each verb reads its own source only: most of a short command's time would go into that of the others. */
const VERBS: Readonly<Record<string, (call: Call) => Promise<void>>> = {
  // `-a` is the hash algorithm here, as with the stock tools, and a tag elsewhere.
  mkfs: async ({ context, repository, values }) => {
    const { makeRepository } = await import('./verbs/mkfs.ts');
    await makeRepository(context, repository().name, hashAlgorithm(values.tag ?? 'sha1'));
  },
  import: async ({ context, repository, values }) => {
    const { importRepository } = await import('./verbs/import.ts');
    const options = {
      keys: values.keys ?? null,
      signsWhitelist: values.resign === true,
      makesKey: values['new-key'] === true,
    };
    await importRepository(context, repository().name, options);
  },
  transaction: async ({ context, repository }) => {
    const { beginTransaction } = await import('./verbs/begin.ts');
    await beginTransaction(context, repository().name, repository().path);
  },
  publish: async ({ context, repository, values }) => {
    const { publish } = await import('./verbs/publish.ts');
    await publish(context, repository().name, {
      tag: values.tag ?? null,
      description: values.message ?? '',
      weights: values.autocatalogs === true ? CATALOG_WEIGHTS : null,
      changed: values.changed === undefined ? null : await readList(values.changed),
    });
  },
  abort: async ({ context, repository, values, terminal }) => {
    const { name } = repository();
    if (values.force !== true)
      await confirm(
        terminal,
        `You are about to DISCARD ALL CHANGES OF THE CURRENT TRANSACTION for ${name}!  Are you sure (y/N)? `,
      );
    const { abort } = await import('./verbs/abort.ts');
    await abort(context, name);
  },
  // `-t` is the tarball here, as with the stock tools, and a tag elsewhere.
  ingest: async ({ context, repository, values, terminal }) => {
    const { name } = repository();
    if (values.base === undefined || values.to === undefined)
      throw new Stratum0Error('usage', 'ingest takes -b PATH and -t TAR');
    const base = splitTarget(`${name}/${values.base}`).path;
    const { ingest } = await import('./verbs/ingest.ts');
    const archive = values.to === '-' ? terminal.input : values.to;
    await ingest(context, name, { base, archive }, { tag: values.tag ?? null, description: values.message ?? '' });
  },
  resign: ({ context, repository, values }) =>
    resign(context, repository().name, wholeNumber(values.days, WHITELIST_DAYS, '-d', 1, 3650)),
  list: async ({ context }) => (await import('./verbs/describe.ts')).listRepositories(context),
  info: async ({ context, repository }) =>
    (await import('./verbs/describe.ts')).describeRepository(context, repository().name),
  check: async ({ context, repository }) =>
    (await import('./verbs/check.ts')).checkRepository(context, repository().name),
  tag: async ({ context, repository, values }) => {
    const { name } = repository();
    const { addTag, removeTag } = await import('./verbs/tags.ts');
    if (values.tag !== undefined) await addTag(context, name, values.tag, values.message ?? '');
    else if (values.remove !== undefined) await removeTag(context, name, values.remove);
    else await (await import('./verbs/describe.ts')).listTags(context, name);
  },
  rollback: async ({ context, repository, values }) =>
    (await import('./verbs/rollback.ts')).rollback(context, repository().name, values.to ?? TRUNK_PREVIOUS),
  // `-d` is the destination here, as with the stock tools, and days elsewhere.
  diff: async ({ context, repository, values }) =>
    (await import('./verbs/diff.ts')).diff(
      context,
      repository().name,
      values.source ?? TRUNK_PREVIOUS,
      values.days ?? TRUNK,
    ),
  // `-s` is the separator here and `-t` the table, as with the stock tools.
  'print-stats': async ({ context, repository, values: { source, to } }) => {
    const { printStatistics } = await import('./transaction/statistics.ts');
    const paths = existingRepository(context, repository().name);
    printStatistics(context, paths, {
      ...(source !== undefined && { separator: source }),
      ...(to !== undefined && { table: to }),
    });
  },
  gc: async ({ context, repository }) =>
    (await import('./verbs/collect.ts')).collectGarbage(context, repository().name),
  serve: serveUntilStopped,
};

/** Runs one command line (without the program's name) and returns its exit code. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    const [verb = 'help', ...targets] = positionals;
    if (values.help === true || verb === 'help') {
      terminal.out(USAGE);
      return 0;
    }
    const action = VERBS[verb];
    if (action === undefined) throw new Stratum0Error('usage', `"${verb}" is not a command; see icefall-stratum0 help`);
    if (targets.length > 1) throw new Stratum0Error('usage', `${verb} takes one repository, not ${targets.join(', ')}`);
    const directory = values.dir ?? terminal.environment.ICEFALL_STRATUM0_DIR;
    if (directory === undefined || directory === '')
      throw new Stratum0Error('usage', 'say where the repositories are: --dir DIR, or set ICEFALL_STRATUM0_DIR');
    const { ICEFALL_STRATUM0_OWNER: owner, ICEFALL_FENCE: fence } = terminal.environment;
    const context = realContext(directory, owner, terminal.out, readFence(fence));
    await action({ context, values, terminal, repository: () => chooseRepository(context, targets[0]) });
    return 0;
  } catch (failure) {
    const error = namingRefusal(failure);
    if (error instanceof Stratum0Error) {
      terminal.error(`icefall-stratum0: ${error.message} [${error.code}]`);
      return error.exitCode;
    }
    terminal.error(`icefall-stratum0: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return 1;
  }
}

function parse(given: readonly string[]): { values: Values; positionals: string[] } {
  const args = [...given];
  try {
    const [verb] = parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: false }).positionals;
    if (verb === 'import') return parseArgs({ args, options: IMPORT_OPTIONS, allowPositionals: true });
    const parsed = parseArgs({ args, options: OPTIONS, allowPositionals: true, tokens: true });
    const takes = new Set<string>(['dir', 'help', ...(TAKES[verb ?? ''] ?? [])]);
    for (const token of parsed.tokens)
      if (token.kind === 'option' && !takes.has(token.name))
        throw new Error(`${verb ?? 'a command line without a command'} does not take ${token.rawName}`);
    return parsed;
  } catch (error) {
    throw new Stratum0Error('usage', error instanceof Error ? error.message : String(error));
  }
}

function chooseRepository(context: Context, target: string | undefined): { name: string; path: string } {
  if (target !== undefined) return splitTarget(target);
  const [only, ...others] = repositoryNames(context);
  if (only === undefined || others.length > 0)
    throw new Stratum0Error(
      'usage',
      `name the repository${only === undefined ? '' : `: ${[only, ...others].join(', ')}`}`,
    );
  return { name: only, path: '' };
}

function wholeNumber(text: string | undefined, fallback: number, option: string, least: number, most: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Stratum0Error('usage', `${option} must be a whole number from ${least} to ${most}, not "${text}"`);
  return value;
}

async function readList(file: string): Promise<BytePath[]> {
  const list = await readFile(file).catch((error: unknown) => {
    throw new Stratum0Error('usage', `--changed: ${file} cannot be read (${systemCode(error)})`);
  });
  return readChangedList(list);
}

async function confirm(terminal: Terminal, question: string): Promise<void> {
  const lines = createInterface({ input: terminal.input });
  terminal.out(question);
  const answer = await Promise.race([
    new Promise<string>((resolve) => lines.once('line', resolve)),
    new Promise<string>((resolve) => lines.once('close', () => resolve(''))),
  ]);
  lines.close();
  if (answer !== 'y' && answer !== 'Y') throw new Stratum0Error('declined', 'nothing was changed');
}

async function serveUntilStopped({ context, values, terminal }: Call): Promise<void> {
  const host = values.host ?? '127.0.0.1';
  const { serve } = await import('./server.ts');
  const server = await serve({
    directory: context.directory,
    host,
    port: wholeNumber(values.port, 8000, '--port', 0, 65_535),
    say: terminal.error,
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : values.port;
  context.say(
    `Serving ${context.directory}/srv on http://${host.includes(':') ? `[${host}]` : host}:${port}/cvmfs/REPO`,
  );
  await new Promise<void>((resolve) => {
    if (terminal.stop.aborted) resolve();
    terminal.stop.addEventListener('abort', () => resolve(), { once: true });
  });
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
