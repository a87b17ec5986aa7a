import type { styleText } from 'node:util';

export type Format = Parameters<typeof styleText>[0];

/** Where a command reads its surroundings and writes what it has to tell. */
export interface Terminal {
  /** Standard output: the answer. */
  out(text: string): void;
  /** Standard error: messages and notes. */
  err(text: string): void;
  /** Of standard output; null where it is no terminal: then nothing is cut and nothing is drawn over. */
  readonly columns: number | null;
  /** Lines of the terminal; null where it is none. */
  readonly rows: number | null;
  readonly colour: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Name of the person, for what is started in it. */
  readonly user: string | null;
  /** Asks for something that is not shown while it is typed; where nobody types, the first line of standard input. */
  secret(prompt: string): Promise<string>;
  /** Aborted when the person interrupts. */
  readonly signal: AbortSignal;
  now(): number;
  /** Resolves after so many milliseconds, or when the signal is aborted. */
  wait(ms: number): Promise<void>;
}
