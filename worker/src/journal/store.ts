import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandOutcome } from '@icefall/shared';
import { systemCode } from '../failure.ts';
import { CommandEntry, type CommandMeta, type ProcessLeader, REMOVED_SUFFIX } from './entry.ts';
import { SegmentFiles } from './segments.ts';

/** A command that an agent before this one left. */
export interface LeftCommand {
  readonly meta: CommandMeta;
  readonly entry: CommandEntry;
  readonly segments: SegmentFiles;
  readonly leader: ProcessLeader | null;
  /** Null: it ran when the agent died. */
  readonly outcome: CommandOutcome | null;
}

const STORE_ID_FILE = 'store-id';
const ENTRY_NAME = /^(\d+)-(\d+)$/;

export function entryName(commandId: number, epoch: number): string {
  return `${commandId}-${epoch}`;
}

/** The journals of all commands of this agent, a directory each, below `<base>/.icefall/journal`. */
export class JournalStore {
  readonly directory: string;
  /** Made with the directory: a worker that lost its disk has another one. */
  readonly id: string;

  private constructor(directory: string, id: string) {
    this.directory = directory;
    this.id = id;
  }

  static async open(directory: string): Promise<JournalStore> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new JournalStore(directory, await storeId(directory));
  }

  /** Makes the directory of a new command. The caller may spawn once this has resolved. */
  async create(meta: CommandMeta): Promise<{ entry: CommandEntry; segments: SegmentFiles }> {
    const entry = new CommandEntry(join(this.directory, entryName(meta.commandId, meta.epoch)));
    mkdirSync(entry.directory, { mode: 0o700 });
    await entry.writeMeta(meta);
    return { entry, segments: new SegmentFiles(entry.directory) };
  }

  /** What is on the disk. Directories that are no command's (any more) are removed. */
  async scan(): Promise<LeftCommand[]> {
    const left: LeftCommand[] = [];
    for (const name of await readdir(this.directory)) {
      if (name.endsWith(REMOVED_SUFFIX)) await rm(join(this.directory, name), { recursive: true, force: true });
      if (!ENTRY_NAME.test(name)) continue;
      const entry = new CommandEntry(join(this.directory, name));
      const meta = await entry.readMeta();
      if (meta === null) await entry.remove();
      else
        left.push({
          meta,
          entry,
          segments: await SegmentFiles.recover(entry.directory),
          leader: await entry.readLeader(),
          outcome: await entry.readOutcome(),
        });
    }
    return left;
  }
}

async function storeId(directory: string): Promise<string> {
  const path = join(directory, STORE_ID_FILE);
  try {
    const id = (await readFile(path, 'utf8')).trim();
    if (id !== '') return id;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  const id = randomUUID();
  await writeFile(`${path}.new`, `${id}\n`);
  await rename(`${path}.new`, path);
  return id;
}
