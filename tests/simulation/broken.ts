/** A promise that was broken, with what was seen. */
export class Broken extends Error {}

/** Throws {@link Broken} where a promise is not kept. */
export function require(isKept: boolean, promise: string): void {
  if (!isKept) throw new Broken(promise);
}
