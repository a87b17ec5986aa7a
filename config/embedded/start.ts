import { readSettings } from '../settings.ts';
import { type Home, homeAt } from './home.ts';
import { installHook } from './hook.ts';
import { waitForWorkers, watchMaster } from './master-client.ts';
import { type Options, readOptions, USAGE, UsageError } from './options.ts';
import { checkPorts } from './ports.ts';
import { prepare, writeSettings } from './prepare.ts';
import { endLeftovers, type Processes, runProcesses } from './processes.ts';
import { outcomeOfPush, progressLines, type Screen, summaryLines } from './progress.ts';
import { addEmptyCommit, push, wasPushed } from './scripts-repository.ts';
import { masterService, sideServices, workerServices } from './services.ts';

/** Time between two looks at the master when nothing is awaited. */
const IDLE_LOOK_MS = 2000;

const screen: Screen = {
  line: (text) => process.stdout.write(`${text}\n`),
  colour: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
};

/** Runs the site until it is stopped, or once. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === null) {
    screen.line(USAGE);
    return 0;
  }
  const home = homeAt(options.home);
  await endLeftovers(home, screen.line);
  await checkPorts(options.ports);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(new Stopped()));
  const processes = runProcesses(home);
  try {
    const failure = processes.failed.then((message) => {
      throw new Error(message);
    });
    return await Promise.race([runSite(options, home, processes, stop.signal), failure]);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return 0;
  } finally {
    if (stop.signal.aborted) screen.line('\nStopping');
    else stop.abort(new Stopped());
    await processes.stop();
  }
}

/** Thrown where the site waits, once somebody stopped it. */
class Stopped extends Error {}

async function runSite(options: Options, home: Home, processes: Processes, signal: AbortSignal): Promise<number> {
  const { ports } = options;
  const url = `http://127.0.0.1:${ports.page}`;
  const startedAt = Date.now();
  writeSettings(home, ports);
  const { workers, rsyncConfiguration } = prepare(home, ports, readSettings(home.settings).platforms);
  for (const service of [
    ...sideServices(home, ports, rsyncConfiguration),
    masterService(home, ports),
    ...workerServices(home, ports, workers),
  ])
    processes.start(service);
  await waitForWorkers(url, workers, signal);
  screen.line(`Icefall runs: ${url}`);
  installHook(home, url);
  const tell = progressLines(screen, startedAt);
  let green = true;
  if (options.once || !wasPushed(home)) {
    if (options.once && wasPushed(home)) addEmptyCommit(home);
    const revision = push(home);
    screen.line(`Pushed ${revision.slice(0, 10)} to ${home.bareScripts}`);
    green = await waitForPush(home, url, revision, tell, signal);
  }
  if (options.once) return green ? 0 : 1;
  for (const line of invitation(home, options)) screen.line(line);
  await watchMaster(
    url,
    (snapshot) => {
      tell(snapshot);
      return null;
    },
    signal,
    IDLE_LOOK_MS,
  );
  return 0;
}

async function waitForPush(
  home: Home,
  url: string,
  revision: string,
  tell: ReturnType<typeof progressLines>,
  signal: AbortSignal,
): Promise<boolean> {
  const expected = readSettings(home.settings).variants.length;
  const outcome = await watchMaster(
    url,
    (snapshot) => {
      tell(snapshot);
      return outcomeOfPush(snapshot, revision, expected);
    },
    signal,
  );
  screen.line(`\n${outcome.green ? 'All green' : 'Not green'}:`);
  for (const line of summaryLines(screen, outcome)) screen.line(line);
  return outcome.green;
}

function invitation(home: Home, { ports }: Options): string[] {
  const { repositories } = readSettings(home.settings);
  return [
    '',
    `Page            http://127.0.0.1:${ports.page}`,
    `Published       http://127.0.0.1:${ports.stratum0}/cvmfs/${repositories.software.name}/.cvmfspublished`,
    `                as a tree: ${home.stratum0}/mount/${repositories.software.name}`,
    `Build scripts   ${home.scripts}: change something, commit, git push`,
    'Stop            Ctrl-C; start again, and everything is still there',
    '',
  ];
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`icefall: ${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof UsageError ? 2 : 1;
});
