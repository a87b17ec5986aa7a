import { type CommandEvents, HeldCommand } from './held-command.ts';
import { recoverCommands } from './recovery.ts';
import type { Order, Workshop } from './workshop.ts';

/** The commands that this agent holds: one attempt of each, and those that it is about to forget. */
export class CommandTable {
  readonly #workshop: Workshop;
  readonly #events: CommandEvents;
  readonly #held = new Map<number, HeldCommand>();
  readonly #leaving = new Map<HeldCommand, Promise<void>>();

  constructor(workshop: Workshop, events: CommandEvents) {
    this.#workshop = workshop;
    this.#events = events;
  }

  /** Held commands; those that are being forgotten are not counted. */
  get size(): number {
    return this.#held.size;
  }

  /** True when there is nothing left, not even on its way out. */
  get empty(): boolean {
    return this.#held.size === 0 && this.#leaving.size === 0;
  }

  all(): HeldCommand[] {
    return [...this.#held.values()];
  }

  find(commandId: number, epoch: number): HeldCommand | null {
    const held = this.newest(commandId);
    return held?.epoch === epoch ? held : null;
  }

  newest(commandId: number): HeldCommand | null {
    return this.#held.get(commandId) ?? null;
  }

  async recover(): Promise<void> {
    for (const command of await recoverCommands(this.#workshop, this.#events))
      this.#held.set(command.commandId, command);
  }

  /**
   * Begins a command; in a build directory where another still runs on its way out it waits for the end of that, and
   * where one has the same number until its traces are gone.
   */
  begin(order: Order): HeldCommand {
    const before = [...this.#leaving]
      .filter(([{ commandId, buildDirectory }]) => {
        return commandId === order.commandId || buildDirectory === order.buildDirectory;
      })
      .map(([command, gone]) => (command.commandId === order.commandId ? gone : command.ended));
    const command = HeldCommand.begin(order, this.#workshop, this.#events, Promise.all(before));
    this.#held.set(order.commandId, command);
    return command;
  }

  /** Ends a command where it runs, and removes its traces. */
  async forget(command: HeldCommand, reason: string): Promise<void> {
    if (this.#held.get(command.commandId) === command) this.#held.delete(command.commandId);
    const gone = command.forget(reason);
    this.#leaving.set(command, gone);
    await gone;
    this.#leaving.delete(command);
  }

  /** Resolves when nothing runs any more, also of what is being forgotten. */
  async quiet(): Promise<void> {
    await Promise.all([...this.all().map(({ ended }) => ended), ...this.#leaving.values()]);
  }

  /** Closes the files of all; what is on disk stays for the next agent. */
  async close(): Promise<void> {
    await Promise.all(this.all().map((command) => command.close()));
  }
}
