import type { LogSearchPiece } from '@icefall/shared';
import { batch, computed, effect, signal } from '@preact/signals';
import { findMarks } from '../../api/stream.ts';
import { foldsOf } from '../../log/folds.ts';
import { type Group, groupsOf, marksOf, type PlacedMark } from '../../log/groups.ts';
import type { LogSession } from '../../log/session.ts';

/** Marks that are kept; a log with more of them is shown without groups. */
const MOST_MARKS = 4000;

/** The groups of a log, and which of them are folded: those that were there are asked for, others found as they come. */
export function createFolding(session: LogSession) {
  const marks = signal<readonly PlacedMark[]>([]);
  /** Whether all marks before what the stream brings are here: before that nothing is folded. */
  const isKnown = signal(false);
  const isFull = signal(false);
  const groups = computed(() => (isKnown.value && !isFull.value ? groupsOf(marks.value, session.total.value) : []));
  /** What somebody has folded (true) or opened, by the group's first line. */
  const chosen = signal<ReadonlyMap<number, boolean>>(new Map());
  let giveUp = () => {};

  const add = (found: readonly PlacedMark[]) => {
    if (found.length === 0) return;
    marks.value = [...marks.peek(), ...found].sort((a, b) => a.n - b.n).slice(0, MOST_MARKS);
    isFull.value = marks.value.length === MOST_MARKS;
  };
  /** What is looked at comes first. */
  const isShown = computed(() => session.begin.value !== null && session.version.value > 0);
  const stopAsking = effect(() => {
    if (!isShown.value) return;
    const before = session.begin.peek() ?? 0;
    // Lines that the stream brings as well come from there.
    const take = ({ hits, texts = [] }: LogSearchPiece) =>
      add(marksOf(hits.flatMap((n, i) => (n < before ? [{ n, text: texts[i] ?? '' }] : []))));
    giveUp = findMarks(
      session.id,
      { first: 0, limit: MOST_MARKS },
      {
        found: take,
        ended(piece) {
          batch(() => {
            take(piece);
            isFull.value ||= piece.isFull;
            isKnown.value = true;
          });
        },
        // Then nothing is folded: the log is all there.
        failed: () => {},
      },
    );
  });
  const stopListening = effect(() => add(marksOf(session.written.value)));

  /**
   * The last group stays open: where a step failed, it failed there. So does what came while somebody looked: it must not
   * vanish under their eyes.
   */
  const isFolded = (group: Group) =>
    chosen.value.get(group.first) ??
    (group.isFolded &&
      group.last < (session.begin.value ?? 0) &&
      group !== groups.value.findLast(({ depth }) => depth === 0));
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
      stopAsking();
      stopListening();
      giveUp();
    },
  };
}
export type Folding = ReturnType<typeof createFolding>;
