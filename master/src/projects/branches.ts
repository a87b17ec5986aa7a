import type { Matcher } from '../config/schedulers.ts';

/** Names and patterns of branches, in which `*` stands for any text, as a condition on changes. */
export function branchMatcher(branches: readonly string[]): Matcher {
  return branches.some((branch) => branch.includes('*')) ? branchPattern(branches) : branches;
}

/** Whether a branch is one of those that are named. */
export function isBranchOf(branches: readonly string[], branch: string | null): boolean {
  return branch !== null && branchPattern(branches).test(branch);
}

function branchPattern(branches: readonly string[]): RegExp {
  const alternatives = branches.map((branch) => branch.split('*').map(escaped).join('.*'));
  return new RegExp(`^(?:${alternatives.join('|')})$`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
