import { createReadStream } from 'node:fs';
import type { Context } from '../context.ts';
import { namingFullDisk, Stratum0Error, systemCode } from '../errors.ts';
import { existingRepository } from '../repository.ts';
import { unpackArchive } from '../transaction/unpack.ts';
import { abort } from './abort.ts';
import { beginTransaction } from './begin.ts';
import { type PublishOptions, publish } from './publish.ts';

/** What is ingested. */
export interface Ingestion {
  /** Where in the repository; not its root. */
  readonly base: string;
  /** A tar archive, compressed or not: its file, or a stream of its bytes. */
  readonly archive: string | NodeJS.ReadableStream;
}

/**
 * Publishes what is in a tar archive at a path of the repository, in one transaction: names that are there already are
 * replaced, others stay. Any failure aborts the transaction. Throws `bad_archive` for an archive that is damaged, leads out
 * of the path, or holds what a repository cannot; `outside_path` for a path behind a symbolic link.
 */
export async function ingest(
  context: Context,
  name: string,
  { base, archive }: Ingestion,
  options: PublishOptions,
): Promise<void> {
  const { mount } = existingRepository(context, name);
  if (base === '') throw new Stratum0Error('usage', 'say where to: -b PATH; the root of a repository cannot be one');
  await beginTransaction(context, name, base);
  try {
    await namingFullDisk(name, () => unpack(archive, mount, base));
    await publish(context, name, options);
  } catch (error) {
    await abort(context, name).catch((failure: unknown) => tellFailure(context, name, failure));
    throw error;
  }
}

/** Why it was to be aborted is the error that matters. */
function tellFailure({ say }: Context, name: string, failure: unknown): void {
  // It had ended already: what failed came after that.
  if (failure instanceof Stratum0Error && failure.code === 'no_transaction') return;
  say(`The transaction on ${name} is still open, it could not be aborted: ${String(failure)}`);
}

async function unpack(archive: Ingestion['archive'], mount: string, base: string): Promise<void> {
  const source = typeof archive === 'string' ? createReadStream(archive) : archive;
  try {
    await unpackArchive(source, mount, base);
  } catch (error) {
    if (error instanceof Stratum0Error || ['ENOSPC', 'EDQUOT'].includes(systemCode(error))) throw error;
    const what = typeof archive === 'string' ? archive : 'the archive';
    throw new Stratum0Error(
      'bad_archive',
      `${what} cannot be unpacked: ${error instanceof Error ? error.message : error}`,
    );
  }
}
