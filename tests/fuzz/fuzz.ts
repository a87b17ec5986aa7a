import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  builder,
  factory,
  forceScheduler,
  masterLock,
  shell,
  site,
  textField,
  webhook,
  worker,
} from '@icefall/master/config';
import { SimulatedSite } from '@icefall/master/simulation/simulated-site';
import { restTarget, SECRET, type Target, webhookTarget, workerTarget } from './targets.ts';

export interface FuzzOptions {
  readonly runs: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}

export interface FuzzReport {
  readonly runs: Readonly<Record<string, number>>;
  /** What was taken: changes that webhooks and programs made, statuses of answers. */
  readonly taken: Readonly<Record<string, number>>;
  /** What went wrong, with the run in which it did. */
  readonly faults: readonly string[];
  /** Bytes that were kept after a tenth of the runs, and after all. */
  readonly heapBytes: { readonly early: number; readonly late: number };
}

/** Inputs between two looks at whether honest users are served. */
const BATCH = 2000;
/** More of them tell nothing new. */
const MOST_FAULTS = 10;
/** Work on one input, milliseconds of a processor: the first ones take a second, with all that is made only once. */
const MOST_WORK_MS = 5000;
/** Timers of the master go on by so much after each batch. */
const BATCH_MS = 1000;

/** Sends mutated input to a whole master, while an honest worker builds for an honest user beside it. */
export async function fuzz({ runs, seed, say = () => {} }: FuzzOptions): Promise<FuzzReport> {
  process.env.FUZZ_SECRET = SECRET;
  const faults: string[] = [];
  const counts: Record<string, number> = {};
  const note = (what: string) => void faults.push(what);
  const unhandled = (reason: unknown) => note(`unhandled: ${reason instanceof Error ? reason.stack : String(reason)}`);
  process.on('unhandledRejection', unhandled);
  process.on('uncaughtException', unhandled);
  using simulated = new SimulatedSite({ site: declared(), log: logOf(note) });
  simulated.worker('honest').connect();
  simulated.run(10);
  const { master } = simulated;
  const targets = [await restTarget(master, seed), webhookTarget(master, seed), workerTarget(master, seed)];
  const heap = { early: 0, late: 0 };
  let done = 0;
  while (done < runs && faults.length < MOST_FAULTS) {
    for (const target of targets) done += await batch(target, Math.ceil(BATCH * target.share), { counts, note, done });
    simulated.run(BATCH_MS);
    serveHonestUser(simulated, note);
    await setImmediate();
    if (heap.early === 0 && done >= runs / 10) heap.early = keptBytes();
    if (Math.floor(done / 100_000) > Math.floor((done - BATCH) / 100_000)) say(`${done} runs, ${faults.length} faults`);
  }
  heap.late = keptBytes();
  const changes = master.core.db.one<{ count: number }>('SELECT COUNT(*) AS count FROM changes')?.count ?? 0;
  const taken = { changes, ...Object.assign({}, ...targets.map((target) => target.taken ?? {})) };
  for (const target of targets) await target.close();
  process.off('unhandledRejection', unhandled);
  process.off('uncaughtException', unhandled);
  return { runs: counts, taken, faults, heapBytes: heap };
}

interface Batch {
  readonly counts: Record<string, number>;
  readonly note: (what: string) => void;
  readonly done: number;
}

async function batch(target: Target, size: number, { counts, note, done }: Batch): Promise<number> {
  for (let i = 0; i < size; i += 1) {
    const before = process.threadCpuUsage();
    try {
      await target.send();
    } catch (error) {
      note(`run ${done + i}, ${target.name}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const { user, system } = process.threadCpuUsage(before);
    const workMs = Math.round((user + system) / 1000);
    if (workMs > MOST_WORK_MS) note(`run ${done + i}, ${target.name}: the master worked for ${workMs} ms`);
  }
  counts[target.name] = (counts[target.name] ?? 0) + size;
  return size;
}

/** A build that an honest user asks for runs to its end on an honest worker. */
function serveHonestUser(simulated: SimulatedSite, note: (what: string) => void): void {
  const { requestIds } = simulated.request(['neighbour']);
  simulated.run(5000);
  const result = simulated.result(requestIds[0] ?? 0);
  if (result !== 'SUCCESS') note(`an honest build ended as ${result}`);
}

function declared() {
  const honest = worker({ name: 'honest', maxBuilds: 10 });
  const [w1, fuzzed] = [worker({ name: 'w1' }), worker({ name: 'fuzzed', maxBuilds: 10 })];
  const tree = masterLock('tree');
  const step = shell({ name: 'build', command: ['make'], locks: [tree.exclusive()] });
  const neighbour = builder({ name: 'neighbour', workers: [honest], factory: factory([shell({ command: ['make'] })]) });
  const linux = builder({ name: 'linux', workers: [w1, fuzzed], factory: factory([step]) });
  const secrets = [{ env: 'FUZZ_SECRET' }];
  return site({
    title: 'Fuzzed',
    workers: [honest, w1, fuzzed],
    builders: [neighbour, linux],
    schedulers: [forceScheduler({ name: 'force', builders: [linux], fields: [textField({ name: 'variant' })] })],
    changeSources: (['github', 'gitlab', 'gitea', 'generic'] as const).map((dialect) =>
      webhook(dialect, { secrets, pullRequests: true }),
    ),
  });
}

/** What the master itself takes for a mistake of its own is a fault. */
function logOf(note: (what: string) => void) {
  const error = (fields: object, message: string) => {
    const why: unknown = Reflect.get(fields, 'err') ?? Reflect.get(fields, 'error');
    note(`the master's log: ${message}: ${why instanceof Error ? why.stack : JSON.stringify(fields)}`);
  };
  return { info() {}, warn() {}, error };
}

/** Memory that is still in use once what can go has gone. */
function keptBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed;
}
