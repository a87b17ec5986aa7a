import type { Terminal } from '../terminal.ts';
import { LiveLines } from './live-lines.ts';
import { cut } from './text.ts';

/** Between two drawings: ten a second look alive. */
const DRAW_EVERY_MS = 100;

/** One line at the foot of a terminal that says how far a long piece of work is; nothing where there is no terminal. */
export class StepProgress implements Disposable {
  readonly #terminal: Terminal;
  readonly #live: LiveLines;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#live = new LiveLines(terminal);
  }

  /** `total` null: nobody knows how much it is. */
  show(what: string, done: number, total: number | null): void {
    const { columns } = this.#terminal;
    const now = this.#terminal.now();
    if (columns === null || (now - this.#drawnAt < DRAW_EVERY_MS && done !== total)) return;
    this.#drawnAt = now;
    const share = total === null || total === 0 ? '' : ` ${Math.floor((100 * done) / total)} %`;
    const count = total === null ? '' : ` (${done} of ${total})`;
    this.#live.draw([cut(`${what}${share}${count}`, columns - 1)]);
  }

  [Symbol.dispose](): void {
    if (this.#terminal.columns !== null) this.#live.clear();
  }
}
