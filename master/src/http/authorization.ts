import type { Caller } from '../access/access.ts';
import { AccessError } from '../access/errors.ts';
import type { Owned } from '../access/owners.ts';
import {
  BUILDER_PERMISSIONS,
  type BuilderPermission,
  type Permission,
  SITE_PERMISSIONS,
  type SitePermission,
} from '../access/permissions.ts';
import { ActionError } from './master-port.ts';

/**
 * Who may use a route: anybody (`open` says why), whoever has signed in, whoever has a permission for the site, whoever may
 * view anything (`seen`: the answer holds only what they may view), or whoever has the permission for every builder that a
 * thing belongs to (`of`; to view it, for one of them).
 */
export type AccessRule<C> =
  | { readonly open: string }
  | { readonly signedIn: true }
  | { readonly may: SitePermission | 'view' }
  | { readonly may: 'view'; readonly seen: true }
  | { readonly may: BuilderPermission; readonly of: (call: C) => Owned };

/** The rule as far as it can be told before a request is read. */
export type CoarseRule =
  | { readonly open: string }
  | { readonly signedIn: true }
  | { readonly may: Permission; readonly seen?: true; readonly of?: unknown };

/** Refuses who cannot get through by any request, before its body is read. Throws {@link AccessError}. */
export function admitted(rule: CoarseRule, caller: Caller): void {
  if ('open' in rule) return;
  if ('signedIn' in rule) {
    if (caller.identity.kind !== 'anonymous') return;
    throw refusal(caller, 'this is for people who have signed in');
  }
  const { grants } = caller;
  const isPossible = 'of' in rule || 'seen' in rule ? grants.mayAnywhere(rule.may) : grants.mayOnSite(rule.may);
  if (!isPossible) throw denied(caller, rule.may, null);
}

/** Refuses what hangs on the thing that is asked for. What somebody may not view is not there for them. */
export function allowed<C extends { readonly caller: Caller }>(rule: AccessRule<C>, call: C): void {
  if (!('of' in rule)) return;
  const { grants } = call.caller;
  const { may } = rule;
  if (grants.mayOnSite(may)) return;
  const { what, builders } = rule.of(call);
  if (!builders.some((builder) => grants.may('view', builder))) {
    if (call.caller.identity.kind === 'anonymous') throw denied(call.caller, 'view', what);
    throw new ActionError('not_found', `there is no ${what}`);
  }
  if (may !== 'view' && !builders.every((builder) => grants.may(may, builder))) throw denied(call.caller, may, what);
}

function denied(caller: Caller, permission: Permission, what: string | null): AccessError {
  const meaning = { ...BUILDER_PERMISSIONS, ...SITE_PERMISSIONS }[permission];
  const about = what === null ? '' : ` (${what})`;
  return refusal(caller, `the permission "${permission}" is needed${about}: ${meaning}`);
}

function refusal({ identity, name }: Caller, why: string): AccessError {
  if (identity.kind === 'anonymous')
    return new AccessError('sign_in_needed', `${why}; sign in on the page, or with: icefall login`);
  return new AccessError('denied', `${name ?? 'whoever is on this machine'} may not do this: ${why}`);
}
