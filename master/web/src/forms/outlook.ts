import type { AwaitedLock, RequestOutlook, SourceStamp } from '@icefall/shared';
import { describeBlocker } from '@icefall/shared/api/describe';
import { shortDuration } from '../ui/times.ts';

/** What is built, in words: `main, its newest revision`. Of several sources each with its codebase. */
export function sourceWords(stamps: readonly SourceStamp[]): string {
  if (stamps.length === 0) return 'no source';
  const several = stamps.length > 1;
  return stamps
    .map(({ codebase, branch, revision }) => {
      const what = branch ?? 'the default branch';
      const which = revision === null ? 'its newest revision' : `revision ${revision.slice(0, 12)}`;
      return `${several && codebase !== '' ? `${codebase}: ` : ''}${what}, ${which}`;
    })
    .join('; ');
}

/** What will become of a request, a sentence each: what it waits for, whom, and with what it is put together. */
export function outlookWords({ blocker, ahead, takesIn, locks }: RequestOutlook, now: number): string[] {
  const words: string[] = [];
  if (takesIn.length > 0)
    words.push(`takes waiting request ${takesIn.join(', ')} into itself: they are built together and share the result`);
  if (ahead > 0) words.push(`${ahead} ${ahead === 1 ? 'request goes' : 'requests go'} before it`);
  if (blocker !== null) words.push(describeBlocker(blocker));
  for (const lock of locks) words.push(lockWords(lock, now));
  return words.length === 0 ? ['starts at once'] : words;
}

function lockWords({ lock, mode, step, holders, waiting }: AwaitedLock, now: number): string {
  const who = step === null ? 'waits' : `step ${step} waits`;
  const held = holders
    .map((holder) => {
      const of = holder.stepName === null ? '' : ` (${holder.stepName})`;
      return `${holder.builder} #${holder.buildNumber}${of} for ${shortDuration(now - holder.since)}`;
    })
    .join('; ');
  const queue = waiting === 0 ? '' : `, ${waiting} in line before it`;
  return `${who} for lock ${lock} (${mode})${held === '' ? '' : `, held by ${held}`}${queue}`;
}
