import { type Build, describeBlocker, formatDuration, type Step } from '@icefall/shared';
import type { RequestProgress } from '../client/buildset-progress.ts';
import type { Format, Terminal } from '../terminal.ts';
import { cut, paint, printable, widthOf } from './text.ts';
import { buildName, formatOfResult } from './words.ts';

/** Room that is left for words on the narrowest terminal. */
const LEAST_WORDS = 10;

/** What a request does now, in words. */
export interface ProgressWords {
  readonly requestId: number;
  readonly name: string;
  readonly what: string;
  readonly format: Format;
  /** How long, milliseconds; null where it does not count. */
  readonly sinceMs: number | null;
}

export function progressWords({ request, build, depth }: RequestProgress, now: number): ProgressWords {
  const name = `${'  '.repeat(depth)}${build === null ? request.builder : buildName(build)}`;
  const words = (what: string, format: Format, sinceMs: number | null): ProgressWords => ({
    requestId: request.id,
    name,
    what,
    format,
    sinceMs,
  });
  if (request.result !== null) {
    const took = build?.finishedAt == null ? null : build.finishedAt - build.startedAt;
    return words(endOf(request.result, build, request.collapsedInto), formatOfResult(request.result), took);
  }
  if (build === null || build.result !== null)
    return words(
      request.blocker === null ? 'is about to start' : describeBlocker(request.blocker),
      'yellow',
      now - (request.blockedSince ?? request.submittedAt),
    );
  return { ...buildWords(build, now), name, requestId: request.id };
}

/** What a build that runs does now. */
export function buildWords(build: Build, now: number): ProgressWords {
  const [what, format, sinceMs] = doingOf(build, now);
  return { requestId: build.requestId, name: buildName(build), what, format, sinceMs };
}

function endOf(result: string, build: Build | null, collapsedInto: number | null): string {
  if (collapsedInto !== null) return `${result} (taken into request ${collapsedInto})`;
  const failed = build?.steps.filter((step) => step.result === 'FAILURE' || step.result === 'EXCEPTION') ?? [];
  return failed.length === 0
    ? result
    : `${result}: ${failed.map((step) => `${step.name}: ${step.summary}`).join('; ')}`;
}

function doingOf(build: Build, now: number): [what: string, format: Format, sinceMs: number] {
  const step = build.steps.find((candidate) => isUnderWay(candidate));
  if (step === undefined) return [`${build.state} on ${build.worker}`, 'blue', now - build.startedAt];
  const place = `${step.name} (${step.number + 1} of ${build.steps.length})`;
  const since = now - (step.startedAt ?? build.startedAt);
  return step.blocker === null
    ? [place, 'blue', since]
    : [`${place} ${describeBlocker(step.blocker)}`, 'yellow', since];
}

function isUnderWay(step: Step): boolean {
  return step.state === 'running' || step.state === 'waitingForLocks';
}

/** A line for each request, aligned; cut to `columns` where that is given. */
export function progressLines(
  terminal: Pick<Terminal, 'colour'>,
  words: readonly ProgressWords[],
  columns: number | null,
): string[] {
  const width = Math.max(0, ...words.map(({ name }) => widthOf(name)));
  const times = words.map(({ sinceMs }) =>
    sinceMs === null || sinceMs < 1000 ? '' : formatDuration(Math.floor(sinceMs / 1000) * 1000),
  );
  const timeWidth = Math.max(0, ...times.map(widthOf));
  return words.map(({ name, what, format }, i) => {
    const head = `${printable(name).padEnd(width)}  ${(times[i] ?? '').padStart(timeWidth)}  `;
    const room = columns === null ? Number.POSITIVE_INFINITY : Math.max(LEAST_WORDS, columns - 1 - widthOf(head));
    return head + paint(terminal, format, cut(printable(what), room));
  });
}
