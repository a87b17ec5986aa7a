import { open, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FILE_MODE_HEADER } from '@icefall/shared';
import { create } from 'tar';
import { systemFault, TransferError } from './errors.ts';

/** Larger pieces than a stream's usual ones: a transfer is to be bound by the disk and the wire. */
const PIECE_BYTES = 512 * 1024;

export interface Download {
  readonly what: 'file' | 'directory';
  /** Absolute path on the master. */
  readonly path: string;
  readonly abort: AbortSignal;
}

/** Sends a file, or a directory as a tar stream. Throws {@link TransferError}; a fault on the way breaks the answer off. */
export async function sendDownload(response: ServerResponse, download: Download): Promise<void> {
  try {
    if (download.what === 'file') await sendFile(response, download);
    else await sendDirectory(response, download);
  } catch (error) {
    throw systemFault(error, download.path);
  }
}

async function sendFile(response: ServerResponse, { path, abort }: Download): Promise<void> {
  await using file = await open(path, 'r');
  const facts = await file.stat();
  if (!facts.isFile()) throw new TransferError(409, 'not_a_file', `${path} on the master is not a file`);
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': facts.size,
    [FILE_MODE_HEADER]: (facts.mode & 0o7777).toString(8),
  });
  if (facts.size === 0) {
    response.end();
    return;
  }
  // Up to the announced size: a file that grows meanwhile is sent as it was.
  const source = file.createReadStream({ end: facts.size - 1, highWaterMark: PIECE_BYTES });
  await pipeline(source, response, { signal: abort });
}

async function sendDirectory(response: ServerResponse, { path, abort }: Download): Promise<void> {
  if (!(await stat(path)).isDirectory())
    throw new TransferError(409, 'not_a_directory', `${path} on the master is not a directory`);
  response.writeHead(200, { 'content-type': 'application/x-tar' });
  // strict: what cannot be read is a fault, not left out.
  const archive = create({ cwd: path, strict: true }, ['.']);
  const source = Readable.from(archive, { objectMode: false, highWaterMark: PIECE_BYTES });
  await pipeline(source, response, { signal: abort });
}
