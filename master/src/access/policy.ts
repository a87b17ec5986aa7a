import type { AccessDeclaration, RoleDeclaration } from '../config/access.ts';
import type { SiteDeclaration } from '../config/site.ts';
import { type Builders, type Grant, Grants } from './grants.ts';
import type { Identity, Person, TokenScope } from './identity.ts';

/**
 * What an identity may do on a site: the one place that decides. Without `access` everything is allowed on the master's
 * own machine, and nothing from anywhere else; with it, only what a role allows.
 */
export function grantsOf(site: SiteDeclaration, identity: Identity): Grants {
  if (identity.kind === 'operator') return Grants.ALL;
  if (site.access === null) return identity.kind === 'local' ? Grants.ALL : Grants.NONE;
  switch (identity.kind) {
    case 'local':
    case 'anonymous':
      return grantsOfPerson(site, site.access, null);
    case 'person':
      return grantsOfPerson(site, site.access, identity.person);
    case 'token': {
      if (identity.person === null) return Grants.of([grantOfScope(identity.scope)]);
      const all = grantsOfPerson(site, site.access, identity.person);
      return identity.scope.allow === null && identity.scope.builders === null
        ? all
        : all.and(Grants.of([grantOfScope(identity.scope)]));
    }
  }
}

function grantsOfPerson(site: SiteDeclaration, access: AccessDeclaration, person: Person | null): Grants {
  const roles = access.roles.filter((role) => isMember(role, person));
  return Grants.of(roles.map(({ allow, builders, tags }) => ({ allow, builders: buildersOf(site, builders, tags) })));
}

/** Whether somebody has a role; null: who has not signed in. */
function isMember({ members }: RoleDeclaration, person: Person | null): boolean {
  if (members === 'everyone') return true;
  if (person === null) return false;
  if (members === 'signedIn') return true;
  const domain = person.mail?.split('@').at(-1)?.toLowerCase();
  return (
    members.users.includes(person.user) ||
    members.groups.some((group) => person.groups.includes(group)) ||
    (domain !== undefined && members.mailDomains.includes(domain))
  );
}

function buildersOf(
  site: SiteDeclaration,
  builders: RoleDeclaration['builders'],
  tags: RoleDeclaration['tags'],
): Builders {
  if (builders === null && tags === null) return 'all';
  const tagged = site.builders.filter((builder) => builder.tags.some((tag) => tags?.includes(tag)));
  return new Set([...(builders ?? []), ...tagged].map(({ name }) => name));
}

/** A token of nobody that says nothing of permissions may do nothing. */
function grantOfScope({ allow, builders }: TokenScope): Grant {
  return {
    allow: allow ?? (builders === null ? [] : ['view', 'force', 'stop', 'rebuild']),
    builders: builders === null ? 'all' : new Set(builders),
  };
}
