import { z } from 'zod';
import type { BuilderDeclaration } from '../config/builders.ts';
import { declared } from '../config/declared.ts';
import { command } from './command.ts';
import { directory } from './directory.ts';
import { environment } from './environment.ts';
import type { SecretProvider } from './provider.ts';
import { vault } from './vault.ts';

/** Places where secrets are kept. */
export const secretsFrom = { directory, environment, command, vault };

/** Which builds are given which secrets. */
export interface SecretRule {
  /** Names; `*` stands for any text. Default: all. */
  readonly secrets?: readonly string[];
  /** Default: all. */
  readonly builders?: readonly BuilderDeclaration[];
  /**
   * Branches whose content is trusted with the secrets; `*` stands for any text, `HEAD` for a source without a branch,
   * which is the repository's default one. Every source of the build must be of one of them. Not `*` where people that
   * are not trusted can push branches or open pull requests.
   */
  readonly branches: readonly string[];
  /** Addresses of repositories; `*` stands for any text. Default: all. */
  readonly repositories?: readonly string[];
}

export interface SecretsOptions {
  /** Asked in this order; the first that has a secret gives it. */
  readonly from: readonly SecretProvider[];
  /** A build is given a secret that one of these rules allows, and no other; without a rule only the site itself uses them. */
  readonly allow: readonly SecretRule[];
}

const patterns = z.array(z.string().max(300)).min(1, 'must hold at least one pattern');
const ruleSchema = z.strictObject({
  secrets: patterns.optional(),
  builders: z.array(declared<BuilderDeclaration>('builder', 'must be a builder(...)')).optional(),
  branches: patterns,
  repositories: patterns.optional(),
});
/** Schema of {@link SecretsOptions}. */
export const secretsSchema = z.strictObject({
  from: z
    .array(declared<SecretProvider>('secretProvider', 'must be a place such as secretsFrom.directory(...)'))
    .min(1, 'must name at least one place'),
  allow: z.array(ruleSchema),
});
