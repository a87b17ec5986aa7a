import type { Build } from '@icefall/shared';

/** Since when a builder fails. */
export interface FailingSince {
  /** The oldest build of those that failed without a good one between them. */
  readonly first: Build;
  /** Builds that have failed from that one on, this one included. */
  readonly failures: number;
  /** The good build before; null where none is known. */
  readonly good: Build | null;
}

const BAD = new Set(['FAILURE', 'EXCEPTION']);
const GOOD = new Set(['SUCCESS', 'WARNINGS']);

/** `before`: builds of the same builder and branch before `build`, newest first. Null where `build` has not failed. */
export function failingSince(build: Build, before: readonly Build[]): FailingSince | null {
  if (!BAD.has(build.result ?? '')) return null;
  // What was cancelled, retried or skipped says nothing of the sources.
  const telling = before.filter(({ result }) => BAD.has(result ?? '') || GOOD.has(result ?? ''));
  const end = telling.findIndex(({ result }) => GOOD.has(result ?? ''));
  const bad = end === -1 ? telling : telling.slice(0, end);
  return { first: bad.at(-1) ?? build, failures: bad.length + 1, good: telling[end] ?? null };
}
