import { createHash } from 'node:crypto';
import type { CommandOutcome } from '@icefall/shared';
import { z } from 'zod';
import { callerPlace, collectProblems, reportProblem } from '../../config/problems.ts';
import { prop } from '../../properties/references.ts';
import { type DeclaredOptions, defineStep, type StepKind } from '../kind.ts';
import { holdTogether } from '../lock-span.ts';
import type { ProcessOptions } from '../shell.ts';
import type { StepDeclaration, StepEnd } from '../step.ts';
import { type CvmfsRepository, publishingLock, repositorySchema, withOwnLock } from './repository.ts';
import { endOfScript, publishingShape, scriptCommand } from './script.ts';
import { readWhitelistHead, verifyWhitelist, WhitelistError, type WhitelistHead } from './whitelist.ts';

const DAY_MS = 86_400_000;
/** Between what the publisher says and the lines of the whitelist that is served then. */
const WHITELIST_MARK = '--- whitelist';
const KEY_MARK = '--- key';
const CERTIFICATE_MARK = '--- certificate';
/** The checksum of the whitelist that was verified: only that one is put in place. */
const CHECKSUM = 'cvmfs_whitelist_sha256';

const SHOW = `
echo '${WHITELIST_MARK}'
case $served in
  http://* | https://*) curl -fsS --max-time 60 "$served/.cvmfswhitelist" ;;
  *) cat "$served/.cvmfswhitelist" ;;
esac | LC_ALL=C sed '/^--$/,$d'
`;
const RESIGN = `
served=$1
shift
"$@" || exit
${SHOW}`;
/** The master verifies what is fetched: it is shown whole, with what it must agree with. */
const FETCH = `
new=$1/.cvmfswhitelist.new keys=$2 name=$3 url=$4
shift 4
if [ -n "$url" ]; then
  curl -fsS --max-time 60 -o "$new" "$url" || exit
else
  "$@" "$name" > "$new" || exit
fi
echo '${WHITELIST_MARK}'
base64 < "$new" || exit
echo '${KEY_MARK}'
cat "$keys/$name.pub" || exit
echo '${CERTIFICATE_MARK}'
cat "$keys/$name.crt"
`;
const REPLACE = `
served=$1 checksum=$2
new=$served/.cvmfswhitelist.new
echo "$checksum  $new" | sha256sum -c - || exit
mv -f "$new" "$served/.cvmfswhitelist" || exit
${SHOW}`;

const shape = {
  ...publishingShape,
  repository: repositorySchema,
  warnDays: z.number().min(0).max(365).default(7),
};
type Warned = { readonly repository: CvmfsRepository; readonly warnDays: number };

/** The end of a step after which a renewed whitelist is served: the days left are told, and watched from then on. */
function renewed({ repository, warnDays }: Warned, outcome: CommandOutcome): StepEnd {
  const what = `whitelist of ${repository.name}`;
  const end = endOfScript(what, outcome);
  const [, text] = String(outcome.values.stdout ?? '').split(`${WHITELIST_MARK}\n`);
  if (end.result !== 'SUCCESS' || text === undefined) return end;
  const head = orError(() => readWhitelistHead(text));
  if (head instanceof WhitelistError)
    return { result: 'FAILURE', summary: `${what}: what is served now is none: ${head.message}` };
  return {
    ...end,
    summary: `${what}: ${daysLeft(head, outcome)} days left`,
    properties: {
      cvmfs_whitelist_expires: new Date(head.expiresAt).toISOString(),
      cvmfs_whitelist_days: daysLeft(head, outcome),
    },
    deadlines: [
      {
        name: `whitelist ${repository.name}`,
        what: `the whitelist of ${repository.name}`,
        at: head.expiresAt,
        warnMs: warnDays * DAY_MS,
      },
    ],
  };
}

function daysLeft({ expiresAt }: WhitelistHead, { finishedAt }: CommandOutcome): number {
  return Math.floor((expiresAt - finishedAt) / DAY_MS);
}

function orError(read: () => WhitelistHead): WhitelistHead | WhitelistError {
  try {
    return read();
  } catch (error) {
    if (error instanceof WhitelistError) return error;
    throw error;
  }
}

const resignSchema = z.strictObject({ ...shape, days: z.number().int().min(1).max(30).optional() });
const resignKind: StepKind<z.output<typeof resignSchema>> = {
  name: 'cvmfsResign',
  schema: resignSchema,
  begin(options, run) {
    const { repository, days } = options;
    const line = [...repository.server, 'resign', ...(days === undefined ? [] : ['-d', String(days)]), repository.name];
    const script = { name: 'resign', text: RESIGN, args: [repository.served, ...line] };
    return { do: 'command', command: scriptCommand(script, options, run) };
  },
  end: renewed,
  describe: ({ repository }) => `renew the whitelist of ${repository.name}`,
};

const localSchema = repositorySchema.refine(
  ({ served }) => served.startsWith('/'),
  'must be served from a folder: a whitelist cannot be put in place at an address',
);
const fetchSchema = z
  .strictObject({
    ...shape,
    repository: localSchema,
    from: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).optional(),
    signer: z.array(z.string().min(1)).min(1).optional(),
  })
  .refine(({ from, signer }) => from === undefined || signer === undefined, {
    message: 'is another way than "signer"; say one of them',
    path: ['from'],
    when: () => true,
  });
const fetchKind: StepKind<z.output<typeof fetchSchema>> = {
  name: 'cvmfsFetchWhitelist',
  schema: fetchSchema,
  flags: { haltOnFailure: true },
  begin(options, run) {
    const { repository, from, signer } = options;
    const args = [repository.served, repository.keys, repository.name, from ?? '', ...(signer ?? [])];
    return { do: 'command', command: scriptCommand({ name: 'whitelist', text: FETCH, args }, options, run) };
  },
  end({ repository }, outcome) {
    const what = `new whitelist of ${repository.name}`;
    const end = endOfScript(what, outcome);
    const output = String(outcome.values.stdout ?? '');
    const [, base64 = '', publicKey = '', certificate = ''] =
      new RegExp(`${WHITELIST_MARK}\n([^-]*)${KEY_MARK}\n([^]*?)${CERTIFICATE_MARK}\n([^]*)$`).exec(output) ?? [];
    if (end.result !== 'SUCCESS' || outcome.values.stdout === undefined) return end;
    const bytes = Buffer.from(base64, 'base64');
    const checks = { name: repository.name, publicKey, certificate, now: outcome.finishedAt };
    const head = orError(() => verifyWhitelist(bytes, checks));
    if (head instanceof WhitelistError) return { result: 'FAILURE', summary: `${what} is refused: ${head.message}` };
    const summary = `${what}: good for ${daysLeft(head, outcome)} days`;
    return { ...end, summary, properties: { [CHECKSUM]: createHash('sha256').update(bytes).digest('hex') } };
  },
  describe: ({ repository }) => `fetch the whitelist of ${repository.name}`,
};

const replaceSchema = z.strictObject({ ...shape, repository: localSchema, checksum: z.string() });
const replaceKind: StepKind<z.output<typeof replaceSchema>> = {
  name: 'cvmfsReplaceWhitelist',
  schema: replaceSchema,
  begin(options, run) {
    const args = [options.repository.served, options.checksum];
    return { do: 'command', command: scriptCommand({ name: 'whitelist', text: REPLACE, args }, options, run) };
  },
  end: renewed,
  describe: ({ repository }) => `replace the whitelist of ${repository.name}`,
};

interface WhitelistOptions extends ProcessOptions {
  readonly repository: CvmfsRepository;
  /** An alarm is raised when fewer days than these are left; default 7. */
  readonly warnDays?: number;
}
const resign = defineStep<z.output<typeof resignSchema>, WhitelistOptions & { readonly days?: number }>(resignKind);
const fetchOrSign = defineStep<
  z.output<typeof fetchSchema>,
  WhitelistOptions & { readonly from?: string; readonly signer?: readonly string[] }
>(fetchKind);
const replace = defineStep<z.output<typeof replaceSchema>, WhitelistOptions & { readonly checksum: string }>(
  replaceKind,
);

export interface CvmfsResignOptions extends WhitelistOptions {
  /** For how long the publisher signs; default 30. */
  readonly days?: number;
  /** Fetches a signed whitelist from this address. */
  readonly from?: string;
  /** A program that is given the repository's name and prints a signed whitelist: the master key may be anywhere. */
  readonly signer?: readonly string[];
}

/**
 * Renews a repository's whitelist: signed by the publisher (`cvmfs_server resign`), fetched from an address, or signed by
 * another program. What comes from elsewhere is verified before it replaces the old one: signature, name, expiry, and
 * that it lists the repository's certificate. Sets `cvmfs_whitelist_days` and `cvmfs_whitelist_expires`; while fewer days than
 * `warnDays` are left, the master has an alarm, also when this step does not run any more.
 */
export function cvmfsResign(options: DeclaredOptions<CvmfsResignOptions>): StepDeclaration[] {
  const { from, signer, ...rest } = options ?? {};
  if (from === undefined && signer === undefined)
    return [resign({ haltOnFailure: true, ...rest, locks: withOwnLock(rest) })];
  const { days, name = 'whitelist', locks, ...common } = rest;
  if (days !== undefined)
    reportProblem(
      callerPlace(),
      `step cvmfsResign "${name}": option "days": whoever signs the whitelist says for how long`,
    );
  const source = { ...(from === undefined ? {} : { from }), ...(signer === undefined ? {} : { signer }) };
  const fetching = fetchOrSign({ ...common, ...source, name: `${name}, fetched` });
  // What is wrong with the options of both has been told of the first.
  const replacing = collectProblems(() =>
    replace({ haltOnFailure: true, ...common, name, checksum: prop(CHECKSUM, '') }),
  );
  const steps = [fetching, replacing.value];
  const repository = repositorySchema.safeParse(common.repository);
  const more = typeof locks === 'function' || locks === undefined ? [] : locks;
  return repository.success ? holdTogether([...more, publishingLock(repository.data, '')], steps) : steps;
}
