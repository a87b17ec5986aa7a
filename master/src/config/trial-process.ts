// The process of a trial: loads the program that it is told, and writes what came of it to its pipe.
import { writeSync } from 'node:fs';
import type { LoadReport } from './load-report.ts';
import { loadSite } from './loader.ts';
import { ConfigError } from './problems.ts';
import { summaryOf } from './site-summary.ts';

const report: LoadReport = { fd: 3, form: 'json' };
const [file = '', limitMs] = process.argv.slice(2);
const outcome = await loadSite(file, { limitMs: Number(limitMs), alone: report }).then(
  (site) => ({ summary: summaryOf(site) }),
  (error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    return { problems: error.problems };
  },
);
writeSync(report.fd, JSON.stringify(outcome));
// What the program has left to do, such as timers, is not waited for.
process.exit();
