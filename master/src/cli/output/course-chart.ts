import { formatDuration } from '@icefall/shared';
import type { Course, CourseBuild, Wait } from '../../simulation/index.ts';
import { wallClock } from '../../simulation/local-time.ts';
import type { Format, Terminal } from '../terminal.ts';
import { cut, paint, printable, widthOf } from './text.ts';

/** Columns where the terminal does not say, and between what it says. */
const USUAL_COLUMNS = 100;
const LEAST_COLUMNS = 80;
const MOST_COLUMNS = 120;
const MOST_NAME = 30;
const MOST_WORKER = 14;
/** `+2 h 05 m` and what it ended as. */
const TAIL = 20;
/** Characters that a time on the axis needs, with a gap. */
const TICK = 9;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((hours) => hours * HOUR),
];

/** What a build does at a moment: who looks at the chart wants to see why it is not done yet. */
const GLYPHS = { asked: '·', runs: '█', locked: '▒', children: '─' } as const;
type Doing = keyof typeof GLYPHS;
const FORMATS: Readonly<Record<Doing, Format>> = { asked: 'dim', runs: 'green', locked: 'yellow', children: 'dim' };

interface Scale {
  readonly from: number;
  readonly msPerCell: number;
  readonly cells: number;
}

/** A waterfall on its side: a line for each build, time goes to the right. */
export function chartLines(terminal: Terminal, course: Course): string[] {
  const builds = course.builds.toSorted((a, b) => a.submittedAt - b.submittedAt || a.id - b.id);
  const columns = Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, terminal.columns ?? USUAL_COLUMNS));
  const name = Math.min(MOST_NAME, Math.max(0, ...builds.map((build) => widthOf(titleOf(build)))));
  const worker = Math.min(MOST_WORKER, Math.max(0, ...builds.map((build) => widthOf(build.worker))));
  const cells = columns - name - worker - TAIL - 4;
  const last = Math.max(course.startedAt + MINUTE, ...builds.map((build) => build.finishedAt ?? course.endedAt));
  const scale = { from: course.startedAt, msPerCell: (last - course.startedAt) / cells, cells };
  const indent = ' '.repeat(name + worker + 4);
  const lines = builds.map((build) => {
    const head = `${fitted(titleOf(build), name)}  ${fitted(build.worker, worker)}  `;
    return `${head}${barOf(terminal, course, scale, build)}${tailOf(terminal, build)}`.trimEnd();
  });
  const legend = `${GLYPHS.asked} asked for  ${GLYPHS.runs} runs  ${GLYPHS.locked} waits for a lock  ${GLYPHS.children} waits for builds it triggered`;
  return [`${indent}${axisOf(scale, course.timeZone)}`.trimEnd(), ...lines, paint(terminal, 'dim', legend)];
}

function titleOf(build: CourseBuild): string {
  return printable(`${build.builder} #${build.number}`);
}

function fitted(text: string, width: number): string {
  const shown = cut(text, width);
  return shown + ' '.repeat(Math.max(0, width - widthOf(shown)));
}

function tailOf(terminal: Terminal, { submittedAt, finishedAt, result }: CourseBuild): string {
  const took = finishedAt === null ? '' : formatDuration(finishedAt - submittedAt);
  const isGood = result === 'SUCCESS' || result === null;
  return ` ${took.padStart(9)}${isGood ? '' : ` ${paint(terminal, 'red', result)}`}`;
}

/** Times above the chart, so many that they do not touch. */
function axisOf({ from, msPerCell, cells }: Scale, timeZone: string): string {
  const stepMs = STEPS.find((step) => step / msPerCell >= TICK) ?? STEPS.at(-1) ?? HOUR;
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
  let axis = '';
  // On the full hour of the site's clocks, not of UTC.
  const offset = wallClock(from, timeZone) - from;
  for (
    let at = Math.ceil((from + offset) / stepMs) * stepMs - offset;
    (at - from) / msPerCell < cells - 5;
    at += stepMs
  ) {
    const cell = Math.floor((at - from) / msPerCell);
    if (cell >= axis.length) axis = `${axis.padEnd(cell)}╵${format.format(at)}`;
  }
  return axis;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly doing: Doing;
}

function stretchesOf({ endedAt }: Course, build: CourseBuild): Stretch[] {
  const waiting = (waits: readonly Wait[]): Stretch[] =>
    waits.map(({ from, to, kind }) => ({
      from,
      to: to ?? endedAt,
      doing: kind === 'children' ? 'children' : 'locked',
    }));
  return [
    { from: build.submittedAt, to: build.startedAt, doing: 'asked' },
    ...build.steps.flatMap((step) => waiting(step.waits)),
    { from: build.startedAt, to: build.finishedAt ?? endedAt, doing: 'runs' },
  ];
}

/** Each cell shows what the build did for most of it; however short a build is, it is seen. */
function barOf(terminal: Terminal, course: Course, scale: Scale, build: CourseBuild): string {
  const stretches = stretchesOf(course, build);
  const cells = Array.from({ length: scale.cells }, (_, i) => doingIn(stretches, scale, i));
  const first = Math.min(scale.cells - 1, Math.floor((build.startedAt - scale.from) / scale.msPerCell));
  if (!cells.includes('runs')) cells[first] = 'runs';
  let bar = '';
  for (let i = 0; i < cells.length; ) {
    const doing = cells[i] ?? null;
    const end = cells.findIndex((other, j) => j > i && other !== doing);
    const length = (end === -1 ? cells.length : end) - i;
    bar += doing === null ? ' '.repeat(length) : paint(terminal, FORMATS[doing], GLYPHS[doing].repeat(length));
    i += length;
  }
  return bar;
}

function doingIn(stretches: readonly Stretch[], { from, msPerCell }: Scale, cell: number): Doing | null {
  const middle = from + (cell + 0.5) * msPerCell;
  return stretches.find((stretch) => stretch.from <= middle && middle < stretch.to)?.doing ?? null;
}
