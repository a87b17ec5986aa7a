import { formatDuration } from '@icefall/shared';
import { writeHeader } from '../processes/output.ts';
import type { CommandContext, CommandEnd } from './context.ts';

/** Words that a shell takes as they are. */
const PLAIN_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A command line as one would type it into a shell. */
export function commandLine(argv: readonly string[]): string {
  return argv.map((word) => (PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

interface LimitsInWords {
  readonly idleTimeoutMs?: number | null;
  readonly maxTimeMs?: number | null;
  readonly maxLines?: number | null;
}

function limitWords({ idleTimeoutMs, maxTimeMs, maxLines }: LimitsInWords): string {
  const words = [
    idleTimeoutMs == null ? null : `${formatDuration(idleTimeoutMs)} without output`,
    maxTimeMs == null ? null : `${formatDuration(maxTimeMs)} in all`,
    maxLines == null ? null : `${maxLines} lines`,
  ].filter((word) => word !== null);
  return words.length === 0 ? 'none' : words.join(', ');
}

/** The head of a command's log. The environment is not shown: it may hold secrets. */
export function reportBeginning(
  context: Pick<CommandContext, 'output'>,
  { line, directory, limits }: { readonly line: string; readonly directory: string; readonly limits?: LimitsInWords },
): void {
  const where = `in ${directory}`;
  writeHeader(
    context.output,
    limits === undefined ? `${line}\n${where}` : `${line}\n${where}, limits: ${limitWords(limits)}`,
  );
}

/** The last line of a command's log. */
export function reportEnd(context: Pick<CommandContext, 'output'>, end: CommandEnd, tookMs: number): void {
  writeHeader(context.output, `${endWords(end)}, took ${formatDuration(tookMs)}`);
}

function endWords(end: CommandEnd): string {
  const error = end.error === null ? '' : `${end.error.message}: `;
  if (end.reason === 'refused') return `${error}not started`;
  if (end.signal !== null) return `${error}ended by ${end.signal}`;
  if (end.exitCode !== null) return `${error}exit code ${end.exitCode}`;
  return `${error}no exit code`;
}
