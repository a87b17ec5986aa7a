import { createWriteStream } from 'node:fs';
import { chmod, mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FILE_MODE_HEADER, formatBytes } from '@icefall/shared';
import { unpack } from './archive.ts';
import { systemFault, TransferError } from './errors.ts';
import { mergeInto } from './merge.ts';

/** Of a file that came without mode. */
const DEFAULT_MODE = 0o644;
/** Permission bits that a worker may set on a file of the master: no set-user-id and its like. */
const MODE_MASK = 0o777;

export interface Upload {
  readonly what: 'file' | 'directory';
  /** Absolute path on the master. */
  readonly path: string;
  readonly maxBytes: number | null;
  /** Names the command in the name of the partial copy. */
  readonly label: string;
  /** Throws where the command is over: its file is not wanted any more. Asked before anything is put in place. */
  readonly assertWanted: () => void;
  readonly abort: AbortSignal;
}

/**
 * Takes a file or directory. It is written beside its place and put there when it is complete; a directory goes into one
 * that exists, file by file. Throws {@link TransferError}.
 */
export async function receiveUpload(request: IncomingMessage, upload: Upload): Promise<void> {
  const { path } = upload;
  const part = join(dirname(path), `.${basename(path)}.icefall-${upload.label}`);
  try {
    await mkdir(dirname(path), { recursive: true });
    // What an attempt left that a crash of the master ended.
    await rm(part, { recursive: true, force: true });
    if (upload.what === 'file') await receiveFile(request, upload, part);
    else await receiveDirectory(request, upload, part);
  } catch (error) {
    throw systemFault(error, path);
  } finally {
    // Retries: what was under way when an archive failed may still be written.
    await rm(part, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function receiveFile(request: IncomingMessage, upload: Upload, part: string): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? Number.NaN);
  if (Number.isNaN(announced))
    throw new TransferError(411, 'no_length', 'the upload of a file must say how long it is (Content-Length)');
  if (await isDirectory(upload.path))
    throw new TransferError(409, 'is_a_directory', `${upload.path} is a directory on the master`);
  assertSmallEnough(announced, upload.maxBytes);
  // flush: what the worker was told has come survives a power cut.
  const sink = createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true });
  const closed = new Promise<void>((resolve) => sink.once('close', () => resolve()));
  try {
    await pipeline(body(request, upload.maxBytes), sink, { signal: upload.abort });
  } finally {
    // One that breaks off at once may still be opening the file, which then would come after it was removed.
    sink.destroy();
    await closed;
  }
  const { size } = await stat(part);
  if (size !== announced)
    throw new TransferError(400, 'incomplete', `${size} of ${announced} announced bytes have come`);
  await chmod(part, modeOf(request));
  upload.assertWanted();
  await rename(part, upload.path);
}

async function receiveDirectory(request: IncomingMessage, upload: Upload, part: string): Promise<void> {
  await mkdir(part, { mode: 0o700 });
  const archive = unpack(part, upload.maxBytes);
  await archive.take(body(request, upload.maxBytes));
  if (!request.complete) throw new TransferError(400, 'incomplete', 'the upload has broken off');
  if (archive.mode !== null) await chmod(part, archive.mode);
  upload.assertWanted();
  // A link in this place is the site's own choice, unlike those below it.
  if (await isDirectory(upload.path)) await mergeInto(part, await realpath(upload.path));
  else await mergeInto(part, upload.path);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

function modeOf(request: IncomingMessage): number {
  const header = request.headers[FILE_MODE_HEADER];
  const mode = typeof header === 'string' && /^[0-7]{1,4}$/.test(header) ? Number.parseInt(header, 8) : DEFAULT_MODE;
  return mode & MODE_MASK;
}

function assertSmallEnough(bytes: number, maxBytes: number | null): void {
  if (maxBytes === null || bytes <= maxBytes) return;
  const message = `the upload has more than the ${maxBytes} bytes (${formatBytes(maxBytes)}) that are allowed`;
  throw new TransferError(413, 'too_large', message);
}

/** What comes in, up to a limit. The request outlives a fault, so that it can be answered. */
async function* body(request: IncomingMessage, maxBytes: number | null): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    bytes += piece.length;
    assertSmallEnough(bytes, maxBytes);
    yield piece;
  }
}
