import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Context } from '../context.ts';
import { removeIfThere, replaceFile } from '../disk.ts';
import { Stratum0Error, systemCode } from '../errors.ts';
import type { RepositoryPaths } from '../paths.ts';

/**
 * A transaction on disk. It exists from `transaction` to the end of `publish` or `abort`:
 *
 * | file                | manifest           | means                                                              |
 * |---------------------|--------------------|--------------------------------------------------------------------|
 * | none                | any                | no transaction                                                     |
 * | without `published` | any                | open; the mount tree may hold changes                              |
 * | with `published`    | another root       | a publish was cut off before the manifest was replaced: still open |
 * | with `published`    | root of `published` | a publish was cut off after that: it is done, only to be closed    |
 */
export interface Transaction {
  readonly owner: string;
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
  /** Only this path, and what is below it, may change; empty: the whole repository. */
  readonly path: string;
  /** What a publish was about to make the new state. */
  readonly published: { readonly root: string; readonly revision: number } | null;
  /** The new state does not come from the mount tree: the tree is made like it once the manifest is in place (rollback). */
  readonly restores: boolean;
}

/** The open transaction, or null. Throws `bad_state` when the file cannot be understood. */
export async function readTransaction(paths: RepositoryPaths): Promise<Transaction | null> {
  let text: string;
  try {
    text = await readFile(paths.transaction, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
  const transaction = parse(text);
  if (transaction === null)
    throw new Stratum0Error(
      'bad_state',
      `${paths.transaction} is not a transaction's record: remove it, open a transaction and abort that, which puts back whatever was changed`,
    );
  return transaction;
}

function parse(text: string): Transaction | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { owner, host, openedAt, path, published, restores: isRestoring } = Object.fromEntries(Object.entries(value));
  if (typeof owner !== 'string' || typeof host !== 'string' || !isTime(openedAt) || typeof path !== 'string')
    return null;
  const restores = isRestoring === true;
  if (published === null) return { owner, host, openedAt, path, published, restores };
  if (typeof published?.root !== 'string' || typeof published?.revision !== 'number') return null;
  return { owner, host, openedAt, path, published: { root: published.root, revision: published.revision }, restores };
}

/** Milliseconds since the epoch that a date can be made of. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime());
}

export function newTransaction(context: Context, path: string): Transaction {
  return { owner: context.owner, host: hostname(), openedAt: context.now(), path, published: null, restores: false };
}

export function writeTransaction(context: Context, paths: RepositoryPaths, transaction: Transaction): Promise<void> {
  const content = Buffer.from(`${JSON.stringify(transaction, null, 2)}\n`);
  return replaceFile(context.disk, paths.transaction, `${paths.transaction}.new`, content);
}

export async function removeTransaction(context: Context, paths: RepositoryPaths): Promise<void> {
  await removeIfThere(context.disk, paths.transaction);
  await context.disk.syncDirectory(paths.spool);
}

/** Whose it is and since when, for people. */
export function describeTransaction(transaction: Transaction): string {
  const where = transaction.path === '' ? '' : ` on ${transaction.path}`;
  const cut = transaction.published === null ? '' : '; a publish of it was cut off';
  return `opened by ${transaction.owner} on host ${transaction.host} at ${new Date(transaction.openedAt).toISOString()}${where}${cut}`;
}
