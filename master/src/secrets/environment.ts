import { z } from 'zod';
import { callerPlace, reportIssues } from '../config/problems.ts';
import type { SecretProvider } from './provider.ts';

const optionsSchema = z.strictObject({
  prefix: z.string().regex(/^[A-Za-z_]\w*$/, 'must be the beginning of a variable name, such as ICEFALL_SECRET_'),
});

/**
 * Secrets in variables of the master's environment. The prefix is required, so that no step can name any variable of the
 * master: with `ICEFALL_SECRET_`, `secret('deploy-token')` is `ICEFALL_SECRET_DEPLOY_TOKEN`.
 */
export function environment(options: { readonly prefix: string }): SecretProvider {
  const place = callerPlace();
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) reportIssues(place, 'secretsFrom.environment', options, parsed.error.issues);
  const prefix = parsed.data?.prefix ?? 'ICEFALL_SECRET_';
  return Object.freeze({
    type: 'secretProvider' as const,
    title: `variables ${prefix}*`,
    place,
    owns: (variable: string) => variable.startsWith(prefix),
    async read(name: string) {
      const value = process.env[`${prefix}${name.toUpperCase().replace(/\W/g, '_')}`];
      return value === undefined ? null : Buffer.from(value);
    },
  });
}
