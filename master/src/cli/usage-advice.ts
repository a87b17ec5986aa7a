import type { Command, CommanderError } from 'commander';

/** The options of a command that its help tells of. */
export function optionsOf(command: Command): { readonly word: string; readonly description: string }[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap((option) => (option.long ? [{ word: option.long, description: option.description }] : []));
}

/** What is added to commander's word of a mistake in the command line: the names that there are, and which help tells more. */
export function adviceOn(error: CommanderError, program: Command, args: readonly string[]): string {
  const path = pathTo(program, args);
  const command = path.at(-1) ?? program;
  const called = [program, ...path].map((part) => part.name()).join(' ');
  return [...namesFor(error, command, program), `(${called} --help tells more)`, ''].join('\n');
}

/** The commands that a command line names, outermost first: it may go wrong with any word behind them. */
function pathTo(program: Command, args: readonly string[]): Command[] {
  const path: Command[] = [];
  for (const arg of args) {
    const sub = (path.at(-1) ?? program).commands.find((command) => command.name() === arg);
    if (sub !== undefined) path.push(sub);
  }
  return path;
}

function namesFor({ code, message }: CommanderError, command: Command, program: Command): string[] {
  // What is near by is named already.
  if (message.includes('Did you mean')) return [];
  const commands = command.commands.map((sub) => sub.name());
  const listed = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${what}: ${names.join(', ')}`];
  if (code === 'commander.unknownCommand') return listed('commands', commands);
  if (code !== 'commander.unknownOption') return [];
  const options = [...new Set([command, program].flatMap(optionsOf).map(({ word }) => word))];
  return [...listed('options', options), ...listed('commands, which have more', command === program ? [] : commands)];
}
