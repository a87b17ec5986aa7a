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
  /** `done` is called for each file, in any order. Rejects with the first error; nothing is under way then. */
  pack(jobs: readonly PackJob[], done: (index: number, packed: PackedFile) => void): Promise<void>;
}

/** Does the work itself, one file after the other, through the given sink. */
export function inlinePacker(sink: ObjectSink): Packer {
  return {
    async pack(jobs, done) {
      for (const [index, job] of jobs.entries()) {
        const parts: Omit<Chunk, 'hash'>[] = [];
        if (mayBeChunked(job)) findParts(job, (part) => parts.push(part));
        else parts.push({ offset: 0, sizeBytes: job.sizeBytes });
        const suffix = parts.length > 1 ? 'P' : '';
        done(
          index,
          assemble(
            parts,
            parts.map((part) => packRange({ ...part, file: job, suffix }, sink)),
          ),
        );
      }
    },
  };
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

/** A file of which the parts come one by one. */
interface LargeFile {
  readonly index: number;
  readonly parts: Omit<Chunk, 'hash'>[];
  readonly ranges: PackedRange[];
  isCut: boolean;
  packed: number;
}

type Task =
  | { readonly type: 'files'; readonly indexes: readonly number[]; readonly order: Order }
  | { readonly type: 'cut'; readonly file: LargeFile; readonly order: Order }
  | { readonly type: 'part'; readonly file: LargeFile; readonly part: number; readonly order: Order };

/** Works in threads, which live for one call: their number, and what each holds in memory, is bounded. */
export function threadedPacker(served: string, threads: number): Packer {
  return {
    pack: (jobs, done) =>
      jobs.length === 0
        ? Promise.resolve()
        : new Promise((resolve, reject) => new Crew(served, threads, jobs, done, resolve, reject).start()),
  };
}

class Crew {
  readonly #served: string;
  readonly #threads: number;
  readonly #jobs: readonly PackJob[];
  readonly #done: (index: number, packed: PackedFile) => void;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  readonly #workers = new Map<Worker, Task | null>();
  readonly #tasks: Task[];
  /** Parts come before files: they free memory of what is known of a large file. */
  readonly #parts: Task[] = [];
  /** Two threads that store equal content at once may both hold it for new: the first that tells of it counts. */
  readonly #newObjects = new Set<string>();
  #isOver = false;

  constructor(
    served: string,
    threads: number,
    jobs: readonly PackJob[],
    done: (index: number, packed: PackedFile) => void,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.#served = served;
    this.#threads = threads;
    this.#jobs = jobs;
    this.#done = done;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#tasks = planTasks(jobs).toReversed();
  }

  start(): void {
    const count = Math.min(
      this.#threads,
      this.#tasks.some(({ type }) => type === 'cut') ? this.#threads : this.#tasks.length,
    );
    for (let i = 0; i < count; i += 1) {
      const worker = new Worker(new URL('./pack-thread.ts', import.meta.url), { workerData: { served: this.#served } });
      this.#workers.set(worker, null);
      worker.on('message', (report: Report) => this.#report(worker, report));
      worker.on('error', (error) => this.#end(error));
    }
    for (const worker of this.#workers.keys()) this.#next(worker);
  }

  #next(worker: Worker): void {
    if (this.#isOver) return;
    const task = this.#parts.shift() ?? this.#tasks.pop() ?? null;
    this.#workers.set(worker, task);
    if (task !== null) worker.postMessage(task.order);
    else if ([...this.#workers.values()].every((busy) => busy === null)) this.#end(null);
  }

  /** Gives new tasks to those who have none. */
  #wake(): void {
    for (const [worker, task] of this.#workers) if (task === null && this.#parts.length > 0) this.#next(worker);
  }

  #report(worker: Worker, report: Report): void {
    const task = this.#workers.get(worker);
    if (this.#isOver || task === null || task === undefined) return;
    if (report.type === 'failed') this.#end(new Stratum0Error(report.code, report.message));
    else if (report.type === 'broken') this.#end(new Error(report.message));
    else if (report.type === 'part') {
      if (task.type === 'cut') this.#addPart(task.file, report);
      this.#wake();
    } else {
      this.#finish(
        task,
        report.ranges.map((range) => this.#counted(range)),
      );
      this.#next(worker);
    }
  }

  #addPart(file: LargeFile, { offset, sizeBytes, isLast }: Extract<Report, { type: 'part' }>): void {
    const job = this.#jobs[file.index];
    if (job === undefined) return;
    const part = file.parts.push({ offset, sizeBytes }) - 1;
    file.isCut = isLast;
    const suffix = isLast && part === 0 ? '' : 'P';
    const range: RangeJob = { file: job, offset, sizeBytes, suffix };
    this.#parts.push({ type: 'part', file, part, order: { type: 'ranges', ranges: [range] } });
  }

  #counted(range: PackedRange): PackedRange {
    if (range.newObject === null) return range;
    if (this.#newObjects.has(range.newObject)) return { ...range, newObject: null };
    this.#newObjects.add(range.newObject);
    return range;
  }

  #finish(task: Task, ranges: readonly PackedRange[]): void {
    if (task.type === 'files')
      for (const [i, index] of task.indexes.entries()) {
        const range = ranges[i];
        const sizeBytes = this.#jobs[index]?.sizeBytes ?? 0;
        if (range !== undefined) this.#done(index, assemble([{ offset: 0, sizeBytes }], [range]));
      }
    if (task.type === 'part' && ranges[0] !== undefined) {
      task.file.ranges[task.part] = ranges[0];
      task.file.packed += 1;
    }
    if (task.type === 'files' || !task.file.isCut || task.file.packed < task.file.parts.length) return;
    this.#done(task.file.index, assemble(task.file.parts, task.file.ranges));
    task.file.isCut = false;
  }

  #end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    Promise.all([...this.#workers.keys()].map((worker) => worker.terminate())).then(
      () => (error === null ? this.#resolve() : this.#reject(error)),
      this.#reject,
    );
  }
}

function planTasks(jobs: readonly PackJob[]): Task[] {
  const tasks: Task[] = [];
  let batch: number[] = [];
  let bytes = 0;
  const close = (): void => {
    const ranges = batch.flatMap((index) => {
      const file = jobs[index];
      return file === undefined ? [] : [{ file, offset: 0, sizeBytes: file.sizeBytes, suffix: '' as const }];
    });
    if (batch.length > 0) tasks.push({ type: 'files', indexes: batch, order: { type: 'ranges', ranges } });
    batch = [];
    bytes = 0;
  };
  for (const [index, job] of jobs.entries()) {
    if (mayBeChunked(job)) {
      const file: LargeFile = { index, parts: [], ranges: [], isCut: false, packed: 0 };
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
