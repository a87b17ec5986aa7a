import type { Change, SourceStamp } from '@icefall/shared';
import type { CodebaseDefault } from '../config/schedulers.ts';

type Codebases = Readonly<Record<string, CodebaseDefault>>;

/**
 * What a buildset builds: for each code base the source of its newest change; where none came, what the scheduler
 * declares for it. Without changes and code bases there is no source stamp: the builders' steps know what to build.
 */
export function stampsOfChanges(changes: readonly Change[], codebases: Codebases): SourceStamp[] {
  const newest = new Map<string, Change>();
  for (const change of changes) {
    const known = newest.get(change.codebase);
    if (known === undefined || known.id < change.id) newest.set(change.codebase, change);
  }
  return completeStamps([...newest.values()].map(stampOf), codebases);
}

/** Adds a stamp for each declared code base that has none. Declared ones come first, in their order. */
export function completeStamps(stamps: readonly SourceStamp[], codebases: Codebases): SourceStamp[] {
  const given = new Map(stamps.map((stamp) => [stamp.codebase, stamp]));
  const declared = Object.entries(codebases).map(
    ([codebase, fallback]) => given.get(codebase) ?? defaultStamp(codebase, fallback),
  );
  return [...declared, ...stamps.filter((stamp) => !Object.hasOwn(codebases, stamp.codebase))];
}

/** The source that a scheduler declares for a code base. */
function defaultStamp(codebase: string, fallback: CodebaseDefault): SourceStamp {
  return {
    codebase,
    repository: fallback.repository,
    branch: fallback.branch ?? null,
    revision: fallback.revision ?? null,
    project: fallback.project ?? '',
  };
}

function stampOf(change: Change): SourceStamp {
  const { codebase, repository, branch, revision, project } = change;
  return { codebase, repository, branch, revision, project };
}
