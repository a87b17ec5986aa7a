import { spawn } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { LOAD_LIMIT_MS, siteFile } from './loader.ts';
import { ConfigError } from './problems.ts';
import type { SiteSummary } from './site-summary.ts';

const PROGRAM = fileURLToPath(new URL('./trial-process.ts', import.meta.url));
/** Enough for the declarations of thousands of projects; a program that needs more does not take the master's memory. */
const HEAP_MIB = 2048;

interface TrialOptions {
  /** Whether what the program prints is shown, on standard error. */
  readonly prints: boolean;
  /** Milliseconds after which it is given up; default a minute. */
  readonly limitMs?: number;
}

const names = z.array(z.string());
const place = z.object({ file: z.string(), line: z.number() }).nullable();
const outcomeSchema = z.union([
  z.object({
    summary: z.object({
      title: z.string(),
      timeZone: z.string(),
      ...{ builders: names, schedulers: names, workers: names, locks: names },
    }),
  }),
  z.object({ problems: z.array(z.object({ place, message: z.string() })) }),
]);

/**
 * Loads a site's program in a process of its own, where it can do no harm: one that never ends, ends its process, takes
 * all memory, or leaves a rejected promise behind is told as any other mistake. Throws {@link ConfigError} with all
 * mistakes that were found.
 */
export async function trySite(path: string, { prints, limitMs = LOAD_LIMIT_MS }: TrialOptions): Promise<SiteSummary> {
  const file = siteFile(path);
  const output = prints ? process.stderr : 'ignore';
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MIB}`, PROGRAM, file, String(limitMs)], {
    stdio: ['ignore', output, output, 'pipe'],
    env: { ...process.env, ...compileCache() },
  });
  let told = '';
  child.stdio[3]?.on('data', (piece: Buffer) => {
    told += piece;
  });
  const how = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const outcome = outcomeSchema.safeParse(jsonOf(told));
  if (outcome.data !== undefined && 'summary' in outcome.data) return outcome.data.summary;
  if (outcome.data !== undefined) throw new ConfigError(outcome.data.problems);
  throw new ConfigError([
    {
      place: { file, line: 1 },
      message: `the process in which it was tried ended without a word (${how}); a program that takes all memory (here ${HEAP_MIB} MiB), or kills its process, does that`,
    },
  ]);
}

/** Null for what is no JSON: nothing, or what the program itself wrote there. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What this process has compiled is kept for the trial, too: it is most of its time. */
function compileCache(): Record<string, string> {
  // Below the directory that was chosen, one for each version of Node.
  const used = getCompileCacheDir();
  return used === undefined ? {} : { NODE_COMPILE_CACHE: dirname(used) };
}
