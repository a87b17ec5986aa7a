import { z } from 'zod';
import { isBuilderPermission, PERMISSIONS, type Permission } from '../access/permissions.ts';
import type { BuilderDeclaration } from './builders.ts';
import { type Duration, parseDuration } from './durations.ts';
import { type Place, reportProblem, valueAt } from './problems.ts';
import { type ProjectsDeclaration, tagsOfProjects } from './projects.ts';
import { type SignInDeclaration, type SignInOptions, signInOf, signInSchema } from './sign-in.ts';

/** Who has a role: whoever asks, whoever has signed in, or those named. */
export type MembersOptions =
  | 'everyone'
  | 'signedIn'
  | {
      /** Those of a provider of `signIn` are `PROVIDER:NAME`. */
      readonly users?: readonly string[];
      /** Of local users (`icefall user add --group`), or as directory, provider or proxy tell. */
      readonly groups?: readonly string[];
      /** Of mail addresses that somebody we trust has verified: `example.org`, without what is below it. */
      readonly mailDomains?: readonly string[];
    };

export interface RoleOptions {
  readonly allow: readonly Permission[];
  /** With these builders, and those that have one of the tags; default: with all. */
  readonly builders?: readonly BuilderDeclaration[];
  readonly tags?: readonly string[];
  readonly members: MembersOptions;
}

export interface ProxySignIn {
  /** Header with the person's name. */
  readonly user: string;
  readonly mail?: string;
  /** Header with their groups, separated by commas. */
  readonly groups?: string;
}

/** Who may do what; what no role allows is denied. */
export interface AccessOptions {
  /** By name. Somebody may have several: they add up. */
  readonly roles: Readonly<Record<string, RoleOptions>>;
  /** Addresses of proxies that are believed what they say of whom they ask for: `10.1.2.3`, `10.0.0.0/8`, `::1`. */
  readonly proxies?: readonly string[];
  /** Headers by which those proxies tell who has signed in to them. They must not let anybody else's through. */
  readonly proxySignIn?: ProxySignIn;
  /** Who else recognises people: a directory (LDAP), OpenID Connect, GitHub. */
  readonly signIn?: SignInOptions;
  /** How long the audit log is kept: 30 days to ten years; default 365 days. */
  readonly keepAudit?: Duration;
}

export interface RoleDeclaration {
  readonly name: string;
  readonly allow: readonly Permission[];
  /** Null with `tags` null: all builders. */
  readonly builders: readonly BuilderDeclaration[] | null;
  readonly tags: readonly string[] | null;
  readonly members:
    | 'everyone'
    | 'signedIn'
    | {
        readonly users: readonly string[];
        readonly groups: readonly string[];
        readonly mailDomains: readonly string[];
      };
}

export interface AccessDeclaration {
  readonly roles: readonly RoleDeclaration[];
  readonly keepAuditMs: number;
  readonly proxies: readonly string[];
  readonly proxySignIn: ProxySignIn | null;
  readonly signIn: SignInDeclaration;
}

const names = z.array(z.string().min(1).max(200)).default([]);
const domain = z
  .string()
  .regex(/^[^@\s]+$/, 'must be a domain like example.org, without @')
  .transform((text) => text.toLowerCase());
const memberLists = z.strictObject({ users: names, groups: names, mailDomains: z.array(domain).default([]) });
const builderSchema = z.custom<BuilderDeclaration>(
  (value) => valueAt(value, ['type']) === 'builder',
  'must be a builder(...)',
);
const roleSchema = z.strictObject({
  allow: z.array(z.enum(PERMISSIONS)).min(1, 'must allow something'),
  builders: z.array(builderSchema).optional(),
  tags: z.array(z.string().min(1)).optional(),
  members: z.union(
    [z.literal('everyone'), z.literal('signedIn'), memberLists],
    "must be 'everyone', 'signedIn' or { users, groups, mailDomains }",
  ),
});

const header = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'must be the name of a header')
  .transform((name) => name.toLowerCase());
const DAY_MS = 86_400_000;
/** The database refuses to delete what is younger, see migration 5. */
const LEAST_AUDIT_MS = 30 * DAY_MS;
/** Other durations end with a year; what laws ask for does not. */
const MOST_AUDIT_MS = 3650 * DAY_MS;

export const accessSchema = z.strictObject({
  roles: z.record(z.string().min(1).max(100), roleSchema),
  proxies: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'must be an address, or several as ADDRESS/BITS'))
    .default([]),
  proxySignIn: z.strictObject({ user: header, mail: header.optional(), groups: header.optional() }).optional(),
  signIn: signInSchema.optional(),
  keepAudit: z
    .union([z.number(), z.string()])
    .default(365 * DAY_MS)
    .transform((value) => parseDuration(value) ?? Number.NaN)
    .refine((ms) => ms >= LEAST_AUDIT_MS && ms <= MOST_AUDIT_MS, "must be at least '30d' and at most '3650d'"),
});

/** What the options of a site's `access` declare; null where they cannot be used (that is reported with the site's). */
export function accessOf(options: unknown): AccessDeclaration | null {
  const parsed = accessSchema.safeParse(options);
  if (!parsed.success) return null;
  const roles = Object.entries(parsed.data.roles).map(([name, { allow, builders, tags, members }]) =>
    Object.freeze({ name, allow, builders: builders ?? null, tags: tags ?? null, members }),
  );
  const { keepAudit, proxies, proxySignIn, signIn } = parsed.data;
  return Object.freeze({
    ...{ roles, keepAuditMs: keepAudit, proxies },
    proxySignIn: headersOf(proxySignIn),
    signIn: signInOf(signIn),
  });
}

function headersOf(given: z.output<typeof accessSchema>['proxySignIn']): ProxySignIn | null {
  if (given === undefined) return null;
  const { user, mail, groups } = given;
  return { user, ...(mail === undefined ? {} : { mail }), ...(groups === undefined ? {} : { groups }) };
}

interface Checked {
  readonly access: AccessDeclaration | null;
  readonly builders: readonly BuilderDeclaration[];
  readonly projects: ProjectsDeclaration | null;
  /** Of the page. */
  readonly url: string | null;
  readonly place: Place | null;
}

/** What only the whole can tell: permissions that cannot be limited, tags and builders that there are not. */
export function checkAccess({ access, builders, projects, url, place }: Checked): void {
  if (access?.proxySignIn != null && access.proxies.length === 0)
    reportProblem(place, 'access: proxySignIn needs proxies: without addresses nobody would be believed');
  const providers = access?.signIn.providers ?? [];
  if (providers.length > 0 && url === null)
    reportProblem(place, 'access: signIn.providers send people back to the page; say where it is: site({ url })');
  const tags = new Set([...builders.flatMap((builder) => builder.tags), ...tagsOfProjects(projects)]);
  for (const role of access?.roles ?? []) {
    const wrong = (what: string) => reportProblem(place, `access: role "${role.name}" ${what}`);
    for (const { name } of role.builders?.filter((builder) => !builders.includes(builder)) ?? [])
      wrong(`names builder "${name}", which the site does not list in builders`);
    for (const tag of role.tags?.filter((one) => !tags.has(one)) ?? [])
      wrong(`names tag "${tag}", which no builder has`);
    checkLimits(role, wrong);
    checkMembers(role, wrong);
    checkProviders(role, new Set(providers.map(({ name }) => name)), wrong);
  }
}

function checkLimits({ allow, builders, tags }: RoleDeclaration, wrong: (what: string) => void): void {
  if (builders === null && tags === null) return;
  for (const permission of allow.filter((one) => !isBuilderPermission(one)))
    wrong(`allows "${permission}", which concerns the whole site, with some builders only; give it a role of its own`);
}

function checkMembers({ allow, members }: RoleDeclaration, wrong: (what: string) => void): void {
  if (members === 'everyone' && allow.includes('admin'))
    wrong('allows everyone everything; name its members, or leave access out on a machine of your own');
  if (typeof members === 'object' && [members.users, members.groups, members.mailDomains].every((l) => l.length === 0))
    wrong('has no members; name users, groups or mailDomains');
}

/** A colon is in names of people of providers only. */
function checkProviders({ members }: RoleDeclaration, known: ReadonlySet<string>, wrong: (what: string) => void): void {
  if (typeof members !== 'object') return;
  for (const user of members.users.filter((name) => name.includes(':') && !known.has(name.split(':', 1)[0] ?? '')))
    wrong(`names ${JSON.stringify(user)}; there is no such provider in signIn.providers`);
}
