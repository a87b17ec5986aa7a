import type { SecretUse } from '@icefall/shared';
import { isSecret, type SecretReference } from './reference.ts';

/** What a step's options say of secrets. */
interface Given {
  readonly env: Readonly<Record<string, string | null | SecretReference>>;
  readonly secretFiles: Readonly<Record<string, SecretReference>>;
  readonly stdin?: string | null | SecretReference;
}

/**
 * The options as a worker's command takes them: values that are known apart from the names of secrets. A variable of the
 * builder's environment gives way to a secret of that name.
 */
export function withoutSecrets(
  outer: Given['env'],
  { env, secretFiles, stdin = null }: Given,
): { readonly env: Record<string, string | null>; readonly stdin: string | null; readonly secrets?: SecretUse } {
  const plain: Record<string, string | null> = {};
  const use = { env: {} as Record<string, string>, files: {} as Record<string, string> };
  for (const [variable, value] of Object.entries({ ...outer, ...env })) {
    if (isSecret(value)) use.env[variable] = value.name;
    else if (!Object.hasOwn(secretFiles, variable)) plain[variable] = value;
  }
  for (const [variable, { name }] of Object.entries(secretFiles)) use.files[variable] = name;
  const input = isSecret(stdin) ? { text: null, secret: stdin.name } : { text: stdin, secret: null };
  const isUsed = Object.keys({ ...use.env, ...use.files }).length > 0 || input.secret !== null;
  return { env: plain, stdin: input.text, ...(isUsed ? { secrets: { ...use, stdin: input.secret } } : {}) };
}

/** Names of the secrets that a command uses. */
export function namesOf({ env, files, stdin }: SecretUse): string[] {
  return [...new Set([...Object.values(env), ...Object.values(files), ...(stdin === null ? [] : [stdin])])];
}
