import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { TestGround } from '../support/ground.ts';

/** What a step runs to print what it is told, line by line, until it is told to end. Its argument: the pipe. */
const DICTATED = [
  'sh',
  '-c',
  'exec 3<>"$1"; while IFS= read -r line <&3; do [ "$line" = "$2" ] && exit 0; printf "%s\\n" "$line"; done',
  'sh',
] as const;
const END = 'end of the dictation';
export const dictated = (pipe: string) => [...DICTATED, pipe, END];

/** A step's output as the test wants it: what is said before the step begins waits for it. */
export class Dictation {
  readonly #file: number;

  constructor(ground: TestGround, path: string) {
    execFileSync('mkfifo', [path]);
    // For reading as well, or it would block until somebody reads.
    this.#file = openSync(path, 'r+');
    ground.atEnd(() => closeSync(this.#file));
  }

  say(...lines: readonly string[]): void {
    writeSync(this.#file, lines.map((line) => `${line}\n`).join(''));
  }

  /** Lets the step end with success. */
  end(): void {
    this.say(END);
  }
}
