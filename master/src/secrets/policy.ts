import type { SourceStamp } from '@icefall/shared';
import type { SecretRule } from './declaration.ts';

/** Who asks for what. */
export interface SecretRequest {
  readonly secret: string;
  readonly builder: string;
  readonly sourceStamps: readonly Pick<SourceStamp, 'branch' | 'repository'>[];
}

/** Why the rules do not give a secret to a build, or null where they do. */
export function refusalOf(rules: readonly SecretRule[], request: SecretRequest): string | null {
  const near = rules.filter((rule) => couldFit(rule, request));
  if (near.some((rule) => request.sourceStamps.every((stamp) => fits(rule, stamp)))) return null;
  if (near.length === 0) return `no rule gives it to builder "${request.builder}"`;
  const strange = request.sourceStamps.find((stamp) => !near.some((rule) => fits(rule, stamp)));
  if (strange === undefined) return 'no one rule gives it to all sources of the build';
  const branch = strange.branch === null ? "the repository's default branch" : `branch "${strange.branch}"`;
  return `no rule gives it to a build of ${branch} of ${strange.repository || 'no repository'}`;
}

/** Whether the rule speaks of this secret and builder at all. */
export function couldFit(
  { secrets = ['*'], builders }: SecretRule,
  { secret, builder }: Pick<SecretRequest, 'secret' | 'builder'>,
): boolean {
  const isForBuilder = builders === undefined || builders.some(({ name }) => name === builder);
  return isForBuilder && secrets.some((pattern) => fitsWildcard(pattern, secret));
}

function fits({ branches, repositories = ['*'] }: SecretRule, stamp: SecretRequest['sourceStamps'][number]): boolean {
  return (
    branches.some((pattern) => fitsWildcard(pattern, stamp.branch ?? 'HEAD')) &&
    repositories.some((pattern) => fitsWildcard(pattern, stamp.repository))
  );
}

/** Whether the whole text fits a pattern in which `*` stands for any text. Never takes more than their product of time. */
export function fitsWildcard(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
