/** A synchronous call-back list inside one process: rooms tell each other what happened within the same turn. */
export class Hook<T> {
  #listeners: readonly ((value: T) => void)[] = [];

  /** Gives the way to listen no more; most listen for as long as the process lives. */
  on(listener: (value: T) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener);
    };
  }

  fire(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
}
