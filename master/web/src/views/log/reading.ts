import type { LogSearchPiece } from '@icefall/shared';
import { effect, signal } from '@preact/signals';
import { searchLogs } from '../../api/stream.ts';
import { lastTop, linesOfHash } from '../../log/position.ts';
import { ERRORS, expressionOf, MOST_HITS, matcherOf, nextHit } from '../../log/search.ts';
import type { LogSession } from '../../log/session.ts';
import { hash, setHash } from '../../navigation.ts';
import { tell } from '../../ui/actions.ts';
import { messageOf } from '../../ui/resource.ts';
import { createFolding } from './folding.ts';

/** Lines above one that is gone to: its context. */
const CONTEXT = 6;

/** What is being searched for, and what was found so far. */
export interface Search {
  readonly text: string;
  readonly matcher: RegExp | null;
  /** Line numbers, rising. */
  readonly hits: readonly number[];
  /** Lines that were looked at. */
  readonly done: number;
  readonly state: 'none' | 'broken' | 'running' | 'done' | 'full' | 'failed';
}
const NO_SEARCH: Search = { text: '', matcher: null, hits: [], done: 0, state: 'none' };

/** Where somebody is in a log. */
export function createReading(session: LogSession) {
  /** Row on top, with the fraction of it that is above the edge. */
  const top = signal(0);
  const height = signal(600);
  const following = signal(false);
  const search = signal<Search>(NO_SEARCH);
  const hit = signal(-1);
  let giveUp = () => {};

  const folding = createFolding(session);
  /** In rows: a folded group has one. */
  const extent = () => ({ total: folding.rows.peek(), height: height.peek() });
  const topLine = () => folding.folds.peek().lineOf(Math.floor(top.peek()));
  const setTop = (line: number) => {
    top.value = Math.min(lastTop(extent()), Math.max(0, line));
  };
  const stopEffect = effect(() => {
    const end = lastTop({ total: folding.rows.value, height: height.value });
    if (following.value) top.value = end;
  });

  function show(line: number): void {
    following.value = false;
    folding.reveal(line);
    setTop(folding.folds.peek().rowOf(line) - CONTEXT);
  }

  function find(text: string): void {
    giveUp();
    hit.value = -1;
    const matcher = matcherOf(text);
    const state = text === '' ? 'none' : matcher === null ? 'broken' : 'running';
    search.value = { ...NO_SEARCH, text, matcher, state };
    if (matcher === null) return;
    const expression = expressionOf(text);
    const query = { q: expression ?? text, regex: expression === null ? 0 : 1, limit: MOST_HITS } as const;
    giveUp = searchLogs({ log: session.id }, query, {
      found: take,
      ended(piece) {
        take(piece);
        search.value = { ...search.peek(), state: piece.isFull ? 'full' : 'done' };
        if (hit.peek() < 0) goToHit(0);
      },
      failed(why) {
        search.value = { ...search.peek(), state: 'failed' };
        tell(why, { bad: true });
      },
    });
  }

  /** Takes what was found, and goes to the first hit from where the reader is as soon as it is there. */
  function take({ hits: found, done }: LogSearchPiece): void {
    const hits = found.length === 0 ? search.peek().hits : [...search.peek().hits, ...found];
    search.value = { ...search.peek(), hits, done };
    const from = topLine();
    if (hit.peek() < 0 && (hits.at(-1) ?? -1) >= from) goToHit(hits.findIndex((n) => n >= from));
  }

  function goToHit(index: number): void {
    const line = search.peek().hits[index];
    if (line === undefined) return;
    hit.value = index;
    show(line);
  }

  async function nextError(backwards: boolean): Promise<void> {
    const marked = linesOfHash(hash.peek());
    const from = marked?.first ?? topLine() - 1;
    try {
      const line = await nextHit(session.read, ERRORS, from, { total: session.total.peek(), backwards });
      if (line === null) tell(backwards ? 'No error above.' : 'No error below.');
      else {
        setHash(`L${line + 1}`);
        show(line);
      }
    } catch (cause) {
      tell(messageOf(cause), { bad: true });
    }
  }

  return {
    folding,
    top,
    height,
    following,
    search,
    hit,
    setTop,
    show,
    find,
    nextHit(step: 1 | -1) {
      const { hits } = search.peek();
      if (hits.length > 0) goToHit((hit.peek() + step + hits.length) % hits.length);
    },
    nextError,
    /** A growing log begins at its end, a finished one at its top. */
    start() {
      if (!session.complete.peek()) following.value = true;
    },
    toEnd() {
      setTop(lastTop(extent()));
      following.value = !session.complete.peek();
    },
    move(lines: number) {
      following.value = false;
      setTop(top.peek() + lines);
    },
    close() {
      giveUp();
      folding.close();
      stopEffect();
    },
  };
}
export type Reading = ReturnType<typeof createReading>;
