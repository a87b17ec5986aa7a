import type { Terminal } from '../terminal.ts';

/** Lines at the foot of a terminal that are drawn over as they change. */
export class LiveLines {
  readonly #terminal: Terminal;
  #drawn = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Draws the lines, none wider than the terminal, in place of the last ones. Those it has no room for are counted. */
  draw(lines: readonly string[]): void {
    // What has scrolled away cannot be drawn over.
    const room = Math.max(2, (this.#terminal.rows ?? 24) - 1);
    const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} more`];
    const text = shown.map((line) => `${line}\n`).join('');
    this.#terminal.out(this.#erasing() + text);
    this.#drawn = shown.length;
  }

  /** Takes the lines away. */
  clear(): void {
    this.#terminal.out(this.#erasing());
    this.#drawn = 0;
  }

  #erasing(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\u001b[J`;
  }
}
