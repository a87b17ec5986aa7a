import { Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { type LoadReport, tellProblem } from './load-report.ts';
import type { Place } from './problems.ts';

/** What the thread of a load guard is given. */
export interface Watch {
  readonly file: string;
  readonly limitMs: number;
  readonly message: string;
  readonly report: LoadReport;
}

/**
 * Time to find the site's program at work in. It may just be in what it has imported; and a call of the system that
 * waits (for another program) cannot be stopped.
 */
const SEARCH_MS = 10_000;
const STOP_EVERY_MS = 200;

/**
 * The thread of a load guard. When the time is over it stops the main thread as a debugger does, tells where in the
 * site's program that was, and kills the process: JavaScript that never returns cannot be ended in another way.
 */
const { file, limitMs, message, report }: Watch = workerData;
const timer = setTimeout(findAndTell, limitMs);
parentPort?.once('message', () => clearTimeout(timer));

function findAndTell(): void {
  const session = new Session();
  session.connectToMainThread();
  const urls = new Map<string, string>();
  const isOfSite = (scriptId: string) => /[?&]generation=/.test(urls.get(scriptId) ?? '');
  const stop = () => session.post('Debugger.pause');
  session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url));
  session.on('Debugger.paused', ({ params }) => {
    const at = params.callFrames.map(({ location }) => location).find(({ scriptId }) => isOfSite(scriptId));
    if (at !== undefined) end({ file: fileURLToPath(urls.get(at.scriptId) ?? ''), line: at.lineNumber + 1 });
    session.post('Debugger.resume');
    setTimeout(stop, STOP_EVERY_MS);
  });
  session.post('Debugger.enable', stop);
  setTimeout(() => end({ file, line: 1 }), SEARCH_MS);
}

function end(place: Place): void {
  tellProblem(report, { place, message });
  process.kill(process.pid, 'SIGKILL');
}
