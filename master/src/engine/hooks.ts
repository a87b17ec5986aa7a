/** A synchronous call-back list inside one process: rooms tell each other what happened within the same turn. */
export class Hook<T> {
  readonly #listeners: ((value: T) => void)[] = [];

  on(listener: (value: T) => void): void {
    this.#listeners.push(listener);
  }

  fire(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
}
