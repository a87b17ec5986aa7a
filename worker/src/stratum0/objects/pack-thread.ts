import { parentPort, workerData } from 'node:worker_threads';
import { realDisk } from '../disk.ts';
import { namingRefusal, Stratum0Error, type Stratum0ErrorCode } from '../errors.ts';
import { findParts, type PackedRange, type PackJob, packRange, type RangeJob } from './pack.ts';

/** What a thread is told to do. */
export type Order =
  | { readonly type: 'ranges'; readonly ranges: readonly RangeJob[] }
  | { readonly type: 'cut'; readonly file: PackJob };

/** What it says: any number of parts, then that it is done or has failed. */
export type Report =
  | { readonly type: 'part'; readonly offset: number; readonly sizeBytes: number; readonly isLast: boolean }
  | { readonly type: 'done'; readonly ranges: readonly PackedRange[] }
  | { readonly type: 'failed'; readonly code: Stratum0ErrorCode; readonly message: string }
  | { readonly type: 'broken'; readonly message: string };

const port = parentPort;
if (port === null) throw new Error('pack-thread.ts is run as a thread of pool.ts');
const served = String(workerData.served);
const sink = (name: string, bytes: Uint8Array): boolean => realDisk.putObject(`${served}/${name}`, bytes);
const tell = (report: Report): void => port.postMessage(report);

port.on('message', (order: Order) => {
  try {
    if (order.type === 'ranges') tell({ type: 'done', ranges: order.ranges.map((range) => packRange(range, sink)) });
    else {
      findParts(order.file, ({ offset, sizeBytes }) => {
        const isLast = offset + sizeBytes === order.file.sizeBytes;
        tell({ type: 'part', offset, sizeBytes, isLast });
      });
      tell({ type: 'done', ranges: [] });
    }
  } catch (failure) {
    const error = namingRefusal(failure);
    if (error instanceof Stratum0Error) tell({ type: 'failed', code: error.code, message: error.message });
    else tell({ type: 'broken', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
