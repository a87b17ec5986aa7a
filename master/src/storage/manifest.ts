import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

export const MANIFEST_FILE = 'backup.json';
/** Of the layout of a backup: a database, a folder of logs, and this file, which is written last. */
export const FORMAT = 1;

const manifestSchema = z.object({
  format: z.literal(FORMAT),
  schema: z.number().int(),
  /** When the database was as it is in the backup, milliseconds since the epoch. */
  takenAt: z.number(),
  /** Newest event in it. */
  seq: z.number().int(),
  builds: z.number().int(),
  logFiles: z.number().int(),
  bytes: z.number(),
  /** Log files that were not there to be backed up. */
  missing: z.array(z.string()),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** Something keeps a backup from being made or put back. */
export class BackupError extends Error {
  readonly code = 'backup';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackupError';
  }
}

/** What a backup says of itself. Throws {@link BackupError} for a folder that is none. */
export function readManifest(backup: string): Manifest {
  const path = join(backup, MANIFEST_FILE);
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const isMissing = error instanceof Error && Reflect.get(error, 'code') === 'ENOENT';
    if (isMissing)
      throw new BackupError(`${backup} is no backup: there is no ${path}; give the folder that icefall backup made`);
    const why = error instanceof Error ? error.message : String(error);
    throw new BackupError(`${backup} is no whole backup: ${path}: ${why}`, { cause: error });
  }
}
