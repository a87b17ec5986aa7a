import { isBuilderPermission, PERMISSIONS, type Permission } from './permissions.ts';

/** Builders by name, or all there are and were. */
export type Builders = ReadonlySet<string> | 'all';

/** Some permissions with some builders; those that concern the site need `all`. */
export interface Grant {
  readonly allow: readonly Permission[];
  readonly builders: Builders;
}

/**
 * What somebody may do: the sum of what was granted. What is not granted is denied. `admin` is everything, and whoever
 * may do something with a builder may view it.
 */
export class Grants {
  static readonly NONE = new Grants(new Map());
  static readonly ALL = Grants.of([{ allow: ['admin'], builders: 'all' }]);

  readonly #scopes: ReadonlyMap<Permission, Builders>;

  private constructor(scopes: ReadonlyMap<Permission, Builders>) {
    this.#scopes = scopes;
  }

  static of(grants: readonly Grant[]): Grants {
    const scopes = new Map<Permission, Builders>();
    for (const { allow, builders } of grants)
      for (const permission of allow)
        for (const implied of impliedBy(permission)) scopes.set(implied, union(scopes.get(implied), builders));
    return new Grants(scopes);
  }

  /** With a builder; with null: with every builder there is or was. */
  may(permission: Permission, builder: string | null): boolean {
    const scope = this.#scopes.get(permission);
    return scope === 'all' || (scope !== undefined && builder !== null && scope.has(builder));
  }

  mayOnSite(permission: Permission): boolean {
    return this.may(permission, null);
  }

  /** Whether there is any builder with which it is allowed. */
  mayAnywhere(permission: Permission): boolean {
    const scope = this.#scopes.get(permission);
    return scope === 'all' || (scope !== undefined && scope.size > 0);
  }

  /** The builders with which it is allowed. */
  scopeOf(permission: Permission): Builders {
    return this.#scopes.get(permission) ?? NOBODYS;
  }

  /** Only what `other` grants, too. */
  and(other: Grants): Grants {
    const scopes = new Map<Permission, Builders>();
    for (const [permission, scope] of this.#scopes) {
      const both = intersection(scope, other.scopeOf(permission));
      if (both === 'all' || both.size > 0) scopes.set(permission, both);
    }
    return new Grants(scopes);
  }

  /** For people and programs to read; the same for the same grants. */
  list(): { permission: Permission; builders: readonly string[] | null }[] {
    return PERMISSIONS.flatMap((permission) => {
      const scope = this.#scopes.get(permission);
      if (scope === undefined) return [];
      return [{ permission, builders: scope === 'all' ? null : [...scope].sort() }];
    });
  }

  equals(other: Grants): boolean {
    return this === other || JSON.stringify(this.list()) === JSON.stringify(other.list());
  }
}

const NOBODYS: Builders = new Set();

function impliedBy(permission: Permission): readonly Permission[] {
  if (permission === 'admin') return PERMISSIONS;
  return isBuilderPermission(permission) ? [permission, 'view'] : [permission];
}

function union(a: Builders | undefined, b: Builders): Builders {
  if (a === undefined) return b;
  return a === 'all' || b === 'all' ? 'all' : new Set([...a, ...b]);
}

function intersection(a: Builders, b: Builders): Builders {
  if (a === 'all') return b;
  if (b === 'all') return a;
  return new Set([...a].filter((builder) => b.has(builder)));
}
