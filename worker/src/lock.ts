import { link, mkdir, open, readFile, rename, rm, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';
import { Failure, systemCode } from './failure.ts';
import { bootId, processFacts } from './processes/proc.ts';

const holderSchema = z.object({
  pid: z.number().int().positive(),
  startTicks: z.number().int().nonnegative(),
  bootId: z.string(),
  hostname: z.string(),
});
type Holder = z.infer<typeof holderSchema>;

/** A lock that changes hands this often while it is asked for is not worth waiting for. */
const MAX_TRIES = 5;

/** The hold of one agent on its directory. */
interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the directory for this process. The lock of an agent that is dead is taken over. Throws {@link Failure}
 * `directory_in_use` where the agent lives.
 */
export async function lockDirectory(path: string): Promise<DirectoryLock> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const own = ownHolder();
  const mine = `${path}.${own.pid}.${own.startTicks}`;
  const file = await open(mine, 'w', 0o600);
  await file.writeFile(JSON.stringify(own));
  await file.close();
  try {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      // A link is made whole or not at all, and only where there is nothing.
      if (await linked(mine, path)) return { release: () => release(path, own) };
      const holder = await readHolder(path);
      if (holder !== null && lives(holder))
        throw new Failure(
          'directory_in_use',
          `another agent (process ${holder.pid}) works in ${dirname(dirname(path))}; give each agent a --dir of its own`,
        );
      await takeAway(path, holder);
    }
    throw new Failure('directory_in_use', `the lock ${path} changes hands all the time; is another agent starting?`);
  } finally {
    await unlink(mine);
  }
}

function ownHolder(): Holder {
  const startTicks = processFacts(process.pid)?.startTicks ?? 0;
  return { pid: process.pid, startTicks, bootId: bootId(), hostname: hostname() };
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Null where there is none any more, or nobody can tell whose it is. */
async function readHolder(path: string): Promise<Holder | null> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

/** Whether the very process still lives: not another of its number, and not one before the machine booted. */
function lives(holder: Holder): boolean {
  if (holder.bootId !== bootId()) return false;
  const facts = processFacts(holder.pid);
  return facts !== null && !facts.dead && facts.startTicks === holder.startTicks;
}

/** Takes a dead agent's lock away; where another agent was quicker, what was taken is its new lock, and goes back. */
async function takeAway(path: string, dead: Holder | null): Promise<void> {
  const aside = `${path}.${process.pid}.dead`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  const taken = await readHolder(aside);
  if (taken !== null && !sameHolder(taken, dead)) await linked(aside, path);
  await rm(aside, { force: true });
}

function sameHolder(a: Holder, b: Holder | null): boolean {
  return b !== null && a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId;
}

async function release(path: string, own: Holder): Promise<void> {
  const holder = await readHolder(path);
  if (holder !== null && sameHolder(holder, own)) await rm(path, { force: true });
}
