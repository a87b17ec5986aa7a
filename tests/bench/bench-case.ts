import type { Figure } from './figures.ts';

/** What a case is given. */
export interface BenchContext {
  /** Smaller numbers, for a look whether all of it works. */
  readonly quick: boolean;
  /** Empty, its own, removed afterwards. */
  readonly directory: string;
  /** Tells what is going on. */
  readonly say: (text: string) => void;
}

export interface Outcome {
  /** How it was measured, for people. */
  readonly conditions: string;
  readonly figures: readonly Figure[];
}

/** One thing to measure. It ends what it started, also when it throws. */
export interface BenchCase {
  readonly name: string;
  readonly title: string;
  /** Too long for every time: it runs when it is named. */
  readonly onRequest?: true;
  readonly run: (context: BenchContext) => Promise<Outcome>;
}

/** What was measured is not what should have been: a build that failed, a log that is not complete. */
export class BenchError extends Error {
  readonly code = 'bench';
  constructor(message: string) {
    super(message);
    this.name = 'BenchError';
  }
}
