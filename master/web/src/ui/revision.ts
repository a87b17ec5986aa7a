import type { Build, SourceStamp } from '@icefall/shared';

type Sources = Pick<Build, 'properties' | 'sourceStamps'>;

/** The revision that was asked for, or that was checked out where the newest was. */
export function revisionOf({ properties, sourceStamps }: Sources, { revision }: SourceStamp): string | null {
  if (revision !== null || sourceStamps.length > 1) return revision;
  const got = properties.got_revision?.value;
  return typeof got === 'string' && got !== '' ? got : null;
}

/** Of several source stamps that which says what was new: the first whose revision is known. */
export function tellingStamp(build: Sources): SourceStamp | null {
  return build.sourceStamps.find((stamp) => revisionOf(build, stamp) !== null) ?? build.sourceStamps[0] ?? null;
}
