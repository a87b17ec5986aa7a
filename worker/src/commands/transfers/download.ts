import { createWriteStream } from 'node:fs';
import { chmod, rename, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type DownloadCommand, FILE_MODE_HEADER, formatBytes } from '@icefall/shared';
import { extract } from 'tar';
import { Failure, messageOf, systemCode, systemWords } from '../../failure.ts';
import { writeHeader } from '../../processes/output.ts';
import { openDirectory, pathOf } from '../confinement.ts';
import { type CommandContext, type Executor, succeeded } from '../context.ts';
import { resolvePath } from '../paths.ts';
import { reportBeginning } from '../report.ts';
import { didWell } from '../tools.ts';
import { copyTree, lstatOrNull, makeDirectoryAt, removeTrees } from '../trees.ts';
import { exchange, PassingFailure } from './exchange.ts';
import { repeatTransfer } from './repeat.ts';

/** Of a file that came without mode. */
const DEFAULT_MODE = 0o644;

/** Fetches a file, or a directory as a tar stream, from the master. */
export const download: Executor<'download'> = async (command, context) => {
  context.started(null);
  const path = resolvePath(context, command.workdir, command.destination);
  reportBeginning(context, { line: `download ${command.what} ${command.destination}`, directory: path });
  await makeDirectoryAt(dirname(path));
  await using parent = await openDirectory(dirname(path), context);
  const place = join(pathOf(parent), basename(path));
  // Beside the destination, so that it can be renamed; it appears there whole or not at all.
  const part = `${place}.icefall-${context.commandId}-${context.epoch}`;
  try {
    return await repeatTransfer(context, async () => {
      await rm(part, { recursive: true, force: true });
      const answer = await exchange(context, { method: 'GET' });
      const counted = countBytes(answer);
      await (command.what === 'file' ? receiveFile : receiveDirectory)(answer, { path, place, part }, command, context);
      writeHeader(context.output, `received ${formatBytes(counted.bytes)}`);
      return succeeded({ bytes: counted.bytes });
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
};

interface Places {
  /** As the step names it. */
  readonly path: string;
  /** The same, below a directory that is open. */
  readonly place: string;
  readonly part: string;
}

function countBytes(answer: IncomingMessage): { bytes: number } {
  const counted = { bytes: 0 };
  answer.on('data', (piece: Buffer) => {
    counted.bytes += piece.length;
  });
  answer.pause();
  return counted;
}

async function receiveFile(
  answer: IncomingMessage,
  { path, place, part }: Places,
  command: DownloadCommand,
): Promise<void> {
  const facts = await lstatOrNull(place);
  if (facts?.isDirectory()) throw new Failure('is_a_directory', `cannot download to ${path}: it is a directory`);
  await receive(answer, createWriteStream(part, { mode: 0o600 }), path);
  await chmod(part, command.mode ?? modeOf(answer));
  await rename(part, place);
}

function modeOf(answer: IncomingMessage): number {
  const header = answer.headers[FILE_MODE_HEADER];
  const mode = typeof header === 'string' && /^[0-7]{1,4}$/.test(header) ? Number.parseInt(header, 8) : DEFAULT_MODE;
  return mode;
}

/** The content goes into the destination where that exists: it is not emptied first. */
async function receiveDirectory(
  answer: IncomingMessage,
  { path, place, part }: Places,
  _command: DownloadCommand,
  context: CommandContext,
): Promise<void> {
  await makeDirectoryAt(part);
  // strict: an entry that would leave the directory fails the whole archive, instead of being left out.
  const target = extract({ cwd: part, strict: true, preserveOwner: false, chmod: true });
  await receive(answer, target, path);
  if ((await lstatOrNull(place)) === null) {
    await rename(part, place);
    return;
  }
  const copied = await copyTree(context, { from: part, to: place });
  if (!didWell(copied)) throw new Failure('not_writable', `cannot write what was downloaded into ${path}`);
  await removeTrees(context, [part]);
}

async function receive(answer: IncomingMessage, target: NodeJS.WritableStream, path: string): Promise<void> {
  try {
    await pipeline(answer, target);
  } catch (error) {
    if (answer.destroyed && !answer.complete && isConnectionFault(error))
      throw new PassingFailure(`the connection broke: ${systemWords(error)}`, { cause: error });
    const code = tarCode(error) ? 'unsafe_archive' : 'not_writable';
    throw new Failure(code, `cannot write ${path}: ${tarCode(error) ? messageOf(error) : systemWords(error)}`);
  }
}

function isConnectionFault(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ECONNRESET' || code === 'ETIMEDOUT' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === undefined;
}

function tarCode(error: unknown): boolean {
  return error instanceof Error && 'tarCode' in error;
}
