import { z } from 'zod';

/** Milliseconds, or a number with a unit: `'500ms'`, `'20s'`, `'15m'`, `'4h'`, `'2d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration in whole milliseconds, or null where the text is not one. */
export function parseDuration(value: string | number): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? Math.round(value) : null;
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(value.trim());
  if (match?.[1] === undefined || match[2] === undefined) return null;
  return Math.round(Number(match[1]) * (UNIT_MS[match[2]] ?? Number.NaN));
}

const HINT = "must be milliseconds or a number with a unit such as '20s', '15m', '4h', and at most 365 days";
/** What is meant to be longer than a year is meant to have no limit: null. */
const LONGEST_MS = 365 * 86_400_000;

/** Schema for an option that is a {@link Duration}; the parsed value is milliseconds. */
export const durationSchema = z.union([z.number(), z.string()], HINT).transform((value, context) => {
  const ms = parseDuration(value);
  if (ms !== null && ms <= LONGEST_MS) return ms;
  context.addIssue({ code: 'custom', message: HINT });
  return z.NEVER;
});
/** As {@link durationSchema}, but not zero. */
export const positiveDurationSchema = durationSchema.refine((ms) => ms > 0, 'must be more than zero');
