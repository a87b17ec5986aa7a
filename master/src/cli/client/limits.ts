/** Times that the client waits, in milliseconds. */
export interface ClientLimits {
  /** For an answer. */
  readonly answerMs: number;
  /** For a reload: the master gives a site's program a minute. */
  readonly reloadMs: number;
  /** A stream without a sign of life: the master sends a comment every 15 s. */
  readonly silenceMs: number;
  /** Before the first new try to connect; doubled each time up to the longest. */
  readonly retryMs: number;
  readonly longestRetryMs: number;
  /** A master that stays away for this long in the middle of something is given up. */
  readonly absenceMs: number;
}

export const LIMITS: ClientLimits = {
  answerMs: 30_000,
  reloadMs: 90_000,
  silenceMs: 45_000,
  retryMs: 500,
  longestRetryMs: 10_000,
  absenceMs: 15 * 60_000,
};
