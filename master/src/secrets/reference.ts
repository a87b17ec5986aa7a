import { z } from 'zod';
import { callerPlace, type Place, reportProblem } from '../config/problems.ts';

/** A secret that a step is given, by name. The configuration never holds its value, nor does the master's store. */
export interface SecretReference {
  readonly type: 'secret';
  readonly name: string;
  readonly place: Place | null;
  /** What is kept of it with a build's step. */
  toJSON(): string;
}

/** A file name, or for Vault `path/of/entry:field`: nothing that leads out of a directory or is an option. */
const NAME = /^(?![.-])[\w.-]+(\/(?![.-])[\w.-]+)*(:[\w.-]+)?$/;
const LONGEST_NAME = 200;

/**
 * A secret, read when it is used. A step is given it when its command is sent to its worker: as the value of a variable in
 * `env`, as `stdin`, or as a file in `secretFiles`; a reporter when it delivers. For Vault the name is `path/of/entry:field`; without a field, `value`.
 */
export function secret(name: string): SecretReference {
  const place = callerPlace();
  if (!isSecretName(name))
    reportProblem(
      place,
      `secret ${JSON.stringify(name)}: must be a name such as deploy-token, or path/of/entry:field, of letters, digits, _ . -`,
    );
  return Object.freeze({ type: 'secret' as const, name, place, toJSON: () => `secret(${JSON.stringify(name)})` });
}

export function isSecretName(name: unknown): name is string {
  return typeof name === 'string' && name.length <= LONGEST_NAME && NAME.test(name);
}

export function isSecret(value: unknown): value is SecretReference {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'type') === 'secret';
}

/** Schema of a {@link SecretReference}. */
export const secretSchema = z.custom<SecretReference>(isSecret, 'must be a secret(...)');

/** Every secret in a value, at any depth. */
export function secretsIn(value: unknown): SecretReference[] {
  if (isSecret(value)) return [value];
  if (typeof value !== 'object' || value === null || ('type' in value && 'place' in value)) return [];
  return Object.values(value).flatMap(secretsIn);
}
