import type { Json } from '@icefall/shared';
import {
  type Effect,
  type OptionChange,
  PLAN_PARTS,
  type Plan,
  type StepChange,
  type ThingChange,
} from '../../config/plan.ts';
import type { Format, Terminal } from '../terminal.ts';
import { counted, cut, paint, printable } from './text.ts';

const SIGNS = {
  added: { sign: '+', format: 'green' },
  removed: { sign: '-', format: 'red' },
  changed: { sign: '~', format: 'yellow' },
  moved: { sign: '~', format: 'yellow' },
} as const satisfies Record<string, { sign: string; format: Format }>;
const NOUNS = {
  builders: 'builder',
  schedulers: 'scheduler',
  workers: 'worker',
  locks: 'lock',
  changeSources: 'source of change',
} as const;
/** A value is told shortly: the program has it in full. */
const MOST_VALUE = 70;
/** What is told before the place where two long values begin to differ. */
const CONTEXT = 20;
const MOST_ELEMENTS = 8;

/** A plan for people: what is added (+), removed (-) and changed (~), then what that does to what is going on. */
export function planLines(terminal: Terminal, plan: Plan): string[] {
  const site = plan.site.length === 0 ? [] : [signed(terminal, 'changed', 'site'), ...optionLines(plan.site, '    ')];
  const things = PLAN_PARTS.flatMap((part) => plan[part].flatMap((one) => thingLines(terminal, NOUNS[part], one)));
  const effects = plan.effects.map((effect) => `  ${effectText(effect)}`);
  const isEmpty = site.length + things.length === 0;
  const note = 'functions are compared by their source text: what they close over is not seen, and neither are secrets';
  return [
    ...site,
    ...things,
    ...(effects.length === 0 ? [] : [paint(terminal, 'bold', 'what is going on:'), ...effects]),
    ...(isEmpty ? [] : [totalLine(plan)]),
    ...(plan.comparesFunctions ? [paint(terminal, 'dim', `(${note})`)] : []),
  ];
}

function signed(terminal: Terminal, change: keyof typeof SIGNS, text: string): string {
  const { sign, format } = SIGNS[change];
  return paint(terminal, format, `${sign} ${printable(text)}`);
}

function thingLines(terminal: Terminal, noun: string, { change, name, kind, options, steps }: ThingChange): string[] {
  const shown = kind === noun ? noun : kind.endsWith(noun) ? kind : `${noun} (${kind})`;
  return [
    signed(terminal, change, `${shown} ${name}`),
    ...optionLines(options, '    '),
    ...steps.flatMap((step) => stepLines(terminal, step)),
  ];
}

function stepLines(terminal: Terminal, step: StepChange): string[] {
  const what = `step ${step.name}${step.kind === step.name ? '' : ` (${step.kind})`}`;
  const head = `    ${signed(terminal, step.change, step.change === 'moved' ? `${what}: in another place` : what)}`;
  return [head, ...('options' in step ? optionLines(step.options, '        ') : [])];
}

function optionLines(options: readonly OptionChange[], indent: string): string[] {
  return options.map(({ option, before, after }) => `${indent}${printable(option)}: ${shownChange(before, after)}`);
}

function shownChange(before: Json | undefined, after: Json | undefined): string {
  const [old, fresh] = [before, after].map((value) => (value === undefined ? 'not set' : printable(inWords(value))));
  if (old === undefined || fresh === undefined) return '';
  if (!isLong(old) && !isLong(fresh)) return `${old} → ${fresh}`;
  if (Array.isArray(before) && Array.isArray(after)) return shownElements(before, after);
  const start = firstDifference(old, fresh);
  return `${around(old, start)} → ${around(fresh, start)}`;
}

const isLong = (text: string) => cut(text, MOST_VALUE) !== text;

/** Of long lists, what is in one of them alone. */
function shownElements(before: readonly Json[], after: readonly Json[]): string {
  const [old, fresh] = [before, after].map((list) => list.map((value) => printable(inWords(value))));
  const only = (sign: string, some: readonly string[] = [], others: readonly string[] = []) =>
    some.filter((text) => !others.includes(text)).map((text) => `${sign} ${cut(text, MOST_VALUE)}`);
  const differences = [...only('-', old, fresh), ...only('+', fresh, old)];
  const told = differences.slice(0, MOST_ELEMENTS).join(', ');
  if (differences.length === 0)
    return `the same ${counted(after.length, 'element')} in another order, or more than once`;
  return differences.length > MOST_ELEMENTS ? `${told} and ${differences.length - MOST_ELEMENTS} more` : told;
}

function firstDifference(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) if (a[i] !== b[i]) return i;
  return length;
}

/** The part of a long text from just before the place. */
function around(text: string, place: number): string {
  const start = Math.max(0, place - CONTEXT);
  return start === 0 ? cut(text, MOST_VALUE) : `…${cut(text.slice(start), MOST_VALUE)}`;
}

/** As the program writes it, more or less. */
function inWords(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(inWords).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value);
  const special = entries.find(([name]) => name.startsWith('$'));
  if (special?.[0] === '$hidden') return '(hidden)';
  if (special !== undefined) {
    const [functionText] = Array.isArray(Reflect.get(value, 'of')) ? Reflect.get(value, 'of') : [];
    const isComputed = special[1] === 'computed(...)' && functionText !== undefined;
    return isComputed ? `computed(${inWords(functionText)})` : String(special[1]);
  }
  return `{ ${entries.map(([name, part]) => `${name}: ${inWords(part)}`).join(', ')} }`;
}

function effectText(effect: Effect): string {
  switch (effect.kind) {
    case 'buildKeepsOld':
      return printable(`${effect.builder} #${effect.number} goes on with the configuration that it began with`);
    case 'requestsWithoutBuilder': {
      const { requestIds, builder } = effect;
      const which = `${counted(requestIds.length, 'request')} (${requestIds.join(', ')})`;
      return printable(
        `${which} of ${builder} would wait for a builder that is gone: cancel them, or keep the builder`,
      );
    }
    case 'lockAboveLimit':
      return printable(
        `lock ${effect.lock} is held ${effect.held} times, its limit would be ${effect.limit}: nobody is let in until it is free again`,
      );
    case 'workerLeaves': {
      const busy = effect.buildIds.length === 0 ? '' : ` when it has ended ${counted(effect.buildIds.length, 'build')}`;
      return printable(`worker ${effect.worker} is sent away${busy}`);
    }
  }
}

function totalLine(plan: Plan): string {
  const all = PLAN_PARTS.flatMap((part) => plan[part]);
  const count = (change: ThingChange['change']) => all.filter((one) => one.change === change).length;
  const changed = count('changed') + (plan.site.length > 0 ? 1 : 0);
  return `${count('added')} to add, ${changed} to change, ${count('removed')} to remove`;
}
