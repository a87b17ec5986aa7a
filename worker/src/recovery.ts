import type { Clock } from './clock.ts';
import { STORE_MARKER } from './environment.ts';
import { type CommandEvents, HeldCommand } from './held-command.ts';
import type { JournalStore, LeftCommand } from './journal/store.ts';
import type { Logger } from './logger.ts';
import { findProcesses } from './processes/proc.ts';
import { ProcessTree } from './processes/tree.ts';
import { markersOf, type Workshop } from './workshop.ts';

/** What runs without an agent is told to end, and has this long. */
const ORPHAN_GRACE_MS = 2000;

/** What an agent before this one left: processes are ended, commands are taken over. */
export async function recoverCommands(workshop: Workshop, events: CommandEvents): Promise<HeldCommand[]> {
  const { store, clock, logger } = workshop;
  const left = await store.scan();
  await Promise.all([
    ...left.filter(({ outcome }) => outcome === null).map((command) => endLeftovers(command, store, clock, logger)),
    endStrays(store, clock, logger),
  ]);
  return await Promise.all(
    newestOfEach(left).map(async ({ command, older }) => {
      for (const { entry } of older) await entry.remove();
      const held = HeldCommand.recover(command, workshop, events);
      await held.ended;
      return held;
    }),
  );
}

async function endLeftovers(left: LeftCommand, store: JournalStore, clock: Clock, logger: Logger): Promise<void> {
  const { commandId, epoch } = left.meta;
  const tree = ProcessTree.ofLeftovers(clock, left.leader, markersOf(store.id, commandId, epoch));
  await endTree(tree, logger, `${commandId}-${epoch}`);
}

/** Processes of commands whose journal is gone already: an agent that died while it forgot them. */
async function endStrays(store: JournalStore, clock: Clock, logger: Logger): Promise<void> {
  await endTree(ProcessTree.ofLeftovers(clock, null, { [STORE_MARKER]: store.id }), logger, null);
}

async function endTree(tree: ProcessTree, logger: Logger, command: string | null): Promise<void> {
  const living = tree.living();
  if (living.length === 0) return;
  const facts = { command, processes: living.map(({ name, pid }) => `${name}(${pid})`).join(',') };
  logger.warn('ending what a dead agent left running', facts);
  const survivors = await tree.end(ORPHAN_GRACE_MS);
  if (survivors.length > 0) logger.error('some of it cannot be killed', facts);
}

interface Attempts {
  readonly command: LeftCommand;
  readonly older: readonly LeftCommand[];
}

/** Of two attempts of one command the older was on its way out when the agent died. */
function newestOfEach(left: readonly LeftCommand[]): Attempts[] {
  const byId = Map.groupBy(left, ({ meta }) => meta.commandId);
  return [...byId.values()].flatMap((attempts) => {
    const [command, ...older] = attempts.toSorted((a, b) => b.meta.epoch - a.meta.epoch);
    return command === undefined ? [] : [{ command, older }];
  });
}

/** Kills everything that any command of this agent started, at once and without waiting. */
export function killEverything(storeId: string): void {
  // Again, for those that were born meanwhile.
  for (let round = 0; round < 3; round += 1) {
    const found = findProcesses({ group: null, markers: { [STORE_MARKER]: storeId }, notBeforeTicks: 0 });
    for (const { pid } of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself, or is somebody else's by now.
      }
    }
    if (found.length === 0) return;
  }
}
