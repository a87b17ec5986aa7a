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
  return options.map(({ option, before, after }) => {
    const [old, fresh] = [shownValue(before), shownValue(after)];
    // What differs lies behind the cut.
    const isAlike = old === fresh;
    return `${indent}${printable(option)}: ${isAlike ? `${old} (changed further on)` : `${old} → ${fresh}`}`;
  });
}

function shownValue(value: Json | undefined): string {
  return value === undefined ? 'not set' : cut(printable(inWords(value)), MOST_VALUE);
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
