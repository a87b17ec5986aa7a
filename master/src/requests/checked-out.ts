import type { SourceStamp } from '@icefall/shared';

/**
 * A source with the revision that its build really had: the tip of a branch moves on. `got` is the value of the build's
 * property `got_revision`: a revision, or one for each codebase.
 */
export function checkedOut(stamp: SourceStamp, got: unknown): SourceStamp {
  if (stamp.revision !== null) return stamp;
  const revision =
    typeof got === 'object' && got !== null ? Reflect.get(got, stamp.codebase) : stamp.codebase === '' ? got : null;
  return typeof revision === 'string' && revision !== '' ? { ...stamp, revision } : stamp;
}
