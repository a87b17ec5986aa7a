import { parentPort, workerData } from 'node:worker_threads';
import type { Finding } from './pipelines.ts';
import { GitReader, type Look } from './repository-reader.ts';

/** What the thread is told. */
export type Order =
  | { readonly type: 'look'; readonly id: number; readonly look: Look }
  | { readonly type: 'keepOnly'; readonly projects: ReadonlySet<string> }
  | { readonly type: 'stop' };

/** What it says. */
export interface Answer {
  readonly id: number;
  readonly finding: Finding | null;
}

const port = parentPort;
if (port === null) throw new Error('reader-thread.ts is run as a thread of threaded-reader.ts');
const reader = new GitReader(String(workerData));
const running = new Set<Promise<void>>();

async function look({ id, look }: Extract<Order, { type: 'look' }>): Promise<void> {
  const finding = await reader.look(look);
  port?.postMessage({ id, finding } satisfies Answer);
}

port.on('message', (order: Order) => {
  if (order.type === 'keepOnly') reader.keepOnly(order.projects);
  else if (order.type === 'look') {
    const one = look(order).finally(() => running.delete(one));
    running.add(one);
  } else {
    reader.stop();
    // Nothing more comes in: the thread ends when all is answered.
    void Promise.all(running).finally(() => port.close());
  }
});
