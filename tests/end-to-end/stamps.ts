import { readFileSync } from 'node:fs';

/** When one step really ran, by its own clock on the worker. */
export interface Interval {
  readonly name: string;
  readonly worker: string;
  readonly begin: bigint;
  readonly end: bigint;
}

/**
 * A command that writes to a file when it begins and ends, and between the two waits until so many of its name have
 * begun. Its arguments: file, name, worker, how many.
 */
export const STAMPED = [
  'sh',
  '-c',
  `id=$$
   echo "$id $2 $3 begin $(date +%s%N)" >>"$1"
   until [ "$(grep -c " $2 .* begin " "$1")" -ge "$4" ]; do sleep 0.02; done
   sleep 0.05
   echo "$id $2 $3 end $(date +%s%N)" >>"$1"`,
  'sh',
] as const;

/** The intervals of a file that {@link STAMPED} commands wrote; all of them must have ended. */
export function readIntervals(file: string): Interval[] {
  const { intervals, open } = stampsOf(file);
  if (open.length > 0) throw new Error(`these have not ended: ${JSON.stringify(open)}`);
  return intervals;
}

/** What has ended, and the numbers of those processes that were killed or go on. */
export function stampsOf(file: string): { readonly intervals: Interval[]; readonly open: readonly string[] } {
  const open = new Map<string, Omit<Interval, 'end'>>();
  const intervals: Interval[] = [];
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const [id = '', name = '', worker = '', what, at = ''] = line.split(' ');
    const begun = open.get(id);
    if (what === 'begin') open.set(id, { name, worker, begin: BigInt(at) });
    else if (begun !== undefined) intervals.push({ ...begun, end: BigInt(at) });
    if (what === 'end') open.delete(id);
  }
  return { intervals, open: [...open.keys()] };
}

export function overlap(one: Interval, two: Interval): boolean {
  return one.begin < two.end && two.begin < one.end;
}

/** Pairs of intervals that overlap, in words. */
export function overlaps(intervals: readonly Interval[], others: readonly Interval[] = intervals): string[] {
  return intervals.flatMap((one) =>
    others
      .filter((two) => two !== one && overlap(one, two))
      .map((two) => `${one.name}@${one.worker} ${one.begin} - ${two.name}@${two.worker} ${two.begin}`),
  );
}

/** How many ran together at the busiest moment. */
export function mostTogether(intervals: readonly Interval[]): number {
  return Math.max(
    0,
    ...intervals.map((one) => intervals.filter((two) => two.begin <= one.begin && one.begin < two.end).length),
  );
}
