import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell, type Words } from '../completion-scripts.ts';
import type { CommandContext } from '../context.ts';
import { optionsOf } from '../usage-advice.ts';

export function addCompletion(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .description('print a completion script, for instance: source <(icefall completion bash)')
    .action((shell: Shell) => context.lines([completionScript(shell, wordsOf(program))]));
}

/** Every command with what can follow it. */
function wordsOf(program: Command): Words[] {
  const everywhere = optionsOf(program);
  const visit = (command: Command, path: readonly string[]): Words[] => [
    {
      path,
      commands: command.commands.map((sub) => ({ word: sub.name(), description: sub.description() })),
      options: path.length === 0 ? everywhere : [...optionsOf(command), ...everywhere],
      // The choices of an argument: `completion bash`.
      choices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    },
    ...command.commands.flatMap((sub) => visit(sub, [...path, sub.name()])),
  ];
  return visit(program, []);
}
