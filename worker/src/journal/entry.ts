import { renameSync, writeFileSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandOutcome, commandOutcomeSchema } from '@icefall/shared';
import { z } from 'zod';
import { systemCode } from '../failure.ts';

/**
 * What is kept of the master's order, written before anything is started. Not the command itself: its environment and
 * its standard input may hold secrets, and an agent that starts again does not run it again.
 */
const metaSchema = z.object({
  commandId: z.number().int().positive(),
  epoch: z.number().int().positive(),
  kind: z.string(),
  label: z.string(),
  buildDirectory: z.string(),
  /** Milliseconds since the epoch. */
  acceptedAt: z.number(),
});
export type CommandMeta = z.infer<typeof metaSchema>;

/** The leader of the process group that runs, with what tells it from a later process of the same number. */
const leaderSchema = z.object({
  pid: z.number().int().positive(),
  /** In clock ticks since the machine booted, from /proc/PID/stat. */
  startTicks: z.number().int().nonnegative(),
  bootId: z.string(),
});
export type ProcessLeader = z.infer<typeof leaderSchema>;

const META = 'meta.json';
const LEADER = 'process.json';
const EXIT = 'exit.json';

/** The small files of one command's journal directory. Each is written whole or not at all. */
export class CommandEntry {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  writeMeta(meta: CommandMeta): Promise<void> {
    return this.#write(META, meta);
  }

  /** Null where an agent died before it was written: nothing was started then. */
  readMeta(): Promise<CommandMeta | null> {
    return this.#read(META, metaSchema);
  }

  writeLeader(leader: ProcessLeader): Promise<void> {
    return this.#write(LEADER, leader);
  }

  readLeader(): Promise<ProcessLeader | null> {
    return this.#read(LEADER, leaderSchema);
  }

  writeOutcome(outcome: CommandOutcome): Promise<void> {
    return this.#write(EXIT, outcome);
  }

  /** Null where the command had not ended. */
  readOutcome(): Promise<CommandOutcome | null> {
    return this.#read(EXIT, commandOutcomeSchema);
  }

  /** Takes the directory away; one that is half removed is never taken for a command's. */
  async remove(): Promise<void> {
    const removed = `${this.directory}${REMOVED_SUFFIX}`;
    await rename(this.directory, removed);
    await rm(removed, { recursive: true, force: true });
  }

  /**
   * Without a change of thread: a few system calls, none of which waits for the disk, take a twentieth of the time that
   * it takes to start a process. As promises they would take longer than that.
   */
  async #write(name: string, value: object): Promise<void> {
    const path = join(this.directory, name);
    writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  async #read<T>(name: string, schema: z.ZodType<T>): Promise<T | null> {
    try {
      return parseOrNull(schema, await readFile(join(this.directory, name), 'utf8'));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    }
  }
}

/** A journal directory that is being removed ends in this. */
export const REMOVED_SUFFIX = '.removed';

/** A file that a loss of power left empty or cut is as good as none. */
function parseOrNull<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
