import type { Command } from 'commander';
import { ApiClient, DEFAULT_URL } from './client/api-client.ts';
import type { ClientLimits } from './client/limits.ts';
import { tokenFor } from './client/token.ts';
import { usageError } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The master that `--url` or ICEFALL_URL names; shown is what says who runs the command, or another token. */
  client(options?: { readonly token: string | null }): ApiClient;
  /** Whether the answer is wanted as JSON. */
  wantsJson(): boolean;
  /** Address of the master that is meant. */
  url(): string;
  /** Prints an answer: as it came for programs, else the lines. */
  print(json: unknown, lines: () => readonly string[]): void;
  /** Prints lines on standard output. */
  lines(lines: readonly string[]): void;
}

export function contextOf(program: Command, terminal: Terminal, limits: ClientLimits): CommandContext {
  const options = () => program.opts<{ url?: string; json?: boolean; tokenFile?: string }>();
  const url = () => options().url ?? (terminal.env.ICEFALL_URL || DEFAULT_URL);
  const lines = (list: readonly string[]) => {
    if (list.length > 0) terminal.out(`${list.join('\n')}\n`);
  };
  return {
    terminal,
    url,
    client: (given) => {
      const token = given === undefined ? tokenFor(terminal, url(), options().tokenFile) : given.token;
      return new ApiClient({ url: url(), limits, token, signal: terminal.signal });
    },
    wantsJson: () => options().json === true,
    print: (json, inWords) => lines(options().json === true ? [JSON.stringify(json, null, 2)] : inWords()),
    lines,
  };
}

/** Adds one more value of an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** A parser for an option that is a whole number. */
export function wholeNumber(name: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw usageError(`${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
  };
}

/** The same for one that may be below zero. */
export function integer(name: string): (text: string) => number {
  return (text) => {
    if (/^-?\d{1,15}$/.test(text)) return Number(text);
    throw usageError(`${name} must be a whole number, not ${JSON.stringify(text)}`);
  };
}

/** Splits `name=value`. */
export function namedValue(option: string, text: string): [name: string, value: string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw usageError(`${option} takes name=value, not ${JSON.stringify(text)}`);
}
