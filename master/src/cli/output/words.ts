import { type BuildHead, formatDuration, type Result, type Step } from '@icefall/shared';
import type { Format } from '../terminal.ts';
import type { Cell } from './table.ts';

const FORMATS: Readonly<Record<Result, Format>> = {
  SUCCESS: 'green',
  WARNINGS: 'yellow',
  FAILURE: 'red',
  SKIPPED: 'gray',
  EXCEPTION: 'magenta',
  RETRY: 'cyan',
  CANCELLED: 'magenta',
};

export function formatOfResult(result: Result): Format {
  return FORMATS[result];
}

export function resultCell(result: Result | null): Cell {
  return result === null ? { text: '-' } : { text: result, format: FORMATS[result] };
}

/** A build's result, or what it does now. */
export function buildStateCell(build: Pick<BuildHead, 'state' | 'result'>): Cell {
  return build.result === null ? { text: build.state, format: 'blue' } : resultCell(build.result);
}

/** Whether a build ended well: what a dependent scheduler goes on after. */
export function isGreen(result: Result | null): boolean {
  return result === 'SUCCESS' || result === 'WARNINGS';
}

/** `3 m 20 s ago`, `in 2 h 05 m`, `now`. */
export function relative(at: number, now: number): string {
  const ms = now - at;
  if (Math.abs(ms) < 1000) return 'now';
  // Whole seconds: tenths would only flicker.
  const text = formatDuration(Math.round(Math.abs(ms) / 1000) * 1000).replace(/^(\d+)\.0 s$/, '$1 s');
  return ms > 0 ? `${text} ago` : `in ${text}`;
}

/** How long something took, or has been going on. */
export function tookSince(startedAt: number | null, finishedAt: number | null, now: number): string {
  return startedAt === null ? '-' : formatDuration(Math.max(0, (finishedAt ?? now) - startedAt));
}

export function buildName(build: Pick<BuildHead, 'builder' | 'number'>): string {
  return `${build.builder}/${build.number}`;
}

/** Branches of a build's sources, for a table. */
export function branchOf(build: Pick<BuildHead, 'sourceStamps'>): string {
  return [...new Set(build.sourceStamps.map((stamp) => stamp.branch ?? ''))].join(' ').trim();
}

/** `12.3 "build"`: how `icefall log` names a step. */
export function stepName(step: Pick<Step, 'number' | 'name'>): string {
  return `${step.number} ${step.name}`;
}
