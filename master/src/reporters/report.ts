import { type Build, type Change, plainText, type Result, type Step } from '@icefall/shared';
import type { LogStore } from '../logs/log-store.ts';

/** Lines of a log that are told, from its end: what a compiler says of its last error, not more than a screen. */
const MOST_EXCERPT_LINES = 40;
/** A longer line is cut. */
const LONGEST_LINE = 500;

/** The step that made a build fail. */
export interface FailedStep {
  readonly step: Step;
  readonly url: string;
  /** The end of its log; null where it has none. */
  readonly log: { readonly name: string; readonly url: string; readonly lines: readonly string[] } | null;
}

/** What there is to tell of a build: what functions of the site are given. */
export interface Report {
  readonly site: { readonly title: string; readonly url: string };
  readonly moment: 'start' | 'end';
  readonly build: Build;
  /** Of the build on the page. */
  readonly url: string;
  /** How the build before it ended, of the same builder and branches; null: there was none. */
  readonly previous: Result | null;
  /** What it was made from, oldest first. */
  readonly changes: readonly Change[];
  /** The first step that failed, of a build that did. */
  readonly failed: FailedStep | null;
}

/** The first step that failed, with the end of its log. */
export function failedStepOf({ steps }: Build, logs: LogStore, siteUrl: string): FailedStep | null {
  const step = steps.find(({ result }) => result === 'FAILURE' || result === 'EXCEPTION');
  if (step === undefined) return null;
  const log = step.logs.find(({ name }) => name === 'stdio') ?? step.logs[0];
  return {
    step,
    url: `${siteUrl}/builds/${step.buildId}#step-${step.number}`,
    log:
      log === undefined ? null : { name: log.name, url: `${siteUrl}/logs/${log.id}`, lines: excerptOf(logs, log.id) },
  };
}

function excerptOf(logs: LogStore, logId: number): string[] {
  return endOf(logs, logId).map((text) => {
    const plain = plainText(text);
    return plain.length > LONGEST_LINE ? `${plain.slice(0, LONGEST_LINE)}…` : plain;
  });
}

/** That a build failed is told, too, where its log is damaged. */
function endOf(logs: LogStore, logId: number): string[] {
  try {
    return (logs.lines(logId, -MOST_EXCERPT_LINES, MOST_EXCERPT_LINES)?.lines ?? []).map(({ text }) => text);
  } catch (error) {
    return [`(it cannot be read: ${error instanceof Error ? error.message : String(error)})`];
  }
}

/** In one or two words: `failed`, `still fails`, `works again`. */
export function verdictOf({ build: { result }, previous }: Pick<Report, 'build' | 'previous'>): string {
  const wasBad = previous === 'FAILURE' || previous === 'EXCEPTION';
  switch (result) {
    case null:
      return 'has begun';
    case 'SUCCESS':
      return wasBad ? 'works again' : 'passed';
    case 'WARNINGS':
      return wasBad ? 'works again, with warnings' : 'passed with warnings';
    case 'FAILURE':
      return previous === 'FAILURE' ? 'still fails' : 'failed';
    case 'EXCEPTION':
      return 'could not be built';
    case 'SKIPPED':
      return 'was skipped';
    case 'RETRY':
      return 'is tried again';
    case 'CANCELLED':
      return 'was cancelled';
  }
}

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** A text in which nothing ends a line or hides: for headers, whatever somebody has called their branch. */
export function oneLine(text: string, longest: number): string {
  const line = text.replace(CONTROL, ' ').trim();
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}
