/** Room above "now" for what is still to come, pixels. */
export const FUTURE_HEIGHT = 52;
/** An estimate that ends within seconds still shows. */
const LEAST_HEIGHT = 6;

/** Height of the time that a running build is still expected to take: short times are told apart, long ones are not. */
export function futureHeight(remainingMs: number): number {
  if (remainingMs <= 0) return 0;
  return Math.min(FUTURE_HEIGHT, LEAST_HEIGHT + 9 * Math.log2(1 + remainingMs / 60_000));
}
