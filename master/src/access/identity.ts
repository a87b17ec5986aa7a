import type { Permission } from './permissions.ts';

/** A person whom the master or somebody it trusts has recognised. */
export interface Person {
  readonly user: string;
  readonly mail: string | null;
  readonly groups: readonly string[];
}

/** What a directory or a provider tells of somebody. */
export interface Told {
  /** What they are known by there, whatever their name becomes. */
  readonly subject: string;
  readonly name: string;
  /** One that they have for certain. */
  readonly mail: string | null;
  readonly groups: readonly string[];
}

/** What a token is limited to; within what its person may do, where it belongs to one. */
export interface TokenScope {
  /** Null: whatever the person may do. */
  readonly allow: readonly Permission[] | null;
  /** Names; null: all. */
  readonly builders: readonly string[] | null;
}

/**
 * Who asks.
 *
 * | kind        | who it is                                                                       |
 * | ----------- | ------------------------------------------------------------------------------- |
 * | `local`     | anybody on the master's machine, where the site declares no access               |
 * | `anonymous` | showed nothing                                                                   |
 * | `operator`  | can read the master's state folder, on its machine                               |
 * | `person`    | signed in: on the page, by `icefall login`, or by a proxy that is trusted        |
 * | `token`     | shows an API token, of a program or (`person` not null) of somebody's making      |
 */
export type Identity =
  | { readonly kind: 'local' }
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'operator' }
  | { readonly kind: 'person'; readonly person: Person; readonly sessionId: number | null }
  | {
      readonly kind: 'token';
      readonly tokenId: number;
      readonly name: string;
      readonly person: Person | null;
      readonly scope: TokenScope;
    };

/** As the audit log, reasons and owners name them; null: nobody in particular. */
export function nameOfIdentity(identity: Identity): string | null {
  switch (identity.kind) {
    case 'local':
    case 'anonymous':
      return null;
    case 'operator':
      return 'operator';
    case 'person':
      return identity.person.user;
    case 'token':
      return identity.person?.user ?? `token ${identity.name}`;
  }
}
