import { setImmediate } from 'node:timers/promises';
import { formatBytes } from '@icefall/shared/text';
import { type BytePath, forPeople, parentPath } from '../byte-path.ts';
import type { CatalogForest, CatalogStorage } from '../catalog/forest.ts';
import { type AttributeList, encodeAttributes } from '../catalog/xattrs.ts';
import type { Context } from '../context.ts';
import { realDisk } from '../disk.ts';
import type { HashAlgorithm } from '../objects/hashes.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { PackJob } from '../objects/pack.ts';
import { inlinePacker, type PackedFile, type Packer, threadedPacker } from '../objects/pool.ts';
import type { RepositoryPaths } from '../paths.ts';
import type { Settings } from '../settings.ts';
import { readAttributes } from '../tree/attributes.ts';
import { DIRTAB } from '../tree/dirtab.ts';
import { type FileStamp, fileStamp, isRacy, type MountIndex, partialStamp, unknownStamp } from '../tree/mount-index.ts';
import type { DirectoryScan, Found, ScanStep } from '../tree/scan.ts';
import type { Survey } from '../tree/survey.ts';
import { absolute } from '../tree/tree.ts';
import { applyChanges } from './forest-changes.ts';
import { type Counts, noCounts } from './statistics.ts';

/** Entries that are found before they are stored and put into the catalogs together: what a publish holds in memory. */
const BATCH_ENTRIES = 500;
/** Batches that are stored while the tree is looked at further. */
const BATCHES_AHEAD = 8;
/** Files from which on the disk begins to write while others are still packed. */
const MANY_FILES = 1000;
/** Files between two lines of progress. */
const PROGRESS_FILES = 10_000;

/** What a publish works on. */
export interface Intake {
  readonly paths: RepositoryPaths;
  /** In a change that is open. */
  readonly index: MountIndex;
  readonly forest: CatalogForest;
  readonly store: ObjectStore;
  readonly storage: CatalogStorage;
  /** Only this path may change; empty: all. */
  readonly scope: BytePath;
  readonly settings: Settings;
  readonly algorithm: HashAlgorithm;
  /** Made before the scan began; null: none. */
  readonly survey: Survey | null;
}

/** What was taken in. */
export interface Taken {
  entries: number;
  filesRead: number;
  bytesRead: number;
  readonly counts: Counts;
}

/**
 * Takes what a scan finds into store, catalogs and index, batch by batch: while one is stored by threads the next one is
 * looked for, and catalogs in which nothing more can change are written. So memory does not grow with the change, but with
 * the largest directory and the largest catalog.
 */
export async function takeIn(context: Context, intake: Intake, steps: Iterable<ScanStep>): Promise<Taken> {
  const packer = choosePacker(context, intake.paths);
  const taken: Taken = { entries: 0, filesRead: 0, bytesRead: 0, counts: noCounts() };
  const looked = new LookedAt();
  const waiting: Batch[] = [];
  const applyFirst = async (): Promise<void> => {
    const batch = waiting.shift();
    if (batch !== undefined) await applyBatch(context, intake, batch, taken, looked);
  };
  let files = 0;
  try {
    for (const found of batchesOf(steps)) {
      const batch = beginBatch(context, intake, packer, found);
      waiting.push(batch);
      // What is to be packed was often written just before.
      if (files < MANY_FILES && files + batch.files.length >= MANY_FILES) intake.store.hasten();
      files += batch.files.length;
      // The threads' messages come in between.
      if (waiting.length > BATCHES_AHEAD) await applyFirst();
      else await setImmediate();
    }
    if (files >= MANY_FILES) intake.store.hasten();
    while (waiting.length > 0) await applyFirst();
    looked.settle(intake);
  } finally {
    await packer.close();
  }
  context.say(
    `Looked at ${intake.survey?.names ?? taken.entries} entries of ${intake.paths.mount}; stored ${taken.filesRead} files, ${formatBytes(taken.bytesRead)}: ${taken.counts.chunks_added} new objects, ${formatBytes(taken.counts.sz_bytes_uploaded)}`,
  );
  return taken;
}

function* batchesOf(steps: Iterable<ScanStep>): Generator<ScanStep[]> {
  let batch: ScanStep[] = [];
  let size = 0;
  for (const step of steps) {
    batch.push(step);
    size += 1 + (step.type === 'directory' ? step.found.length : 0);
    if (size < BATCH_ENTRIES) continue;
    yield batch;
    batch = [];
    size = 0;
  }
  if (batch.length > 0) yield batch;
}

/** Steps of a scan of which the files are being stored. */
interface Batch {
  readonly steps: readonly ScanStep[];
  /** Milliseconds since the epoch. */
  readonly seenAt: number;
  /** Of a group of hard links one name is read. */
  readonly files: readonly Found[];
  /** Of every file found: where what it is stored as is in `packed`. */
  readonly indexes: ReadonlyMap<Found, number>;
  readonly packed: Promise<readonly PackedFile[]>;
  readonly attributes: Promise<ReadonlyMap<BytePath, AttributeList>>;
}

function beginBatch(context: Context, intake: Intake, packer: Packer, steps: readonly ScanStep[]): Batch {
  const { paths, settings } = intake;
  const { files, indexes } = filesOf(steps);
  const packed = packer.pack(files.map((file) => jobOf(intake, file)));
  // Looked at when its turn comes; until then a failure is nobody's.
  packed.catch(() => {});
  const found = steps.flatMap((step) => (step.type === 'directory' ? step.found : []));
  const attributes = settings.includesAttributes ? listAttributes(context, paths, found) : Promise.resolve(new Map());
  attributes.catch(() => {});
  return { steps, seenAt: context.now(), files, indexes, packed, attributes };
}

function filesOf(steps: readonly ScanStep[]): Pick<Batch, 'files' | 'indexes'> {
  const files: Found[] = [];
  const indexes = new Map<Found, number>();
  const linked = new Map<string, number>();
  for (const step of steps)
    for (const item of step.type === 'directory' ? step.found : []) {
      if (item.type !== 'file') continue;
      const inode = item.stat.nlink > 1n ? `${item.stat.dev} ${item.stat.ino}` : null;
      const index = (inode === null ? undefined : linked.get(inode)) ?? files.push(item) - 1;
      indexes.set(item, index);
      if (inode !== null) linked.set(inode, index);
    }
  return { files, indexes };
}

async function listAttributes(
  context: Context,
  paths: RepositoryPaths,
  found: readonly Found[],
): Promise<ReadonlyMap<BytePath, AttributeList>> {
  const ofThese = found.filter(({ type }) => type !== 'symlink').map(({ path }) => path);
  const lists = new Map<BytePath, AttributeList>();
  for (const [path, attributes] of await readAttributes(paths.mount, ofThese)) {
    const list = encodeAttributes(attributes, (name) =>
      context.say(`Warning: ${forPeople(path)}: the extended attribute ${forPeople(name)} is too long to be published`),
    );
    if (list !== null) lists.set(path, list);
  }
  return lists;
}

async function applyBatch(
  context: Context,
  intake: Intake,
  batch: Batch,
  taken: Taken,
  looked: LookedAt,
): Promise<void> {
  const packed = await batch.packed;
  const attributes = await batch.attributes;
  for (const [i, file] of batch.files.entries()) {
    const result = packed[i];
    if (result === undefined) throw new Error(`${forPeople(file.path)} was not stored`);
    count(context, taken, file, result);
    intake.store.add(result.newObjects);
  }
  const { paths, scope } = intake;
  const stored = {
    ...{ packed: (item: Found) => packed[batch.indexes.get(item) ?? -1], attributes, mount: paths.mount, scope },
    counts: taken.counts,
  };
  for (const step of batch.steps) {
    if (step.type === 'left') {
      await intake.forest.finish(step.directory, intake.storage);
      continue;
    }
    taken.entries += step.names;
    applyChanges(intake.forest, step, stored);
    for (const path of step.removed) intake.index.remove(path);
    looked.add(step);
    for (const item of step.found) {
      const isSettled = !item.isPartial && !isRacy(item.stat, batch.seenAt);
      intake.index.put(item.path, isSettled ? fileStamp(item.stat, item.type) : openStamp(item));
      if (!isSettled) looked.leaveOpen(item);
    }
  }
}

/** Directories of which a scan has seen every name. */
class LookedAt {
  readonly #whole = new Set<BytePath>();
  /** Those in which something has to be looked at anew. */
  readonly #open = new Set<BytePath>();
  #hasNewRules = false;

  add(step: DirectoryScan): void {
    if (step.isMarked !== null) this.#whole.add(step.directory);
    this.#hasNewRules ||= step.removed.includes(DIRTAB) || step.found.some(({ path }) => path === DIRTAB);
  }

  leaveOpen({ path }: Found): void {
    this.#open.add(parentPath(path));
  }

  /**
   * Puts the digests of a survey into the index. It was made before the scan: what changed in between makes the next
   * one different. Rules for markers that were seen without a look at everything make the next publish look there.
   */
  settle({ survey, index }: Intake): void {
    if (this.#hasNewRules) index.forgetDigests();
    if (survey === null) return;
    const settled = [...survey.digests].filter(([path]) => this.#whole.has(path) && !this.#open.has(path));
    index.putDigests(settled);
  }
}

function count(context: Context, taken: Taken, file: Found, packed: PackedFile): void {
  taken.filesRead += 1;
  taken.bytesRead += Number(file.stat.size);
  taken.counts.chunks_added += packed.newObjects.length;
  taken.counts.chunks_duplicated += Math.max(1, packed.chunks.length) - packed.newObjects.length;
  taken.counts.sz_bytes_uploaded += packed.storedBytes;
  if (taken.filesRead % PROGRESS_FILES === 0) context.say(`Stored ${taken.filesRead} files so far`);
}

/** Of what has to be looked at anew. */
function openStamp({ type, stat, isPartial }: Found): FileStamp {
  return isPartial ? partialStamp(stat) : unknownStamp(type);
}

/** Threads pay only for more than a few files; a disk that is not the real one cannot be handed to them. */
const FEW_FILES = 4;
const FEW_BYTES = 1024 * 1024;

function choosePacker(context: Context, paths: RepositoryPaths): Packer {
  const inline = inlinePacker((name, bytes) => context.disk.putObject(`${paths.served}/${name}`, bytes));
  if (context.threads === 0 || context.disk !== realDisk) return inline;
  const threaded = threadedPacker(paths.served, context.threads);
  const isFew = (jobs: readonly PackJob[]): boolean =>
    jobs.length <= FEW_FILES && jobs.every(({ sizeBytes }) => sizeBytes < FEW_BYTES);
  return { pack: (jobs) => (isFew(jobs) ? inline : threaded).pack(jobs), close: () => threaded.close() };
}

function jobOf({ paths, algorithm }: Intake, { path, stat }: Found): PackJob {
  return {
    path: absolute(paths.mount, path),
    label: forPeople(path),
    algorithm,
    sizeBytes: Number(stat.size),
    inode: stat.ino,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
  };
}
