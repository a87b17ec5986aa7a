import { Readable } from 'node:stream';
import { FILE_MODE_HEADER, formatBytes, type UploadCommand } from '@icefall/shared';
import { Failure, systemWords } from '../../failure.ts';
import { writeHeader } from '../../processes/output.ts';
import { openDirectory, openFile } from '../confinement.ts';
import { type CommandContext, type Executor, succeeded } from '../context.ts';
import { resolvePath } from '../paths.ts';
import { reportBeginning } from '../report.ts';
import { lstatOrNull } from '../trees.ts';
import { exchange } from './exchange.ts';
import { packed } from './packing.ts';
import { repeatTransfer } from './repeat.ts';

/** Larger pieces than a stream's usual ones: a transfer is to be bound by the disk and the wire. */
const PIECE_BYTES = 512 * 1024;

/** Sends a file, or a directory as a tar stream, to the master. */
export const upload: Executor<'upload'> = async (command, context) => {
  context.started(null);
  const path = resolvePath(context, command.workdir, command.source);
  reportBeginning(context, { line: `upload ${command.what} ${command.source}`, directory: path });
  return await repeatTransfer(context, async () => {
    const bytes = await (command.what === 'file' ? sendFile : sendDirectory)(path, command, context);
    writeHeader(context.output, `sent ${formatBytes(bytes)}`);
    return succeeded({ bytes });
  });
};

async function sendFile(path: string, command: UploadCommand, context: CommandContext): Promise<number> {
  const facts = await lstatOrNull(path);
  if (facts === null) throw new Failure('not_found', `there is no file ${path} to upload`);
  await using file = await openFile(path, context);
  const { size, mode } = await file.stat();
  assertSmallEnough(path, size, command.maxBytes);
  const stream = file.createReadStream({ highWaterMark: PIECE_BYTES, autoClose: false });
  const body = Readable.from(exactly(stream, size, path), { objectMode: false, highWaterMark: PIECE_BYTES });
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': size,
    [FILE_MODE_HEADER]: (mode & 0o7777).toString(8),
  };
  (await exchange(context, { method: 'PUT', headers, body })).resume();
  return size;
}

function assertSmallEnough(path: string, bytes: number, maxBytes: number | null): void {
  if (maxBytes !== null && bytes > maxBytes)
    throw new Failure(
      'too_large',
      `${path} has more than the ${maxBytes} bytes (${formatBytes(maxBytes)}) that may be uploaded`,
    );
}

/** The stream, if it has the size that was announced: a file that is still written to is not sent by halves. */
async function* exactly(stream: AsyncIterable<Buffer>, size: number, path: string): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const piece of stream) {
    bytes += piece.length;
    if (bytes > size) break;
    yield piece;
  }
  if (bytes !== size) throw new Failure('changed', `${path} changed while it was uploaded`);
}

async function sendDirectory(path: string, command: UploadCommand, context: CommandContext): Promise<number> {
  const facts = await lstatOrNull(path);
  if (facts === null || !facts.isDirectory())
    throw new Failure('not_a_directory', `there is no directory ${path} to upload`);
  await using directory = await openDirectory(path, context);
  const archive = packed(directory, (left) =>
    writeHeader(context.output, `not sent: ${left} is neither a file nor a directory nor a link`),
  );
  let bytes = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    try {
      for await (const piece of archive) {
        bytes += piece.length;
        assertSmallEnough(path, bytes, command.maxBytes);
        yield piece;
      }
    } catch (error) {
      throw error instanceof Failure
        ? error
        : new Failure('not_readable', `cannot read ${path}: ${systemWords(error)}`);
    }
  }
  const body = Readable.from(counted(), { objectMode: false, highWaterMark: PIECE_BYTES });
  (await exchange(context, { method: 'PUT', headers: { 'content-type': 'application/x-tar' }, body })).resume();
  return bytes;
}
