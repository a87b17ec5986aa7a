import type { Change } from '@icefall/shared';
import type { Matcher, SchedulerDeclaration } from '../config/schedulers.ts';

/** Categories of changes that are no pushes: of the repository itself, and of another one. */
export const PULL_REQUEST = 'pullRequest';
export const FORK = 'fork';
/** Anybody may bring them about: they are only for schedulers that name them. */
const OUTSIDE_CATEGORIES: readonly string[] = [PULL_REQUEST, FORK];

/** Schedulers that look at changes. */
export type WatchesChanges = Extract<SchedulerDeclaration, { readonly isImportant: unknown }>;

const ATTRIBUTES = ['branch', 'repository', 'project', 'codebase', 'category'] as const;

/**
 * Whether an attribute of a change fits: exactly this text (or null: a change that has none), one of a list, or a
 * pattern that is found at its beginning. A pattern never fits null.
 */
export function fits(matcher: Matcher, value: string | null): boolean {
  if (matcher instanceof RegExp) return value !== null && isFoundAtStart(matcher, value);
  if (Array.isArray(matcher)) return matcher.includes(value);
  return matcher === value;
}

/** Every push is held against every scheduler's patterns: each is made once. */
const atStart = new WeakMap<RegExp, RegExp>();

function isFoundAtStart(pattern: RegExp, value: string): boolean {
  let sticky = atStart.get(pattern);
  if (sticky === undefined) {
    // Sticky: found at the place where it looks, the beginning, or not at all; `^` would bind to one alternative only.
    sticky = new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}y`);
    atStart.set(pattern, sticky);
  }
  sticky.lastIndex = 0;
  return sticky.test(value);
}

/**
 * Whether a change may be a scheduler's business, as far as its attributes tell: it is of one of the code bases, if any
 * are declared, and all conditions of the filter but `where` hold. A pull request is only for those that name its category.
 */
export function mayConcern(declaration: WatchesChanges, change: Change): boolean {
  const { codebases, changes: filter } = declaration;
  if (Object.keys(codebases).length > 0 && !Object.hasOwn(codebases, change.codebase)) return false;
  if (filter.category === undefined && change.category !== null && OUTSIDE_CATEGORIES.includes(change.category))
    return false;
  for (const attribute of ATTRIBUTES) {
    const matcher = filter[attribute];
    if (matcher !== undefined && !fits(matcher, change[attribute])) return false;
  }
  return filter.notBranch === undefined || !fits(filter.notBranch, change.branch);
}

/** The answer of a function of the site. An answer that is no boolean (a promise is always true) is a mistake. */
export function answerOf(ask: (change: Change) => boolean, change: Change, option: string): boolean {
  const answer: unknown = ask(change);
  if (typeof answer === 'boolean') return answer;
  const kind = answer instanceof Promise ? 'a promise; it must not be async' : typeof answer;
  throw new TypeError(`${option} must answer true or false, it answered ${kind}`);
}
