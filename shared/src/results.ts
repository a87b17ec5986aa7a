/** How a step, build, request or buildset can end. */
export const RESULTS = ['SUCCESS', 'WARNINGS', 'FAILURE', 'SKIPPED', 'EXCEPTION', 'RETRY', 'CANCELLED'] as const;
export type Result = (typeof RESULTS)[number];

/** Severity for {@link worstResult}: CANCELLED > RETRY > EXCEPTION > FAILURE > WARNINGS > SUCCESS > SKIPPED. */
const SEVERITY: Record<Result, number> = {
  SKIPPED: 0,
  SUCCESS: 1,
  WARNINGS: 2,
  FAILURE: 3,
  EXCEPTION: 4,
  RETRY: 5,
  CANCELLED: 6,
};

/** The worse of two results. */
export function worstResult(a: Result, b: Result): Result {
  return SEVERITY[a] >= SEVERITY[b] ? a : b;
}

/** The flags of a step that decide what its result does to its build. */
export interface ResultFlags {
  readonly haltOnFailure: boolean;
  readonly flunkOnFailure: boolean;
  readonly flunkOnWarnings: boolean;
  readonly warnOnFailure: boolean;
  readonly warnOnWarnings: boolean;
}

/** Buildbot's defaults: only flunkOnFailure is on. */
export const DEFAULT_FLAGS: ResultFlags = {
  haltOnFailure: false,
  flunkOnFailure: true,
  flunkOnWarnings: false,
  warnOnFailure: false,
  warnOnWarnings: false,
};

/** What one finished step does to its build. */
export interface Contribution {
  /** Folded into the build's result with {@link worstResult}; null keeps the build's result as it is. */
  readonly result: Result | null;
  /** Whether the remaining steps without `alwaysRun` are skipped. */
  readonly halts: boolean;
}

/**
 * A step's contribution to its build, as Buildbot 4.3 computes it (`process/results.py computeResultAndTermination`):
 *
 * | step result                 | flags                          | contributes | halts            |
 * |-----------------------------|--------------------------------|-------------|------------------|
 * | SUCCESS, SKIPPED            | any                            | nothing     | no               |
 * | WARNINGS                    | none                           | SUCCESS     | no               |
 * | WARNINGS                    | warnOnWarnings                 | WARNINGS    | no               |
 * | WARNINGS                    | flunkOnWarnings                | FAILURE     | no               |
 * | FAILURE                     | none                           | SUCCESS     | if haltOnFailure |
 * | FAILURE                     | warnOnFailure                  | WARNINGS    | if haltOnFailure |
 * | FAILURE                     | flunkOnFailure                 | FAILURE     | if haltOnFailure |
 * | EXCEPTION, RETRY, CANCELLED | any                            | itself      | always           |
 */
export function contributionOf(result: Result, flags: ResultFlags): Contribution {
  switch (result) {
    case 'SUCCESS':
    case 'SKIPPED':
      return { result: null, halts: false };
    case 'WARNINGS':
      if (flags.flunkOnWarnings) return { result: 'FAILURE', halts: false };
      return { result: flags.warnOnWarnings ? 'WARNINGS' : 'SUCCESS', halts: false };
    case 'FAILURE': {
      const halts = flags.haltOnFailure;
      if (flags.flunkOnFailure) return { result: 'FAILURE', halts };
      return { result: flags.warnOnFailure ? 'WARNINGS' : 'SUCCESS', halts };
    }
    case 'EXCEPTION':
    case 'RETRY':
    case 'CANCELLED':
      return { result, halts: true };
  }
}
