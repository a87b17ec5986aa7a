import { formatDuration } from '@icefall/shared';
import type { Course, CourseBuild, CourseStep, Hold } from '../../simulation/index.ts';
import type { Format, Terminal } from '../terminal.ts';
import { chartLines } from './course-chart.ts';
import { counted, paint, printable } from './text.ts';

/** More than anybody reads; `--json` has all. */
const MOST_LINES = 120;

/** What a simulation has shown: a waterfall, what happened in order, and who waited for what. */
export function courseLines(terminal: Terminal, course: Course, head: string): string[] {
  const title = `${head}: ${formatTime(course.startedAt, course.timeZone)} (${course.timeZone})`;
  const { builds, notBuilt, starts } = course;
  if (builds.length + notBuilt.length === 0) return [printable(title), 'nothing is started'];
  const own = starts.filter(({ parentBuildId }) => parentBuildId === null);
  const started = own.map(
    ({ at, scheduler, builders }) => `  ${since(course, at)}  ${scheduler} starts ${builders.join(', ')}`,
  );
  return [
    ...[printable(title), ...limited(started.map(printable)), ''],
    ...(builds.length === 0 ? [] : builtLines(terminal, course)),
    ...waitLines(terminal, course),
    totalOf(terminal, course),
  ];
}

function builtLines(terminal: Terminal, course: Course): string[] {
  const events = limited(eventsOf(course).map(printable));
  return [...chartLines(terminal, course), '', paint(terminal, 'bold', 'in order'), ...events, ''];
}

function limited(lines: readonly string[]): string[] {
  if (lines.length <= MOST_LINES) return [...lines];
  return [...lines.slice(0, MOST_LINES), `  … and ${lines.length - MOST_LINES} more; --json has them all`];
}

/** `30 Mar 2025, 02:00`. */
function formatTime(at: number, timeZone: string): string {
  const format = {
    timeZone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  } as const;
  return new Intl.DateTimeFormat('en-GB', format).format(at);
}

function since({ startedAt }: Course, at: number): string {
  // The site is started a moment before what is asked for: what begins with it is told as beginning then.
  return `+${formatDuration(Math.max(0, at - startedAt))}`.padEnd(11);
}

interface Happening {
  readonly at: number;
  readonly what: string;
  readonly who: string;
}

/** Starts and ends of builds, steps that take locks, and what went wrong; what happens to several at once, in a line. */
function eventsOf(course: Course): string[] {
  const all = course.builds.flatMap((build): Happening[] => [
    { at: build.startedAt, what: `starts${withLocks(build.locks)}`, who: `${nameOf(build)} on ${build.worker}` },
    ...build.steps.flatMap((step) => stepEvents(build, step)),
    ...(build.finishedAt === null ? [] : [{ at: build.finishedAt, what: `ends ${build.result}`, who: nameOf(build) }]),
  ]);
  const lines = Map.groupBy(
    all.toSorted((a, b) => a.at - b.at),
    ({ at, what }) => `  ${since(course, at)}  ${what}`,
  );
  return [...lines].map(([line, together]) => `${line}: ${together.map(({ who }) => who).join(', ')}`);
}

function stepEvents(build: CourseBuild, step: CourseStep): Happening[] {
  const who = `${nameOf(build)} (${step.name})`;
  const [first] = step.locks;
  const taken = first === undefined ? [] : [{ at: first.from, what: `goes on${withLocks(step.locks)}`, who }];
  const isBad = step.result !== null && !['SUCCESS', 'SKIPPED'].includes(step.result) && step.finishedAt !== null;
  return isBad ? [...taken, { at: step.finishedAt ?? 0, what: `${step.result}`, who }] : taken;
}

function withLocks(locks: readonly Hold[]): string {
  const held = locks.map(({ lock, mode, count }) => `${lock} (${mode}${count === 1 ? '' : ` ${count}`})`);
  return held.length === 0 ? '' : ` with ${held.join(', ')}`;
}

function nameOf(build: CourseBuild): string {
  return `${build.builder} #${build.number}`;
}

/** Who waited, longest first; a trigger that waits for its children is no news. */
function waitLines(terminal: Terminal, course: Course): string[] {
  const all = [
    ...course.builds.flatMap((build) => [
      ...build.waits.map((wait) => ({ who: nameOf(build), wait })),
      ...build.steps.flatMap((step) => step.waits.map((wait) => ({ who: `${nameOf(build)}, ${step.name}`, wait }))),
    ]),
    ...course.notBuilt.flatMap(({ builder, waits }) => waits.map((wait) => ({ who: builder, wait }))),
  ].filter(({ wait }) => wait.kind !== 'children');
  if (all.length === 0) return [];
  const lasted = (wait: { from: number; to: number | null }) => (wait.to ?? course.endedAt) - wait.from;
  const lines = all
    .toSorted((a, b) => lasted(b.wait) - lasted(a.wait))
    .map(({ who, wait }) => {
      const until = wait.to === null ? ', to the end' : '';
      return printable(`  ${formatDuration(lasted(wait)).padEnd(10)}  ${who} ${wait.why}${until}`);
    });
  return [paint(terminal, 'bold', 'who waited, the longest first'), ...limited(lines), ''];
}

function totalOf(terminal: Terminal, { builds, notBuilt, startedAt, endedAt }: Course): string {
  const last = Math.max(startedAt, ...builds.map((build) => build.finishedAt ?? endedAt));
  const bad = builds.filter(({ result }) => result !== 'SUCCESS' && result !== 'WARNINGS');
  const open = notBuilt.filter(({ result }) => result === null);
  const parts = [
    counted(builds.length, 'build'),
    ...(bad.length === 0 ? [] : [`${bad.length} not green`]),
    ...(open.length === 0 ? [] : [`${counted(open.length, 'request')} still waiting`]),
    `${formatDuration(last - startedAt)} in all`,
  ];
  const format: Format = bad.length + open.length === 0 ? 'green' : 'yellow';
  return paint(terminal, format, parts.join(', '));
}
