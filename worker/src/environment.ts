import { Failure } from './failure.ts';

export type Environment = Readonly<Record<string, string>>;

/**
 * What a command gets of the worker's own environment. All else stays here, the worker's token first of all: a build
 * runs what people push.
 */
const PASSED_VARIABLES = [
  'PATH',
  'LD_LIBRARY_PATH',
  'PYTHONPATH',
  'MANPATH',
  'PERL5LIB',
  'PKG_CONFIG_PATH',
  'XDG_DATA_DIRS',
  'USER',
  'SHELL',
  'HOME',
  'PWD',
  'HOSTNAME',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
] as const;

/** The variable that names the command a process belongs to, as `<commandId>-<epoch>`. */
export const COMMAND_MARKER = 'ICEFALL_COMMAND';
/** The variable that names the journal store of the agent: two agents on a machine may run commands of one number. */
export const STORE_MARKER = 'ICEFALL_STORE';

/** The part of the worker's environment that commands see. */
export function passedEnvironment(own: Readonly<Record<string, string | undefined>>): Environment {
  const passed: Record<string, string> = {};
  for (const name of PASSED_VARIABLES) {
    const value = own[name];
    if (value !== undefined) passed[name] = value;
  }
  return passed;
}

/** `${NAME}` in the text becomes the worker's value, or nothing where it has none. */
function expand(text: string, worker: Environment): string {
  return text.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) =>
    Object.hasOwn(worker, name) ? (worker[name] ?? '') : '',
  );
}

interface CommandEnvironment {
  /** From {@link passedEnvironment}. */
  readonly worker: Environment;
  /** Merged over it; null deletes. */
  readonly overrides: Readonly<Record<string, string | null>>;
  readonly workdir: string;
  /** Set last, so that no command can take off its markers. */
  readonly markers: Environment;
}

/** The environment of a command's processes. Throws {@link Failure} `bad_environment`. */
export function commandEnvironment({ worker, overrides, workdir, markers }: CommandEnvironment): Environment {
  const merged: Record<string, string> = { ...worker };
  for (const [name, value] of Object.entries(overrides)) {
    if (name.includes('=') || name.includes('\0'))
      throw new Failure('bad_environment', `"${name}" cannot be the name of an environment variable`);
    if (value === null) {
      delete merged[name];
      continue;
    }
    if (value.includes('\0'))
      throw new Failure('bad_environment', `the value of the environment variable ${name} holds a NUL character`);
    merged[name] = expand(value, worker);
  }
  return { ...merged, PWD: workdir, ...markers };
}
