import { logFiles, openForReading } from '../places.ts';
import { checkDatabase } from './database-checks.ts';
import type { Finding } from './findings.ts';
import { checkFiles, checkLogs } from './log-checks.ts';
import { checkState } from './state-checks.ts';

/** Between two breaths for the event loop (signals, progress). */
const LOGS_AT_ONCE = 64;

export interface VerifyOptions {
  /** A master's state, running or stopped, or a backup: nothing in it is changed. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly progress: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  readonly what: 'database' | 'files' | 'logs';
  readonly done: number;
  readonly total: number | null;
}

export interface VerifyReport {
  readonly findings: readonly Finding[];
  readonly builds: number;
  readonly logs: number;
  readonly files: number;
}

/** Checks the database, its rows and the log files against each other. Throws DatabaseError where nothing can be read. */
export async function verifyState({ directory, signal, progress }: VerifyOptions): Promise<VerifyReport> {
  // Before the database is looked at: see checkFiles.
  const files = [...logFiles(directory)];
  const db = openForReading(directory);
  try {
    // One moment for all that is read, until it is closed.
    db.exec('BEGIN');
    progress({ what: 'database', done: 0, total: null });
    const damaged = checkDatabase(db);
    // Rows of a damaged database say nothing.
    const findings = damaged.length > 0 ? damaged : checkState(db);
    const count = (table: string) => db.prepare<[], { n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).get()?.n ?? 0;
    const logs = damaged.length > 0 ? 0 : count('logs WHERE complete = 1');
    if (damaged.length === 0) {
      const take = collector(findings, signal);
      await take(checkLogs(db, directory), (done) => progress({ what: 'logs', done, total: logs }));
      await take(checkFiles(db, directory, files), (done) => progress({ what: 'files', done, total: files.length }));
    }
    const builds = damaged.length > 0 ? 0 : count('builds');
    return { findings, builds, logs, files: files.length };
  } finally {
    db.close();
  }
}

function collector(findings: Finding[], signal: AbortSignal) {
  return async (checks: Iterable<Finding | null>, told: (done: number) => void): Promise<void> => {
    let done = 0;
    for (const finding of checks) {
      if (finding !== null) findings.push(finding);
      done += 1;
      if (done % LOGS_AT_ONCE !== 0) continue;
      told(done);
      await new Promise(setImmediate);
      signal.throwIfAborted();
    }
    told(done);
  };
}
