import { createContext, Script } from 'node:vm';
import { plainText } from '@icefall/shared/terminal';
import type { LogPiece } from './log-store.ts';

/** What is searched for, without regard to case. */
export interface Wanted {
  readonly text: string;
  /** Whether the text is a regular expression, held against each line by itself. */
  readonly isExpression: boolean;
  /** Whether control sequences are searched as they were written; else text as people see it. Default false. */
  readonly isRaw?: boolean;
}

/** A line that was found. */
export interface Hit {
  readonly line: number;
  readonly text: string;
}

/** An expression that is none, or that takes too long. */
export class SearchError extends Error {
  readonly code = 'bad_search';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SearchError';
  }
}

/** An expression gets this long for a piece of some 256 kB, which takes a hundredth of it unless it backtracks. */
const PIECE_LIMIT_MS = 250;
/** Time on a processor, microseconds, from which on an expression that was stopped has had its share of that. */
const WORKED_US = 100_000;
/** On a machine that gives it less for so many tries, everything takes too long. */
const MOST_UNWORKED = 20;

/** Finds lines in pieces of a log. Throws {@link SearchError} for what is no expression. */
export class LineSearch {
  readonly #matcher: RegExp;
  readonly #isExpression: boolean;
  readonly #isRaw: boolean;
  readonly #context: { work: () => void };
  readonly #script = new Script('work()');

  constructor({ text, isExpression, isRaw = false }: Wanted) {
    this.#isRaw = isRaw;
    this.#isExpression = isExpression;
    this.#matcher = matcherOf(text, isExpression);
    this.#context = { work: () => undefined };
    createContext(this.#context);
  }

  /** The lines that match, their numbers rising. Throws {@link SearchError} where that takes too long. */
  hits({ first, text }: LogPiece): Hit[] {
    const lines = this.#isRaw ? text.toString('utf8') : readable(text.toString('utf8'));
    if (!this.#isExpression) return this.#hitsOfText(lines, first);
    let hits: Hit[] = [];
    this.#bounded(() => {
      hits = this.#hitsOfExpression(lines, first);
    });
    return hits;
  }

  /** All lines at once: nothing that is searched for spans two. */
  #hitsOfText(lines: string, first: number): Hit[] {
    const hits: Hit[] = [];
    let line = first;
    let at = 0;
    for (const { index } of lines.matchAll(this.#matcher)) {
      for (let end = lines.indexOf('\n', at); end !== -1 && end < index; end = lines.indexOf('\n', at)) {
        at = end + 1;
        line += 1;
      }
      if (hits.at(-1)?.line !== line) hits.push({ line, text: lines.slice(at, lines.indexOf('\n', at)) });
    }
    return hits;
  }

  #hitsOfExpression(lines: string, first: number): Hit[] {
    const hits: Hit[] = [];
    let line = first;
    let at = 0;
    for (let end = lines.indexOf('\n'); end !== -1; end = lines.indexOf('\n', at)) {
      const text = lines.slice(at, end);
      if (this.#matcher.test(text)) hits.push({ line, text });
      at = end + 1;
      line += 1;
    }
    return hits;
  }

  /**
   * An expression that backtracks without end would stop everything else: the machine that runs it is stopped. Its clock
   * goes on while this thread waits for a processor, so what was stopped without having worked is done again.
   */
  #bounded(work: () => void): void {
    this.#context.work = work;
    for (let again = MOST_UNWORKED; ; again -= 1) {
      const before = process.threadCpuUsage();
      try {
        this.#script.runInContext(this.#context, { timeout: PIECE_LIMIT_MS });
        return;
      } catch (cause) {
        if (!isTimeout(cause)) throw cause;
        const { user, system } = process.threadCpuUsage(before);
        if (again > 0 && user + system < WORKED_US) continue;
        throw new SearchError('the expression takes too long; write it so that no repetition stands in another', {
          cause,
        });
      }
    }
  }
}

function matcherOf(text: string, isExpression: boolean): RegExp {
  // With `g`, text is found everywhere in a piece; an expression is asked anew for each line.
  if (!isExpression) return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi');
  try {
    return new RegExp(text, 'i');
  } catch (cause) {
    throw new SearchError(`${JSON.stringify(text)} is no regular expression: ${messageOf(cause)}`, { cause });
  }
}

/** The error is of the other context: no Error of ours. */
function isTimeout(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && Reflect.get(cause, 'code') === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Text as people see it; most logs have nothing that they don't. */
function readable(lines: string): string {
  return lines.includes('\u001b') || lines.includes('\r') ? lines.split('\n').map(plainText).join('\n') : lines;
}
