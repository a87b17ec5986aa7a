import type { SourceStamp } from '@icefall/shared';
import { z } from 'zod';
import { isLoopback } from '../access/loopback.ts';
import type { Report } from '../reporters/report.ts';
import { type SecretReference, secretSchema } from '../secrets/reference.ts';
import type { BuilderDeclaration } from './builders.ts';
import { declared, functionSchema } from './declared.ts';
import { nameSchema } from './names.ts';
import { callerPlace, nameOf, type Place, reportIssues, reportProblem, titleOf, usable } from './problems.ts';

/**
 * Which ends of builds are told, by Buildbot's words: `failing`, `passing`, `warnings`, `exception` and `cancelled` by the
 * result alone; `change` where it is another than before, `problem` where a build fails and the one before did not;
 * `always`. An attempt that is followed by another one (RETRY) is never told.
 */
export const REPORT_MODES = [
  ...(['failing', 'passing', 'warnings', 'exception', 'cancelled'] as const),
  ...(['change', 'problem', 'always'] as const),
] as const;
export type ReportMode = (typeof REPORT_MODES)[number];

/** Whose builds are told; default: all. */
export interface ReportedBuilds {
  /** Builds of these builders, and of those that have one of the tags. */
  readonly builders?: readonly BuilderDeclaration[];
  readonly tags?: readonly string[];
  /** Of which at least one source is of one of these; `*` stands for any text, `HEAD` for the default branch. */
  readonly branches?: readonly string[];
}

export interface MailServer {
  readonly host: string;
  /** Default: 587 with `startTls`, 465 with `tls`, 25 with `none`. */
  readonly port?: number;
  /** `startTls` (default) goes on in plain text and then encrypted, or not at all; `tls` is encrypted from the start. */
  readonly tls?: 'startTls' | 'tls' | 'none';
  /** PEM file of the authority that has signed the server's certificate; default: those that Node knows. */
  readonly ca?: string;
  readonly user?: string;
  readonly password?: SecretReference;
}

/** Which authors of changes are written to. Whoever can push can name any author: so it must be said whom to believe. */
export interface AuthorsOptions {
  /** Domains of their addresses: `example.org`, without what is below it. */
  readonly domains?: readonly string[];
  /** The address of an author as Git names them (`Ada <ada@example.org>`), or null for nobody. Is asked first. */
  readonly lookup?: (author: string) => string | null;
  /** Also of builds that not everybody who signs in may view; default false. */
  readonly ofRestricted?: boolean;
}

export interface MailReporterOptions extends ReportedBuilds {
  readonly name: string;
  readonly server: MailServer;
  readonly from: string;
  /** Addresses, and `authors`: those of the build's changes that `authors` lets. */
  readonly to: readonly (string | 'authors')[];
  readonly authors?: AuthorsOptions;
  /** Default: `failing`, `exception` and `change`. */
  readonly when?: ReportMode | readonly ReportMode[];
  /** Without line breaks, 200 characters at most: more is cut. */
  readonly subject?: (report: Report) => string;
  /** Plain text. */
  readonly body?: (report: Report) => string;
}

const CODE_HOSTS = ['github', 'gitlab', 'gitea'] as const;

export interface CommitStatusReporterOptions extends ReportedBuilds {
  readonly name: string;
  readonly kind: (typeof CODE_HOSTS)[number];
  /** As people reach it with a browser: `https://github.com`, `https://gitlab.example.org`. */
  readonly url: string;
  readonly token: SecretReference;
  /**
   * Name of the project there (`group/project`) whose commit a source is; null: none. Default: by the repository's address,
   * where that is of the host.
   */
  readonly project?: (stamp: SourceStamp) => string | null;
  /** What the status is called; default `icefall/BUILDER`. Several statuses of a commit have names of their own. */
  readonly context?: (builder: string) => string;
}

export interface WebhookReporterOptions extends ReportedBuilds {
  readonly name: string;
  readonly url: string;
  /** Signs what is sent. */
  readonly secret: SecretReference;
  /** Default: when a build begins and when it ends. */
  readonly moments?: readonly ('start' | 'end')[];
  /** Which ends; default `always`. */
  readonly when?: ReportMode | readonly ReportMode[];
}

interface Common {
  readonly type: 'reporter';
  readonly name: string;
  /** Null with `tags` null: all builders. */
  readonly builders: readonly BuilderDeclaration[] | null;
  readonly tags: readonly string[] | null;
  readonly branches: readonly string[] | null;
  readonly moments: readonly ('start' | 'end')[];
  readonly when: readonly ReportMode[];
  readonly place: Place | null;
}
export interface MailReporter extends Common {
  readonly kind: 'mail';
  readonly server: Required<Omit<MailServer, 'ca' | 'user' | 'password'>> & {
    readonly ca: string | null;
    readonly user: string | null;
    readonly password: SecretReference | null;
  };
  readonly from: string;
  readonly to: readonly string[];
  readonly toAuthors: boolean;
  readonly authors: Required<Omit<AuthorsOptions, 'lookup'>> & { readonly lookup: AuthorsOptions['lookup'] | null };
  readonly subject: ((report: Report) => string) | null;
  readonly body: ((report: Report) => string) | null;
}
export interface CommitStatusReporter extends Common {
  readonly kind: 'commitStatus';
  readonly host: (typeof CODE_HOSTS)[number];
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: SecretReference | null;
  readonly project: ((stamp: SourceStamp) => string | null) | null;
  readonly context: ((builder: string) => string) | null;
}
export interface WebhookReporter extends Common {
  readonly kind: 'webhook';
  readonly url: string;
  readonly secret: SecretReference | null;
}
export type ReporterDeclaration = MailReporter | CommitStatusReporter | WebhookReporter;

/** One address as RFC 5321 has it without its rare forms: nothing that a header or a command could take for more. */
const ADDRESS = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$/;

export function isMailAddress(text: string): boolean {
  return ADDRESS.test(text);
}

const address = z.string().refine(isMailAddress, 'must be a mail address such as builds@example.org');
const text = z.string().min(1).max(1000);
const mode = z.enum(REPORT_MODES);
const when = z.union([mode, z.array(mode).min(1)], `must be one of ${REPORT_MODES.join(', ')}, or a list of them`);
const moment = z.enum(['start', 'end']);
const common = {
  name: nameSchema,
  builders: z.array(declared<BuilderDeclaration>('builder', 'must be a builder(...)')).optional(),
  tags: z.array(z.string().min(1)).optional(),
  branches: z.array(text).min(1, 'must hold at least one pattern').optional(),
};
const serverSchema = z.strictObject({
  host: text.regex(/^[A-Za-z0-9.:-]+$/, 'must be the name or address of a mail server'),
  port: z.int().min(1).max(65_535).optional(),
  tls: z.enum(['startTls', 'tls', 'none']).default('startTls'),
  ca: text.optional(),
  user: text.optional(),
  password: secretSchema.optional(),
});
const domain = z
  .string()
  .regex(/^[^@\s]+$/, 'must be a domain like example.org, without @')
  .transform((name) => name.toLowerCase());
const authorsSchema = z.strictObject({
  domains: z.array(domain).default([]),
  lookup: functionSchema.optional(),
  ofRestricted: z.boolean().default(false),
});
const mailSchema = z.strictObject({
  ...common,
  server: serverSchema,
  from: address,
  to: z
    .array(z.string().refine((one) => one === 'authors' || isMailAddress(one), "must be a mail address, or 'authors'"))
    .min(1, 'must name somebody'),
  authors: authorsSchema.optional(),
  when: when.optional(),
  subject: functionSchema.optional(),
  body: functionSchema.optional(),
});
const safeUrl = z
  .string()
  .refine(isSafeUrl, 'must be an https address without user, query and fragment; http on this machine only');
const commitStatusSchema = z.strictObject({
  ...common,
  kind: z.enum(CODE_HOSTS),
  url: safeUrl,
  token: secretSchema,
  project: functionSchema.optional(),
  context: functionSchema.optional(),
});
const webhookSchema = z.strictObject({
  ...common,
  url: z.string().refine(isHttpUrl, 'must be an http or https address without user'),
  secret: secretSchema,
  moments: z.array(moment).min(1).optional(),
  when: when.optional(),
});

/** A token goes there. */
function isSafeUrl(value: string): boolean {
  if (!isHttpUrl(value)) return false;
  const { protocol, hostname, search, hash } = new URL(value);
  return search === '' && hash === '' && (protocol === 'https:' || isLoopback(hostname));
}

function isHttpUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

const DEFAULT_PORTS = { startTls: 587, tls: 465, none: 25 } as const;

/** Declares who is told of builds by mail. */
export function mailReporter(options: MailReporterOptions): MailReporter {
  const place = callerPlace();
  const given = read('mailReporter', mailSchema, options, place);
  // What is wrong was reported; the rest of the site is still checked with what is right.
  const server: Partial<MailServer> = given.server ?? {};
  const { host = '', tls = 'startTls', port = DEFAULT_PORTS[tls], ca = null, user = null, password = null } = server;
  const { domains = [], lookup = null, ofRestricted = false } = given.authors ?? {};
  const to = given.to ?? [];
  const declaration: MailReporter = Object.freeze({
    ...commonOf(options, given, place, given.when ?? ['failing', 'exception', 'change'], ['end']),
    kind: 'mail',
    server: { host, port, tls, ca, user, password },
    from: given.from ?? '',
    to: to.filter((one) => one !== 'authors'),
    toAuthors: to.includes('authors'),
    authors: { domains: domains.map((name) => name.toLowerCase()), lookup, ofRestricted },
    subject: given.subject ?? null,
    body: given.body ?? null,
  });
  checkMail(declaration);
  return declaration;
}

function checkMail({ name, server, toAuthors, authors, place }: MailReporter): void {
  const wrong = (what: string) => reportProblem(place, `mailReporter "${name}": ${what}`);
  if ((server.user === null) !== (server.password === null))
    wrong('option "server": user and password belong together');
  if (server.password !== null && server.tls === 'none' && !isLoopback(server.host))
    wrong('option "server": the password would travel in plain text; leave tls out, or the password');
  if (toAuthors && authors.lookup === null && authors.domains.length === 0)
    wrong(
      'option "to": authors are whoever a push says; say whom to write to: authors: { domains: ["example.org"] }, or a lookup',
    );
}

/** Declares a code host that is told of each commit how its builds go. */
export function commitStatusReporter(options: CommitStatusReporterOptions): CommitStatusReporter {
  const place = callerPlace();
  const given = read('commitStatusReporter', commitStatusSchema, options, place);
  return Object.freeze({
    ...commonOf(options, given, place, ['always'], ['start', 'end']),
    kind: 'commitStatus',
    host: given.kind ?? 'github',
    url: (given.url ?? '').replace(/\/+$/, ''),
    token: given.token ?? null,
    project: given.project ?? null,
    context: given.context ?? null,
  });
}

/** Declares a program that is sent every build as JSON, signed. */
export function webhookReporter(options: WebhookReporterOptions): WebhookReporter {
  const place = callerPlace();
  const given = read('webhookReporter', webhookSchema, options, place);
  return Object.freeze({
    ...commonOf(options, given, place, given.when ?? ['always'], given.moments ?? ['start', 'end']),
    kind: 'webhook',
    url: given.url ?? '',
    secret: given.secret ?? null,
  });
}

function read<T extends object>(kind: string, schema: z.ZodObject, options: T, place: Place | null): Partial<T> {
  const parsed = schema.safeParse(options);
  if (!parsed.success) reportIssues(place, titleOf(kind, options), options, parsed.error.issues);
  return usable(schema, options);
}

function commonOf(
  options: object,
  { builders, tags, branches }: ReportedBuilds,
  place: Place | null,
  modes: ReportMode | readonly ReportMode[],
  moments: Common['moments'],
): Common {
  return {
    ...{ type: 'reporter', name: nameOf(options), place },
    ...{ builders: builders ?? null, tags: tags ?? null, branches: branches ?? null },
    ...{ moments, when: typeof modes === 'string' ? [modes] : modes },
  };
}
