import { pino } from 'pino';
import type { Logger } from '../../engine/ports.ts';
import { paint, printable } from '../output/text.ts';
import type { Format, Terminal } from '../terminal.ts';

/** Fields of a line that are shown in another way than `name=value`. */
const OWN = new Set(['level', 'time', 'msg', 'err', 'error']);
const LEVELS: Readonly<Record<number, { readonly word: string; readonly format: Format }>> = {
  30: { word: 'info ', format: 'green' },
  40: { word: 'warn ', format: 'yellow' },
  50: { word: 'error', format: 'red' },
};

interface LoggerOptions {
  /** One JSON object a line, for programs; else a line for people. */
  readonly json: boolean;
  readonly write: (text: string) => void;
  readonly colour: boolean;
}

/** The master's own log, through pino. */
export function createLogger({ json, write, colour }: LoggerOptions): Logger {
  const { err } = pino.stdSerializers;
  const destination = { write: json ? write : (line: string) => write(plainLine(line, { colour })) };
  return pino({ base: null, serializers: { err, error: err } }, destination);
}

/** `2026-03-01 12:00:00.000 info  message name=value`, and the stack of an error below it. */
function plainLine(json: string, terminal: Pick<Terminal, 'colour'>): string {
  const fields: Record<string, unknown> = JSON.parse(json);
  const level = LEVELS[Number(fields.level)] ?? { word: 'info ', format: 'green' as const };
  const time = new Date(Number(fields.time)).toISOString().replace('T', ' ').replace('Z', '');
  const pairs = Object.entries(fields)
    .filter(([name]) => !OWN.has(name))
    .map(([name, value]) => ` ${name}=${shownValue(value)}`)
    .join('');
  const head = `${paint(terminal, 'dim', time)} ${paint(terminal, level.format, level.word)} ${printable(String(fields.msg ?? ''))}`;
  return `${head}${paint(terminal, 'dim', pairs)}\n${stackOf(fields.err ?? fields.error)}`;
}

function shownValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return typeof value === 'string' && /[\s"=]/.test(text) ? JSON.stringify(text) : printable(text);
}

function stackOf(error: unknown): string {
  if (error === undefined || error === null) return '';
  const stack: unknown = typeof error === 'object' ? Reflect.get(error, 'stack') : error;
  return String(stack)
    .split('\n')
    .map((line) => `    ${printable(line)}\n`)
    .join('');
}
