import { styleText } from 'node:util';
import type { Build, Result, Snapshot } from '@icefall/shared';
import { formatDuration } from '@icefall/shared';

export interface Screen {
  readonly line: (text: string) => void;
  readonly colour: boolean;
}

const COLOURS = {
  SUCCESS: 'green',
  WARNINGS: 'yellow',
  FAILURE: 'red',
  SKIPPED: 'gray',
  EXCEPTION: 'magenta',
  RETRY: 'yellow',
  CANCELLED: 'magenta',
} as const satisfies Record<Result, Parameters<typeof styleText>[0]>;

function paint(screen: Screen, format: Parameters<typeof styleText>[0], text: string): string {
  return screen.colour ? styleText(format, text, { validateStream: false }) : text;
}

function variantOf(build: Build): string {
  const value = build.properties.variant?.value ?? build.properties.path?.value;
  return typeof value === 'string' ? ` ${value}` : '';
}

function durationOf(build: Build): string {
  return build.finishedAt === null ? '' : formatDuration(build.finishedAt - build.startedAt);
}

/** Tells of every build that starts or ends; give it one snapshot after the other. Builds that had ended before are not told. */
export function progressLines(screen: Screen, since: number): (snapshot: Snapshot) => void {
  const started = new Set<number>();
  const ended = new Set<number>();
  const tell = (at: number, word: string, build: Build, rest: string) =>
    screen.line(`${new Date(at).toLocaleTimeString('en-GB')}  ${word} ${build.builder} #${build.number}${rest}`);
  return (snapshot) => {
    for (const build of snapshot.builds.toSorted((a, b) => a.id - b.id)) {
      if (build.finishedAt !== null && build.finishedAt < since) continue;
      if (!started.has(build.id)) {
        started.add(build.id);
        tell(build.startedAt, paint(screen, 'cyan', 'started  '), build, `${variantOf(build)} on ${build.worker}`);
      }
      if (build.finishedAt === null || build.result === null || ended.has(build.id)) continue;
      ended.add(build.id);
      const word = paint(screen, COLOURS[build.result], build.result.padEnd(9));
      tell(build.finishedAt, word, build, `${variantOf(build)} in ${durationOf(build)}${failureOf(build)}`);
    }
  };
}

function failureOf(build: Build): string {
  if (build.result === 'SUCCESS') return '';
  const steps = build.steps.filter((step) => step.result !== null && !['SUCCESS', 'SKIPPED'].includes(step.result));
  return steps.map((step) => `\n            ${step.name}: ${step.summary}`).join('');
}

/** What became of a push. */
export interface PushOutcome {
  readonly green: boolean;
  /** All builds that came of it, oldest first. */
  readonly builds: readonly Build[];
}

/**
 * The end of everything that a push started, or null while it goes on. `expected`: how many schedulers build a push.
 * Attempts that are retried do not count; the last attempt of each request does.
 */
export function outcomeOfPush(snapshot: Snapshot, revision: string, expected: number): PushOutcome | null {
  const change = snapshot.changes.find((candidate) => candidate.revision === revision);
  if (change === undefined) return null;
  const isRoot = (build: Build) => build.parentBuildId === null && build.changeIds.includes(change.id);
  const roots = lastAttempts(snapshot.builds.filter(isRoot));
  if (roots.length < expected || roots.some((build) => build.result === null || build.result === 'RETRY')) return null;
  const builds = withChildren(snapshot.builds, roots);
  return { green: builds.every((build) => build.result === 'SUCCESS'), builds };
}

function lastAttempts(builds: readonly Build[]): Build[] {
  const byRequest = new Map<number, Build>();
  for (const build of builds.toSorted((a, b) => a.attempt - b.attempt)) byRequest.set(build.requestId, build);
  return [...byRequest.values()];
}

function withChildren(all: readonly Build[], roots: readonly Build[]): Build[] {
  const found = new Map(roots.map((build) => [build.id, build]));
  // Children have higher ids than their parents, so one pass in this order finds all generations.
  for (const build of lastAttempts(all).sort((a, b) => a.id - b.id))
    if (build.parentBuildId !== null && found.has(build.parentBuildId)) found.set(build.id, build);
  return [...found.values()].sort((a, b) => a.id - b.id);
}

/** The result of each builder, a line each. */
export function summaryLines(screen: Screen, outcome: PushOutcome): string[] {
  const width = Math.max(...outcome.builds.map((build) => `${build.builder} #${build.number}`.length));
  return outcome.builds.map((build) => {
    const result = build.result ?? 'EXCEPTION';
    const name = `${build.builder} #${build.number}`.padEnd(width);
    return `  ${paint(screen, COLOURS[result], result.padEnd(9))} ${name} ${durationOf(build).padStart(9)} ${variantOf(build)}`;
  });
}
