import { systemCode, systemWords } from '../failure.ts';

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

interface Wanted {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Says why a process could not be started, from what `spawn` threw or told. */
export function refusalOf(error: unknown, { argv, cwd, env }: Wanted): Refusal {
  const [program] = argv;
  if (program === '') return { code: 'bad_arguments', message: 'the command names no program' };
  switch (systemCode(error)) {
    case 'ENOENT':
      return { code: 'program_not_found', message: notFound(program, cwd, env) };
    case 'EACCES':
      return {
        code: 'program_not_executable',
        message: `the program "${program}" may not be executed: permission denied; is it executable for the worker's user?`,
      };
    case 'ERR_INVALID_ARG_VALUE':
      return { code: 'bad_arguments', message: `the arguments of "${program}" hold a NUL character` };
    default:
      return { code: 'spawn_failed', message: `the program "${program}" could not be started: ${systemWords(error)}` };
  }
}

function notFound(program: string, cwd: string, env: Readonly<Record<string, string>>): string {
  const interpreter = ', or the interpreter that its first line names is missing';
  if (program.includes('/')) return `there is no program "${program}" (from the directory ${cwd})${interpreter}`;
  const path = env.PATH === undefined ? 'PATH is not set' : `PATH is ${env.PATH}`;
  return `there is no program "${program}" on this worker${interpreter}; ${path}`;
}
