import { computed, effect, signal } from '@preact/signals';
import { searchLogs } from '../../api/stream.ts';
import { foldsOf } from '../../log/folds.ts';
import { type Group, groupsOf, MARKS } from '../../log/groups.ts';
import type { LogSession } from '../../log/session.ts';

/** Marks that are looked for; a log with more groups than half of these is shown without. */
const MOST_MARKS = 4000;

/** The groups of a complete log, and which of them are folded. A growing one is shown as it comes. */
export function createFolding(session: LogSession) {
  const groups = signal<readonly Group[]>([]);
  /** What somebody has folded (true) or opened, by the group's first line. */
  const chosen = signal<ReadonlyMap<number, boolean>>(new Map());
  let giveUp = () => {};

  /** What is looked at comes first. */
  const isShown = computed(() => session.complete.value && session.version.value > 0);
  const stop = effect(() => {
    if (!isShown.value) return;
    const marks: { n: number; text: string }[] = [];
    const take = (numbers: readonly number[], texts: readonly string[]) =>
      marks.push(...numbers.map((n, i) => ({ n, text: texts[i] ?? '' })));
    giveUp = searchLogs(
      { log: session.id },
      { q: MARKS, regex: 1, raw: 1, text: 1, limit: MOST_MARKS },
      {
        found: ({ hits, texts = [] }) => take(hits, texts),
        ended({ hits, texts = [], isFull }) {
          take(hits, texts);
          if (!isFull) groups.value = groupsOf(marks, session.total.peek());
        },
        // Then nothing is folded: the log is all there.
        failed: () => {},
      },
    );
  });

  /** The last group stays open: where a step failed, it failed there. */
  const isFolded = (group: Group) =>
    chosen.value.get(group.first) ?? (group.isFolded && group !== groups.value.findLast(({ depth }) => depth === 0));
  const folds = computed(() =>
    foldsOf(groups.value.filter(isFolded).map(({ first, last }) => ({ first: first + 1, last }))),
  );
  const choose = (some: readonly Group[], fold: boolean) => {
    if (some.length > 0) chosen.value = new Map([...chosen.peek(), ...some.map(({ first }) => [first, fold] as const)]);
  };

  return {
    groups,
    folds,
    /** Rows that the log has now. */
    rows: computed(() => session.total.value - folds.value.hidden),
    isFolded,
    groupAt: (line: number) => groups.value.find(({ first }) => first === line),
    toggle: (group: Group) => choose([group], !isFolded(group)),
    /** Folds every group, or opens all if any is folded. */
    toggleAll: () => choose(groups.peek(), !groups.peek().some(isFolded)),
    /** Opens what hides a line. */
    reveal: (line: number) =>
      choose(
        groups.peek().filter((group) => group.first < line && line <= group.last && isFolded(group)),
        false,
      ),
    close() {
      stop();
      giveUp();
    },
  };
}
export type Folding = ReturnType<typeof createFolding>;
