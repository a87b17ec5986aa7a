import { Worker } from 'node:worker_threads';
import type { Finding } from './pipelines.ts';
import type { Answer, Order } from './reader-thread.ts';
import type { Look, RepositoryReader } from './repository-reader.ts';

/**
 * Has repositories looked at in a thread of its own, by a `GitReader` there: a thread that begins a process stands still
 * until that runs, which on a busy machine takes long, and a thousand repositories are thousands of processes.
 */
export class ThreadedReader implements RepositoryReader {
  readonly #directory: string;
  /** Null: there was nothing to look at yet, or it has ended. */
  #thread: Worker | null = null;
  readonly #asked = new Map<number, (finding: Finding | null) => void>();
  #count = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  look(look: Look): Promise<Finding | null> {
    return new Promise((resolve) => {
      this.#count += 1;
      this.#asked.set(this.#count, resolve);
      this.#order({ type: 'look', id: this.#count, look });
    });
  }

  keepOnly(projects: ReadonlySet<string>): void {
    this.#order({ type: 'keepOnly', projects });
  }

  /** What runs is ended, and answered so. */
  stop(): void {
    this.#thread?.postMessage({ type: 'stop' } satisfies Order);
  }

  #order(order: Order): void {
    this.#thread ??= this.#begin();
    this.#thread.postMessage(order);
  }

  #begin(): Worker {
    const thread = new Worker(new URL('./reader-thread.ts', import.meta.url), { workerData: this.#directory });
    let failure = 'it was stopped';
    thread.on('message', ({ id, finding }: Answer) => {
      this.#asked.get(id)?.(finding);
      this.#asked.delete(id);
    });
    thread.on('error', (error) => {
      failure = error instanceof Error ? error.message : String(error);
    });
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = null;
      // The next round looks again, in another thread.
      const mistake = `the thread that reads repositories has ended: ${failure}`;
      for (const answer of this.#asked.values()) answer({ branch: null, revision: null, mistake });
      this.#asked.clear();
    });
    return thread;
  }
}
