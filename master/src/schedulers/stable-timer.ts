/** Running tree-stable timers: when each is due, by group of changes. */
export type Timers = Readonly<Record<string, number>>;

/**
 * A change's effect on its group's timer. An important change starts it, or starts it anew. An unimportant one lets a
 * running timer begin again, since the tree is not stable, but is no reason to start one.
 */
export function afterChange(
  timers: Timers,
  group: string,
  important: boolean,
  time: { readonly now: number; readonly delayMs: number },
): Timers {
  if (!important && timers[group] === undefined) return timers;
  return { ...timers, [group]: time.now + time.delayMs };
}

/** Groups whose trees have been stable for long enough, the longest one first. */
export function dueGroups(timers: Timers, now: number): string[] {
  return Object.entries(timers)
    .filter(([, dueAt]) => dueAt <= now)
    .sort(([, a], [, b]) => a - b)
    .map(([group]) => group);
}

/** When the first timer is due, or null. */
export function firstDue(timers: Timers): number | null {
  return Object.values(timers).reduce<number | null>((first, at) => (first === null || at < first ? at : first), null);
}

/** Without the groups' timers. */
export function without(timers: Timers, groups: readonly string[]): Timers {
  return Object.fromEntries(Object.entries(timers).filter(([group]) => !groups.includes(group)));
}

/** After the clock was set by so many milliseconds: due after as long as before. */
export function moved(timers: Timers, ms: number): Timers {
  return Object.fromEntries(Object.entries(timers).map(([group, dueAt]) => [group, dueAt + ms]));
}

/**
 * Timers as they must be: one for each group that has an important change, and no others; none due later than one that
 * begins now. Sets right what a new kind of scheduler, a start that failed, or a clock that was wrong left behind.
 */
export function repaired(timers: Timers, importantGroups: ReadonlySet<string>, latestDueAt: number): Timers {
  return Object.fromEntries(
    [...importantGroups].map((group) => [group, Math.min(timers[group] ?? latestDueAt, latestDueAt)]),
  );
}
