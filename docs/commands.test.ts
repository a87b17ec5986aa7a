import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '@icefall/master/cli/program';
import { fakeTerminal } from '@icefall/master/cli/testing/fake-terminal';
import { describe, expect, test } from 'vitest';
import { blockAfter, EXAMPLES } from './examples/blocks.ts';

const PAGE = readFileSync(join(import.meta.dirname, 'commands.md'), 'utf8');
/** What the page tells once for all of them, and what needs no telling. */
const COMMON = ['--help'];
const HELP = 'help';

async function output(...args: readonly string[]): Promise<string> {
  const terminal = fakeTerminal({ cwd: EXAMPLES, columns: 1000 });
  await run(args, terminal);
  return terminal.written.out;
}

/** Names of the commands in a help text, and below each that has some of its own. */
async function commandsBelow(...path: readonly string[]): Promise<string[]> {
  const help = await output(...path, '--help');
  if (!/^Usage: .*\[command\]/m.test(help)) return [];
  const names = [...help.matchAll(/^ {2}([a-z][a-z0-9-]*) /gm)].map(([, name = '']) => name);
  const lists = await Promise.all(
    names
      .filter((name) => name !== HELP)
      .map(async (name) => [[...path, name].join(' '), ...(await commandsBelow(...path, name))]),
  );
  return lists.flat();
}

const commands = await commandsBelow();

/** Command lines of `icefall` in a page: those of its blocks of shell, and those between backquotes. */
function linesOf(page: string): string[] {
  const blocks = [...page.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, block = '']) => block);
  const inline = [...page.replace(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  return [...blocks.flatMap((block) => block.split('\n')), ...inline]
    .flatMap((line) => line.replace(/(^| )#.*/, '').split(/&&|\||;/))
    .flatMap((line) => /(?:^|-- )\s*(icefall [a-z].*)$/.exec(line)?.[1] ?? []);
}

const PAGES = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.md') && name !== 'commands.md');

describe.each(PAGES)('%s', (name) => {
  test('has only commands that there are, with options that they take', async () => {
    const lines = linesOf(readFileSync(join(import.meta.dirname, name), 'utf8'));
    const wrong = await Promise.all(
      lines.map(async (line) => {
        const words = line.trim().split(/\s+/).slice(1).join(' ');
        const command = commands
          .filter((one) => `${words} `.startsWith(`${one} `))
          .sort((a, b) => b.length - a.length)[0];
        const isGroup = commands.some((one) => one.startsWith(`${command} `));
        if (command === undefined || (isGroup && /^ [^-]/.test(words.slice(command.length)))) return [line];
        const help = await output(...command.split(' '), '--help');
        const common = await output('--help');
        const options = line.match(/(?<= )--[a-z-]+/g) ?? [];
        return options.every((option) => `${help}${common}`.includes(`${option} `)) ? [] : [line];
      }),
    );
    expect(wrong.flat()).toEqual([]);
  });
});

describe('the page of the command line', () => {
  test.each(commands)('shows icefall %s', (command) => {
    expect(PAGE).toMatch(new RegExp(`icefall ${command}\\b|source <\\(icefall ${command}\\b`));
  });

  test.each(commands)('names every option of icefall %s', async (command) => {
    const help = await output(...command.split(' '), '--help');
    const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option = '']) => option);
    expect(options.filter((option) => !COMMON.includes(option) && !PAGE.includes(option))).toEqual([]);
  });

  test('shows only commands that there are', () => {
    const lines = PAGE.split('\n').filter((line) => /^icefall /.test(line));
    const unknown = lines.filter((line) => !commands.some((command) => line.startsWith(`icefall ${command}`)));
    expect(unknown).toEqual([]);
  });

  test('shows what simulate prints', async () => {
    const line = /^icefall (simulate small.*)$/m.exec(PAGE)?.[1] ?? '';
    // No master is asked how long steps take: nobody listens there.
    const terminal = fakeTerminal({ cwd: EXAMPLES, columns: 80, env: { ICEFALL_URL: 'http://127.0.0.1:1' } });
    expect(await run(line.split(' '), terminal)).toBe(0);
    expect(blockAfter(PAGE, line)).toBe(terminal.written.out);
  });
});
