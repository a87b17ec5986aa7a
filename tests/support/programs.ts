import { resolve } from 'node:path';

const PROJECT = resolve(import.meta.dirname, '..', '..');

/** What people start, as they start it: with this Node. */
export const PROGRAMS = {
  icefall: [process.execPath, resolve(PROJECT, 'master/src/cli/main.ts')],
  worker: [process.execPath, resolve(PROJECT, 'worker/src/main.ts')],
  stratum0: [process.execPath, resolve(PROJECT, 'worker/src/stratum0/main.ts')],
  /** `npm start`. */
  embedded: [process.execPath, resolve(PROJECT, 'config/embedded/start.ts')],
} as const;
