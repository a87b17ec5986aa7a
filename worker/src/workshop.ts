import type { Command } from '@icefall/shared';
import type { Clock, Random } from './clock.ts';
import type { TransferTarget } from './commands/context.ts';
import { COMMAND_MARKER, type Environment, STORE_MARKER } from './environment.ts';
import { entryName, type JournalStore } from './journal/store.ts';
import type { Logger } from './logger.ts';
import type { PipePool } from './processes/pipes.ts';
import type { SecretStore } from './secrets/secret-store.ts';

/** What every command of an agent shares. */
export interface Workshop {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly store: JournalStore;
  readonly pipes: PipePool;
  readonly secrets: SecretStore;
  readonly baseDirectory: string;
  readonly workerEnvironment: Environment;
  readonly transfers: TransferTarget;
  readonly journalLimitBytes: number;
}

/** What the master asks to be run. */
export interface Order {
  readonly commandId: number;
  readonly epoch: number;
  readonly buildDirectory: string;
  readonly label: string;
  readonly command: Command;
  /** By name, in base64. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
}

/** The variables by which the processes of a command are found. */
export function markersOf(storeId: string, commandId: number, epoch: number): Environment {
  return { [COMMAND_MARKER]: entryName(commandId, epoch), [STORE_MARKER]: storeId };
}
