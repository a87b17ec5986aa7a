import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CliError, EXIT } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { Logins } from './logins.ts';

/** What a command shows of who runs it: `--token-file`, ICEFALL_TOKEN, or what `icefall login` has stored; or nothing. */
export function tokenFor(terminal: Terminal, url: string, file: string | undefined): string | null {
  if (file !== undefined) return tokenIn(resolve(terminal.cwd, file));
  const given = terminal.env.ICEFALL_TOKEN?.trim();
  if (given !== undefined && given !== '') return given;
  return new Logins(terminal).of(url)?.token ?? null;
}

function tokenIn(file: string): string {
  const text = textIn(file).trim();
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new CliError(EXIT.usage, `${file} holds no token: one line of visible characters`);
}

function textIn(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(EXIT.usage, `--token-file cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}
