import type { Command, CommandOutcome } from '@icefall/shared';
import { uniqueNames } from '../builds/plans.ts';
import { type Duration, parseDuration } from '../config/durations.ts';
import type { SiteDeclaration } from '../config/site.ts';
import { SimulationError } from './errors.ts';
import type { Work } from './simulated-command.ts';

/** How long a command takes of which nothing is known. */
const USUAL_COMMAND_MS = 60_000;
/** And what only touches a directory or a file. */
const USUAL_FILE_WORK_MS = 1000;
const LONG: readonly Command['kind'][] = ['shell', 'git', 'upload', 'download'];
/** What Git says it has checked out where no revision was asked for. */
const TIP = '0123456789abcdef0123456789abcdef01234567';

/** A step of a builder. */
export interface StepPlace {
  readonly builder: string;
  readonly step: string;
}

export interface StepWorkOptions {
  /** How long steps take, by `step` or `builder/step`; the latter wins. Default: a minute for commands. */
  readonly durations?: Readonly<Record<string, Duration>>;
  /** Steps that fail, by `step` or `builder/step`. */
  readonly fail?: readonly string[];
  /** What a command does, for those that the other options say nothing of: its time, exit code, values. */
  readonly work?: (command: Command, place: StepPlace) => Partial<Work> | undefined;
}

/** What commands do in a simulation. Throws {@link SimulationError} for a step that the site does not have. */
export function stepWork(site: SiteDeclaration, options: StepWorkOptions): (command: Command, label: string) => Work {
  const known = stepNames(site);
  const durations = new Map(
    Object.entries(options.durations ?? {}).map(([name, text]) => [known(name), durationOf(name, text)]),
  );
  const failing = new Set((options.fail ?? []).map(known));
  return (command, label) => {
    const place = placeOf(label);
    const full = `${place.builder}/${place.step}`;
    const given = options.work?.(command, place) ?? {};
    const values = { ...valuesOf(command), ...given.values };
    const durationMs = durations.get(full) ?? durations.get(place.step) ?? given.durationMs ?? usualMs(command);
    const fails = failing.has(full) || failing.has(place.step);
    return { ...given, durationMs, values, exitCode: fails ? 1 : (given.exitCode ?? 0) };
  };
}

function durationOf(name: string, text: Duration): number {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  throw new SimulationError(
    `the duration of ${name} is ${JSON.stringify(text)}; it must be such as '20s', '15m', '4h'`,
  );
}

/** `builder #number, step`; a builder's name has no space in it. */
function placeOf(label: string): StepPlace {
  const [, builder = '', step = ''] = /^(\S+) #\d+, (.*)$/s.exec(label) ?? [];
  return { builder, step };
}

/** Checks a name of a step. Steps that others add while they run are not known beforehand. */
function stepNames(site: SiteDeclaration): (name: string) => string {
  const steps = site.builders.map(({ name, factory }) => ({ name, steps: uniqueNames(factory.steps), factory }));
  const all = new Set(steps.flatMap((one) => one.steps));
  const full = new Set(steps.flatMap((one) => one.steps.map((step) => `${one.name}/${step}`)));
  const mayAdd = steps.some(({ factory }) => factory.steps.some(({ kind }) => kind === 'addSteps'));
  return (name) => {
    if (all.has(name) || full.has(name) || mayAdd) return name;
    const of = steps.find((one) => name.startsWith(`${one.name}/`));
    const [where, there] = of === undefined ? ['no builder has a', [...all]] : [`builder ${of.name} has no`, of.steps];
    const step = of === undefined ? name : name.slice(of.name.length + 1);
    throw new SimulationError(`${where} step ${JSON.stringify(step)}; there is ${choices(there)}`);
  };
}

/** Names that could have been meant. */
export function choices(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

function usualMs(command: Command): number {
  return LONG.includes(command.kind) ? USUAL_COMMAND_MS : USUAL_FILE_WORK_MS;
}

/** What a step of its kind needs of a command that went well. */
function valuesOf(command: Command): CommandOutcome['values'] {
  switch (command.kind) {
    case 'git':
      return { revision: command.revision ?? TIP };
    case 'stat':
      return { exists: true, type: 'file', sizeBytes: 0, mode: 0o644 };
    case 'glob':
      return { paths: [] };
    case 'readFile':
      return { text: '' };
    default:
      return { stdout: '', stderr: '' };
  }
}
