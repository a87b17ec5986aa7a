import type { CommandContext } from '../context.ts';

/** Who acts, for the master's audit log. */
export function owner({ terminal }: CommandContext): { readonly owner?: string } {
  return terminal.user === null ? {} : { owner: terminal.user };
}
