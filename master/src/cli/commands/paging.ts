import type { Command } from 'commander';
import { type CommandContext, wholeNumber } from '../context.ts';

/** Where a list begins, newest first, and how much of it is wanted. */
export interface Paging {
  readonly before?: number;
  readonly limit: number;
}

/** Adds the options of {@link Paging}; `most` is what the master gives at once. */
export function withPaging(command: Command, limits: { readonly usual: number; readonly most: number }): Command {
  return command
    .option('--before <id>', 'only older ones than this', wholeNumber('--before', 1, Number.MAX_SAFE_INTEGER))
    .option('--limit <n>', 'at most so many', wholeNumber('--limit', 1, limits.most), limits.usual);
}

/** Tells people that there are more than was shown, and how to see them; `next` as the API gives it. */
export function tellOlder(context: CommandContext, next: number | null | undefined): void {
  if (next != null && !context.wantsJson())
    context.terminal.err(`icefall: there are older ones: the same with --before ${next}\n`);
}
