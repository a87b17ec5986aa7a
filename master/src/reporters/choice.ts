import type { Result, SourceStamp } from '@icefall/shared';
import type { ReporterDeclaration, ReportMode } from '../config/reporters.ts';
import { fitsWildcard } from '../secrets/policy.ts';

/** What is looked at to tell whether a reporter tells of a build now. */
export interface BuildFacts {
  readonly builder: string;
  /** Of its builder; none where that is no longer in the configuration. */
  readonly tags: readonly string[];
  readonly sourceStamps: readonly SourceStamp[];
  /** Null: it has not ended. */
  readonly result: Result | null;
  /** How the build before it ended that tells something: the same builder's, of the same branches. Null: there is none. */
  readonly previous: Result | null;
}

/** Results that say nothing of what was built: the build before them counts. */
export const SILENT_RESULTS: readonly Result[] = ['RETRY', 'CANCELLED', 'SKIPPED'];

/** Whether one of the modes has this end of a build told. */
export function isTold(modes: readonly ReportMode[], result: Result, previous: Result | null): boolean {
  // Another attempt follows, which ends in its own way.
  if (result === 'RETRY') return false;
  return modes.some((mode) => isOfMode(mode, result, previous));
}

function isOfMode(mode: ReportMode, result: Result, previous: Result | null): boolean {
  switch (mode) {
    case 'failing':
      return result === 'FAILURE';
    case 'passing':
      return result === 'SUCCESS';
    case 'warnings':
      return result === 'WARNINGS';
    case 'exception':
      return result === 'EXCEPTION';
    case 'cancelled':
      return result === 'CANCELLED';
    case 'change':
      return previous !== null && !SILENT_RESULTS.includes(result) && result !== previous;
    case 'problem':
      return result === 'FAILURE' && previous !== 'FAILURE';
    case 'always':
      return true;
  }
}

/** Whether a reporter tells of a build, at this moment of it. */
export function isReported(declaration: ReporterDeclaration, facts: BuildFacts): boolean {
  if (!isChosen(declaration, facts)) return false;
  const moment = facts.result === null ? 'start' : 'end';
  if (!declaration.moments.includes(moment)) return false;
  return facts.result === null || isTold(declaration.when, facts.result, facts.previous);
}

function isChosen({ builders, tags, branches }: ReporterDeclaration, facts: BuildFacts): boolean {
  const isOfBuilder =
    (builders === null && tags === null) ||
    builders?.some(({ name }) => name === facts.builder) === true ||
    tags?.some((tag) => facts.tags.includes(tag)) === true;
  if (!isOfBuilder || branches === null) return isOfBuilder;
  return facts.sourceStamps.some(({ branch }) => branches.some((pattern) => fitsWildcard(pattern, branch ?? 'HEAD')));
}
