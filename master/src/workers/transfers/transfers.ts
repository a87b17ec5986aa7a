import type { IncomingMessage, ServerResponse } from 'node:http';
import { transferPath } from '@icefall/shared';
import { type CommandRow, commandOf, transferOf } from '../command-rows.ts';
import type { Workers } from '../workers.ts';
import { sendDownload } from './download.ts';
import { isConnectionFault, TransferError } from './errors.ts';
import { receiveUpload } from './upload.ts';

/** Transfers at once; another one is told to come again. As many as keep a disk and a wire busy, with file handles left. */
const MAX_TRANSFERS = 64;
/** Failures on the way that are remembered for the next try. */
const MAX_REMEMBERED = 1000;

const PATH = new RegExp(`^${transferPath(0).replace(/0$/, '([1-9][0-9]{0,14})')}$`);

interface Ordered {
  readonly worker: string;
  readonly commandId: number;
  readonly epoch: number;
}

interface Running {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/** Files and directories between workers and the master, each for a command that its worker runs. */
export class Transfers {
  readonly #workers: Workers;
  readonly #running = new Map<number, Running>();
  /** Why the download of a command broke off on this side: told to the worker when it asks again. */
  readonly #broken = new Map<number, TransferError>();

  constructor(workers: Workers) {
    this.#workers = workers;
  }

  /** True for the path of a transfer, whatever the method. */
  static isTransfer(url: URL): boolean {
    return PATH.test(url.pathname);
  }

  /** Does what an authenticated worker asks. Throws {@link TransferError} where nothing has been answered yet. */
  async handle(worker: string, url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const ordered = {
      worker,
      commandId: Number(PATH.exec(url.pathname)?.[1] ?? 0),
      epoch: Number(url.searchParams.get('epoch') ?? 0),
    };
    const row = this.#row(ordered);
    const { commandId } = ordered;
    // A worker asks again when its connection broke, which this side may not have noticed.
    for (let before = this.#running.get(commandId); before !== undefined; before = this.#running.get(commandId)) {
      before.abort.abort();
      await before.done;
    }
    if (this.#running.size >= MAX_TRANSFERS)
      throw new TransferError(503, 'busy', `the master has ${MAX_TRANSFERS} transfers at once already`);
    const abort = new AbortController();
    abort.signal.addEventListener('abort', () => request.destroy(), { once: true });
    const transfer = this.#transfer({ ordered, row, request, response, abort: abort.signal });
    const over = () => void this.#running.delete(commandId);
    this.#running.set(commandId, { abort, done: transfer.then(over, over) });
    await transfer;
  }

  /** Breaks off what is under way; the workers begin again. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { abort } of running) abort.abort();
    await Promise.all(running.map(({ done }) => done));
  }

  #row({ worker, commandId, epoch }: Ordered): CommandRow {
    const row = this.#workers.commands.running(worker, commandId, epoch);
    if (row === null)
      throw new TransferError(404, 'unknown_command', `worker "${worker}" runs no command ${commandId}-${epoch}`);
    return row;
  }

  async #transfer(of: {
    readonly ordered: Ordered;
    readonly row: CommandRow;
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly abort: AbortSignal;
  }): Promise<void> {
    const { ordered, row, request, response, abort } = of;
    const command = commandOf(row);
    const transfer = transferOf(row);
    if (transfer === null || (command.kind !== 'upload' && command.kind !== 'download'))
      throw new TransferError(409, 'no_transfer', `the command ${row.label} transfers no file`);
    const method = command.kind === 'upload' ? 'PUT' : 'GET';
    if (request.method !== method)
      throw new TransferError(405, 'wrong_method', `the command ${row.label} is a ${command.kind}: ${method} it`);
    const { what } = command;
    if (command.kind === 'download') {
      await this.#download(row.id, response, { what, path: transfer.path, abort });
      return;
    }
    await receiveUpload(request, {
      ...{ what, path: transfer.path, maxBytes: transfer.maxBytes, abort },
      label: `${row.id}-${row.epoch}`,
      assertWanted: () => void this.#row(ordered),
    });
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }

  async #download(
    commandId: number,
    response: ServerResponse,
    download: Parameters<typeof sendDownload>[1],
  ): Promise<void> {
    const broken = this.#broken.get(commandId);
    if (broken !== undefined) {
      this.#broken.delete(commandId);
      throw broken;
    }
    try {
      await sendDownload(response, download);
    } catch (error) {
      if (response.headersSent && !isConnectionFault(error)) this.#remember(commandId, error);
      throw error;
    }
  }

  #remember(commandId: number, error: unknown): void {
    const [oldest] = this.#broken.keys();
    if (this.#broken.size >= MAX_REMEMBERED && oldest !== undefined) this.#broken.delete(oldest);
    const why = error instanceof Error ? error.message : String(error);
    this.#broken.set(commandId, new TransferError(409, 'not_readable', `the download broke off on the master: ${why}`));
  }
}
