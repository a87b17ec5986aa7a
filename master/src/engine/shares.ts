/** So much for all together, and for one of them. */
interface Limits {
  readonly most: number;
  readonly mostOfOne: number;
}

/** What many share and give back: connections, memory. Nobody takes so much of it that nothing is left for the others. */
export class Shares {
  readonly #limits: Limits;
  readonly #ofOne = new Map<string, number>();
  #taken = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Gives what gives it back (once); null: there is not as much left. `who`: null counts for all together only. */
  take(who: string | null, amount = 1): (() => void) | null {
    const own = who === null ? 0 : (this.#ofOne.get(who) ?? 0);
    const { most, mostOfOne } = this.#limits;
    if (this.#taken + amount > most || (who !== null && own + amount > mostOfOne)) return null;
    this.#add(who, amount);
    let isTaken = true;
    return () => {
      if (isTaken) this.#add(who, -amount);
      isTaken = false;
    };
  }

  #add(who: string | null, amount: number): void {
    this.#taken += amount;
    if (who === null) return;
    const own = (this.#ofOne.get(who) ?? 0) + amount;
    if (own === 0) this.#ofOne.delete(who);
    else this.#ofOne.set(who, own);
  }
}
