import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { type ClientLimits, LIMITS } from './client/limits.ts';
import { addAudit } from './commands/audit.ts';
import { addBackup, addRestore } from './commands/backup.ts';
import { addBuildActions } from './commands/build-actions.ts';
import { addBuilders } from './commands/builders.ts';
import { addBuilds } from './commands/builds.ts';
import { addCheck } from './commands/check.ts';
import { addCompletion } from './commands/completion.ts';
import { addDeliveries } from './commands/deliveries.ts';
import { addForce } from './commands/force.ts';
import { addHook } from './commands/hook.ts';
import { addInit } from './commands/init.ts';
import { addLocks } from './commands/locks.ts';
import { addLog } from './commands/log.ts';
import { addLogin } from './commands/login.ts';
import { addPlan } from './commands/plan.ts';
import { addPlatform } from './commands/platform.ts';
import { addProjects } from './commands/projects.ts';
import { addQueue } from './commands/queue.ts';
import { addReload } from './commands/reload.ts';
import { addImages, addK8s } from './commands/render.ts';
import { addReporters, addReports } from './commands/reporters.ts';
import { addSchedulers } from './commands/schedulers.ts';
import { addSendChange } from './commands/sendchange.ts';
import { addSimulate } from './commands/simulate.ts';
import { addStart } from './commands/start.ts';
import { addStatus } from './commands/status.ts';
import { addStop } from './commands/stop.ts';
import { addTokens } from './commands/tokens.ts';
import { addUsers } from './commands/users.ts';
import { addVerify } from './commands/verify.ts';
import { addWorkers } from './commands/workers.ts';
import { contextOf } from './context.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';
import type { Terminal } from './terminal.ts';
import { adviceOn } from './usage-advice.ts';

const GROUPS = [
  { title: 'A site and its master:', add: [addInit, addCheck, addPlan, addSimulate, addStart, addStop, addReload] },
  { title: "A master's state:", add: [addBackup, addRestore, addVerify] },
  {
    title: 'What happens:',
    add: [
      ...[addStatus, addBuilders, addQueue, addBuilds, addLog, addLocks, addSchedulers, addWorkers, addProjects],
      ...[addDeliveries, addReporters, addReports],
    ],
  },
  { title: 'What to do:', add: [addForce, addBuildActions, addSendChange, addHook] },
  { title: 'Who may do it:', add: [addLogin, addTokens, addUsers, addAudit] },
  { title: 'Platforms, images, cluster:', add: [addPlatform, addImages, addK8s] },
  { title: 'This command:', add: [addCompletion] },
] as const;

const CODES = `
Exit codes: 0 all is well; 1 what was asked for failed (a build that is not green, mistakes in a configuration);
2 the command line is wrong; 3 no master answers; 4 the master's database cannot be used.`;

/** Runs one command line. Gives the exit code; messages are written. */
export async function run(
  args: readonly string[],
  terminal: Terminal,
  limits: ClientLimits = LIMITS,
): Promise<ExitCode> {
  const program = programOf(terminal, limits);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    // Help and version end this way, too.
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok;
      // Without any command it was the whole help.
      if (error.code !== 'commander.help') terminal.err(adviceOn(error, program, args));
      return EXIT.usage;
    }
    if (!(error instanceof CliError) && !isSystemError(error)) throw error;
    terminal.err(`icefall: ${error.message}\n`);
    return error instanceof CliError ? error.exitCode : EXIT.failed;
  }
}

/** What the operating system refused: its message names the file and the reason. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}

function programOf(terminal: Terminal, limits: ClientLimits): Command {
  const program = new Command('icefall')
    .description('drives an Icefall build master')
    .version(versionOf(), '--version')
    .option('--url <url>', 'address of the master (or ICEFALL_URL; default http://127.0.0.1:8010)')
    .option('--token-file <file>', 'a token to show (or ICEFALL_TOKEN, or what icefall login has stored)')
    .option('--json', "print the API's JSON, for programs")
    .helpOption('-h, --help', 'what a command does, and its options')
    .addHelpCommand(helpCommand())
    .addHelpText('after', CODES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      getOutHelpWidth: () => terminal.columns ?? 100,
      getErrHelpWidth: () => terminal.columns ?? 100,
      outputError: (text, write) => write(text.replace(/^error: /, 'icefall: ')),
    });
  const context = contextOf(program, terminal, limits);
  for (const { title, add } of GROUPS) {
    program.commandsGroup(title);
    for (const addCommand of add) addCommand(program, context);
  }
  return program;
}

function helpCommand(): Command {
  return new Command('help').argument('[command]').description('the same for a command').helpGroup('This command:');
}

function versionOf(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version }: { version: string } = JSON.parse(text);
  return version;
}
