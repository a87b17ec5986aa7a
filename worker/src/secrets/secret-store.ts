import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command, SecretUse } from '@icefall/shared';
import { Scrubber } from '@icefall/shared/secrets/scrubber';
import { secretText } from '@icefall/shared/secrets/secret-text';
import type { Environment } from '../environment.ts';
import { Failure, systemWords } from '../failure.ts';

/** Values remembered for one build directory: more than any builder has; the oldest are forgotten. */
const MOST_VALUES = 100;
/** Build directories for which values are remembered; the oldest are forgotten. */
const MOST_DIRECTORIES = 1000;

/** What a command was given of secrets, in its hands until its end. */
export interface SecretHandover {
  readonly command: Command;
  /** To be added to what commands see of the worker's environment: never expanded, seen by `${NAME}`. */
  readonly environment: Environment;
  /** A directory of the command's own for what must not stay. */
  readonly directory: string;
  remove(): Promise<void>;
}

/**
 * The secrets of the commands of one agent: values in memory, files in a private directory. Values are remembered by
 * build directory for as long as the agent lives, since a later command of the build, or of the next one in the same
 * directory, may show what an earlier one left there.
 */
export class SecretStore {
  readonly #directory: string;
  readonly #values = new Map<string, readonly Buffer[]>();
  readonly #scrubbers = new Map<string, Scrubber>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Removes what an agent before this one left in the directory. */
  static async open(directory: string): Promise<SecretStore> {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new SecretStore(directory);
  }

  /** For the output of commands in a build directory; null where no secret has ever come near it. */
  scrubber(buildDirectory: string): Scrubber | null {
    const known = this.#scrubbers.get(buildDirectory);
    if (known !== undefined) return known;
    const values = this.#values.get(buildDirectory);
    if (values === undefined) return null;
    const scrubber = new Scrubber(values);
    this.#scrubbers.set(buildDirectory, scrubber);
    return scrubber;
  }

  /** Remembers the values (in base64) that a command of the build directory is given. */
  learn(buildDirectory: string, secrets: Readonly<Record<string, string>>): void {
    const before = this.#values.get(buildDirectory) ?? [];
    const given = Object.values(secrets).map((value) => Buffer.from(value, 'base64'));
    const added = given.filter((value) => !before.some((known) => known.equals(value)));
    if (added.length === 0) return;
    this.#values.delete(buildDirectory);
    this.#values.set(buildDirectory, [...before, ...added].slice(-MOST_VALUES));
    this.#scrubbers.delete(buildDirectory);
    const [oldest] = this.#values.keys();
    if (this.#values.size > MOST_DIRECTORIES && oldest !== undefined) {
      this.#values.delete(oldest);
      this.#scrubbers.delete(oldest);
    }
  }

  /** Puts values where the command wants them. Throws {@link Failure} `secret_missing`, `bad_secret`, `secret_unwritable`. */
  async handOver(command: Command, secrets: Readonly<Record<string, string>>): Promise<SecretHandover> {
    const directory = await mkdtemp(join(this.#directory, 'command-'));
    const remove = () => rm(directory, { recursive: true, force: true });
    try {
      return { ...(await place(command, secrets, directory)), directory, remove };
    } catch (error) {
      await remove();
      if (error instanceof Failure) throw error;
      throw new Failure('secret_unwritable', `cannot keep secrets in ${this.#directory}: ${systemWords(error)}`);
    }
  }
}

async function place(command: Command, secrets: Readonly<Record<string, string>>, directory: string) {
  const use: SecretUse = ('secrets' in command ? command.secrets : undefined) ?? { env: {}, files: {}, stdin: null };
  const environment: Record<string, string> = {};
  for (const [variable, name] of Object.entries(use.env)) environment[variable] = textOf(secrets, name);
  for (const [index, [variable, name]] of Object.entries(use.files).entries()) {
    const path = join(directory, `secret-${index}`);
    await writeFile(path, givenValue(secrets, name), { mode: 0o600, flag: 'wx' });
    environment[variable] = path;
  }
  const whole =
    command.kind === 'shell' && use.stdin !== null ? { ...command, stdin: textOf(secrets, use.stdin) } : command;
  return { command: whole, environment };
}

function givenValue(secrets: Readonly<Record<string, string>>, name: string): Buffer {
  const value = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
  if (value === undefined) throw new Failure('secret_missing', `the master sent no value for the secret "${name}"`);
  return Buffer.from(value, 'base64');
}

function textOf(secrets: Readonly<Record<string, string>>, name: string): string {
  const text = secretText(givenValue(secrets, name));
  if (text !== null) return text;
  throw new Failure('bad_secret', `the secret "${name}" is no text; it can only be handed over as a file`);
}
