import { getCompileCacheDir } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Chunk } from '../catalog/entry.ts';
import { Stratum0Error } from '../errors.ts';
import {
  findParts,
  mayBeChunked,
  type ObjectSink,
  type PackedRange,
  type PackJob,
  packRange,
  type RangeJob,
} from './pack.ts';
import type { Order, Report } from './pack-thread.ts';

/** More threads than this only wait for the disk. */
const MAX_THREADS = 4;
/** Small files given to a thread at once: the messages would cost more than the work. */
const BATCH_FILES = 64;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Far more objects than threads can be at work on at once. */
const MOST_REMEMBERED = 10_000;

export const DEFAULT_THREADS = Math.min(MAX_THREADS, availableParallelism());

/** A file's content in the store. */
export interface PackedFile {
  /** Null: in chunks. */
  readonly hash: string | null;
  readonly chunks: readonly Chunk[];
  readonly newObjects: readonly string[];
  /** Of the new objects. */
  readonly storedBytes: number;
}

/** Reads, cuts, compresses, hashes and stores files. */
export interface Packer {
  /** Gives what is stored of each file. May be called again before it has ended. Rejects with the first error. */
  pack(jobs: readonly PackJob[]): Promise<readonly PackedFile[]>;
  /** Nothing is under way afterwards. */
  close(): Promise<void>;
}

/** Does the work itself, one file after the other, through the given sink. */
export function inlinePacker(sink: ObjectSink): Packer {
  return { pack: async (jobs) => jobs.map((job) => packWhole(job, sink)), close: async () => {} };
}

function packWhole(job: PackJob, sink: ObjectSink): PackedFile {
  const parts: Omit<Chunk, 'hash'>[] = [];
  if (mayBeChunked(job)) findParts(job, (part) => parts.push(part));
  else parts.push({ offset: 0, sizeBytes: job.sizeBytes });
  const suffix = parts.length > 1 ? 'P' : '';
  return assemble(
    parts,
    parts.map((part) => packRange({ ...part, file: job, suffix }, sink)),
  );
}

function assemble(parts: readonly Omit<Chunk, 'hash'>[], ranges: readonly PackedRange[]): PackedFile {
  const news = ranges.filter(({ newObject }) => newObject !== null);
  return {
    hash: parts.length > 1 ? null : (ranges[0]?.hash ?? null),
    chunks: parts.length > 1 ? parts.map((part, i) => ({ ...part, hash: ranges[i]?.hash ?? '' })) : [],
    newObjects: news.map(({ newObject }) => newObject ?? ''),
    storedBytes: news.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
  };
}

/** What one call of {@link Packer.pack} waits for. */
interface Call {
  readonly jobs: readonly PackJob[];
  readonly packed: PackedFile[];
  left: number;
  readonly resolve: (packed: readonly PackedFile[]) => void;
  readonly reject: (error: unknown) => void;
}

/** A file of which the parts come one by one. */
interface LargeFile {
  readonly call: Call;
  readonly index: number;
  readonly job: PackJob;
  readonly parts: Omit<Chunk, 'hash'>[];
  readonly ranges: PackedRange[];
  isCut: boolean;
  packed: number;
}

type Task =
  | { readonly type: 'files'; readonly call: Call; readonly indexes: readonly number[]; readonly order: Order }
  | { readonly type: 'cut'; readonly file: LargeFile; readonly order: Order }
  | { readonly type: 'part'; readonly file: LargeFile; readonly part: number; readonly order: Order };

/** Works in threads, which begin as they are needed: their number, and what each holds in memory, is bounded. */
export function threadedPacker(served: string, threads: number): Packer {
  return new Crew(served, threads);
}

class Crew implements Packer {
  readonly #served: string;
  readonly #threads: number;
  /** The tasks that a thread was given, oldest first. */
  readonly #workers = new Map<Worker, Task[]>();
  readonly #calls = new Set<Call>();
  #tasks: Task[] = [];
  /** Parts come before files: they free memory of what is known of a large file. */
  #parts: Task[] = [];
  /** Two threads that store equal content at once may both hold it for new: the first that tells of it counts. */
  readonly #newObjects = new Set<string>();
  #failure: { readonly error: unknown } | null = null;

  constructor(served: string, threads: number) {
    this.#served = served;
    this.#threads = threads;
  }

  pack(jobs: readonly PackJob[]): Promise<readonly PackedFile[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) reject(this.#failure.error);
      else if (jobs.length === 0) resolve([]);
      else {
        const call: Call = { jobs, packed: [], left: jobs.length, resolve, reject };
        this.#calls.add(call);
        this.#tasks.push(...planTasks(call));
        this.#hand();
      }
    });
  }

  async close(): Promise<void> {
    this.#fail(new Error('the packer was closed'));
    await Promise.all([...this.#workers.keys()].map((worker) => worker.terminate()));
    this.#workers.clear();
  }

  /** Gives tasks to threads that have none, or only a small one, and begins threads while there are tasks left. */
  #hand(): void {
    for (const [worker, given] of this.#workers) while (this.#give(worker, given));
    while (this.#parts.length + this.#tasks.length > 0 && this.#workers.size < this.#threads) {
      const given: Task[] = [];
      this.#give(this.#begin(given), given);
    }
  }

  /** The next file's small task is given before the last one is done, so that a thread never waits for this one. */
  #give(worker: Worker, given: Task[]): boolean {
    const [first] = given;
    const next = this.#parts[0] ?? this.#tasks[0];
    if (next === undefined || given.length > 1) return false;
    if (first !== undefined && (first.type !== 'files' || next.type !== 'files')) return false;
    (this.#parts.length > 0 ? this.#parts : this.#tasks).shift();
    given.push(next);
    worker.postMessage(next.order);
    return true;
  }

  #begin(given: Task[]): Worker {
    // With the cache in its environment a thread need not read its own source anew.
    const cache = getCompileCacheDir();
    const worker = new Worker(new URL('./pack-thread.ts', import.meta.url), {
      workerData: { served: this.#served },
      env: cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache },
    });
    this.#workers.set(worker, given);
    worker.on('message', (report: Report) => this.#report(given, report));
    worker.on('error', (error) => this.#fail(error));
    return worker;
  }

  #report(given: Task[], report: Report): void {
    const [task] = given;
    if (this.#failure !== null || task === undefined) return;
    if (report.type === 'failed') this.#fail(new Stratum0Error(report.code, report.message));
    else if (report.type === 'broken') this.#fail(new Error(report.message));
    else if (report.type === 'part') {
      if (task.type === 'cut') this.#addPart(task.file, report);
    } else {
      given.shift();
      this.#finish(
        task,
        report.ranges.map((range) => this.#counted(range)),
      );
    }
    this.#hand();
  }

  #addPart(file: LargeFile, { offset, sizeBytes, isLast }: Extract<Report, { type: 'part' }>): void {
    const part = file.parts.push({ offset, sizeBytes }) - 1;
    file.isCut = isLast;
    const suffix = isLast && part === 0 ? '' : 'P';
    const range: RangeJob = { file: file.job, offset, sizeBytes, suffix };
    this.#parts.push({ type: 'part', file, part, order: { type: 'ranges', ranges: [range] } });
  }

  #counted(range: PackedRange): PackedRange {
    if (range.newObject === null) return range;
    if (this.#newObjects.has(range.newObject)) return { ...range, newObject: null };
    if (this.#newObjects.size >= MOST_REMEMBERED) this.#newObjects.clear();
    this.#newObjects.add(range.newObject);
    return range;
  }

  #finish(task: Task, ranges: readonly PackedRange[]): void {
    if (task.type === 'files')
      for (const [i, index] of task.indexes.entries()) {
        const range = ranges[i];
        const sizeBytes = task.call.jobs[index]?.sizeBytes ?? 0;
        if (range !== undefined) this.#done(task.call, index, assemble([{ offset: 0, sizeBytes }], [range]));
      }
    if (task.type === 'part' && ranges[0] !== undefined) {
      task.file.ranges[task.part] = ranges[0];
      task.file.packed += 1;
    }
    if (task.type === 'files' || !task.file.isCut || task.file.packed < task.file.parts.length) return;
    task.file.isCut = false;
    this.#done(task.file.call, task.file.index, assemble(task.file.parts, task.file.ranges));
  }

  #done(call: Call, index: number, packed: PackedFile): void {
    call.packed[index] = packed;
    call.left -= 1;
    if (call.left > 0) return;
    this.#calls.delete(call);
    call.resolve(call.packed);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#tasks = [];
    this.#parts = [];
    for (const call of this.#calls) call.reject(error);
    this.#calls.clear();
  }
}

function planTasks(call: Call): Task[] {
  const tasks: Task[] = [];
  let batch: number[] = [];
  let bytes = 0;
  const close = (): void => {
    // Small ones first: `compress` has less to do.
    batch.sort((a, b) => (call.jobs[a]?.sizeBytes ?? 0) - (call.jobs[b]?.sizeBytes ?? 0));
    const ranges = batch.flatMap((index) => {
      const file = call.jobs[index];
      return file === undefined ? [] : [{ file, offset: 0, sizeBytes: file.sizeBytes, suffix: '' as const }];
    });
    if (batch.length > 0) tasks.push({ type: 'files', call, indexes: batch, order: { type: 'ranges', ranges } });
    batch = [];
    bytes = 0;
  };
  for (const [index, job] of call.jobs.entries()) {
    if (mayBeChunked(job)) {
      const file: LargeFile = { call, index, job, parts: [], ranges: [], isCut: false, packed: 0 };
      tasks.push({ type: 'cut', file, order: { type: 'cut', file: job } });
      continue;
    }
    batch.push(index);
    bytes += job.sizeBytes;
    if (batch.length >= BATCH_FILES || bytes >= BATCH_BYTES) close();
  }
  close();
  return tasks;
}
