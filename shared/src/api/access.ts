import { z } from 'zod';
import { id, time } from './scalars.ts';

/** People, tokens and the audit log, as the API tells of them. */

const grantSchema = z.object({
  permission: z.string(),
  /** Names; null: all builders. */
  builders: z.array(z.string()).nullable(),
});
export type Grant = z.infer<typeof grantSchema>;

/** Who asks, and what they may do. */
export const callerSchema = z.object({
  kind: z.enum(['local', 'anonymous', 'operator', 'person', 'token']),
  /** Null: nobody in particular. */
  name: z.string().nullable(),
  grants: z.array(grantSchema),
  /** What a page sends in the header `x-icefall-csrf` with whatever changes something; null without a session. */
  csrf: z.string().nullable(),
  /** Whether the site says who may do what: else there is nothing to sign in for. */
  canSignIn: z.boolean(),
  /** Where people can sign in besides: OpenID Connect, GitHub. */
  providers: z.array(z.object({ name: z.string(), title: z.string() })),
});
export type Caller = z.infer<typeof callerSchema>;

export const signInSchema = z.object({ user: z.string().min(1).max(200), password: z.string().min(1).max(4000) });

export const signedOutSchema = z.object({
  /** Where a browser goes to end the sign-in at the person's provider, too; null: nowhere. */
  next: z.string().nullable(),
});

export const userSchema = z.object({
  name: z.string(),
  mail: z.string().nullable(),
  groups: z.array(z.string()),
  disabled: z.boolean(),
  createdAt: time,
  signedInAt: time.nullable(),
  /** Where they are recognised: `local`, `ldap`, or the name of a provider. */
  source: z.string(),
});
export type User = z.infer<typeof userSchema>;

export const apiTokenSchema = z.object({
  id,
  name: z.string(),
  /** Null: a program's. */
  user: z.string().nullable(),
  /** Permissions; null: whatever its user may do. */
  allow: z.array(z.string()).nullable(),
  /** Names; null: all builders. */
  builders: z.array(z.string()).nullable(),
  createdAt: time,
  createdBy: z.string(),
  expiresAt: time,
  usedAt: time.nullable(),
  usedFrom: z.string().nullable(),
  revokedAt: time.nullable(),
});
export type ApiToken = z.infer<typeof apiTokenSchema>;

/** The token itself is in the answer that makes it, and nowhere else. */
export const newApiTokenSchema = apiTokenSchema.extend({ token: z.string() });

export const auditEntrySchema = z.object({
  id,
  at: time,
  who: z.string(),
  /** Address it came from; null: the master itself, or not on record. */
  origin: z.string().nullable(),
  action: z.string(),
  /** `build 17`, `worker w1`. */
  object: z.string(),
  /** `ok`, or the code of the error. */
  result: z.string(),
  detail: z.record(z.string(), z.json()),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;
