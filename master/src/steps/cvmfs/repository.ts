import { z } from 'zod';
import { declared } from '../../config/declared.ts';
import { type Duration, durationSchema } from '../../config/durations.ts';
import {
  type LockAccess,
  type LockDeclaration,
  type PathLockDeclaration,
  pathLock,
  workerLock,
} from '../../config/locks.ts';
import { treePathSchema } from '../../config/names.ts';
import { callerPlace, type Place, reportIssues, titleOf, usable } from '../../config/problems.ts';
import { computed, isReference, type Renderable, render } from '../../properties/references.ts';
import type { StepOptions } from '../step.ts';

/** A repository of CernVM-FS, as the worker that publishes it sees it. */
export interface CvmfsRepository {
  readonly type: 'cvmfsRepository';
  /** Fully qualified: `software.example.org`. */
  readonly name: string;
  /** The publisher: `cvmfs_server`, or the embedded `icefall-stratum0`, with options that come before a verb. */
  readonly server: readonly string[];
  /** The folder in which the repository is writable during a transaction: `/cvmfs/NAME`. */
  readonly tree: string;
  /** The folder of its own that the publisher keeps for it; a transaction's note of whose it is lies there. */
  readonly spool: string;
  /** The folder, or the address, that holds the published repository. */
  readonly served: string;
  /** The folder with `NAME.pub` and `NAME.crt`. */
  readonly keys: string;
  /** Transactions are leases of a gateway: those of disjoint paths are open at the same time. */
  readonly gateway: boolean;
  /** The gateway that is asked, before a transaction, whether somebody outside this site has the path. */
  readonly leases: { readonly url: string; readonly waitMs: number } | null;
  readonly lock: LockDeclaration;
  /** Through a gateway: of each worker, on which only one transaction can be open; else null, the lock sees to it. */
  readonly machine: LockDeclaration | null;
  readonly place: Place | null;
}

export interface CvmfsRepositoryOptions {
  readonly name: string;
  /** Default `['cvmfs_server']`. */
  readonly server?: readonly string[];
  /** Folder of writable repositories; default `/cvmfs`. */
  readonly mount?: string;
  /** Folder of the publisher's state; default `/var/spool/cvmfs`. */
  readonly spool?: string;
  /** Folder or address of what is published; default `/srv/cvmfs`. */
  readonly served?: string;
  /** Folder of the keys; default `/etc/cvmfs/keys`. */
  readonly keys?: string;
  /**
   * Publishes go through a gateway; default no: one transaction at a time. With its address, a transaction waits (10
   * minutes, if nothing else is said) for a path that a publisher outside this site has; `icefall-gateway` asks.
   */
  readonly gateway?: boolean | { readonly url: string; readonly wait?: Duration };
  /** Taken by whoever publishes; default a path lock named `cvmfs_NAME`. */
  readonly lock?: LockDeclaration;
}

/** The name rules of the stock tools: labels of letters, digits, `-` and `_`, at least two of them, 60 characters. */
const nameSchema = z
  .string()
  .max(60, 'must have at most 60 characters')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)+$/,
    'must be a fully qualified repository name, such as software.example.org',
  );
const folderSchema = z
  .string()
  .regex(/^\/(?!.*(^|\/)\.\.(\/|$))[^\n]*$/, 'must be an absolute path without ".."')
  .transform((path) => path.replace(/(?<=.)\/+$/, ''));
const lockSchema = declared<LockDeclaration>('lock', 'must be a masterLock(...) or pathLock(...)');
function isPlace(text: string): boolean {
  return /^https?:\/\/[^\s/]+/.test(text) || folderSchema.safeParse(text).success;
}
const optionsSchema = z.strictObject({
  name: nameSchema,
  server: z.array(z.string().min(1)).min(1).default(['cvmfs_server']),
  mount: folderSchema.default('/cvmfs'),
  spool: folderSchema.default('/var/spool/cvmfs'),
  served: z.string().refine(isPlace, 'must be an absolute path or an http address').default('/srv/cvmfs'),
  keys: folderSchema.default('/etc/cvmfs/keys'),
  gateway: z
    .union([
      z.boolean(),
      z.strictObject({ url: z.url({ protocol: /^https?$/ }), wait: durationSchema.default(600_000) }),
    ])
    .default(false),
  lock: lockSchema.refine(({ scope }) => scope === 'master', 'must not be a lock of workers').optional(),
});

/** Declares a repository. The steps that publish it are given this value. */
export function cvmfsRepository(options: CvmfsRepositoryOptions): CvmfsRepository {
  const place = callerPlace();
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) reportIssues(place, titleOf('cvmfsRepository', options), options, parsed.error.issues);
  // What is wrong is reported; what is right still takes part in the checks of the whole site.
  const given = optionsSchema.parse({ name: 'invalid.invalid', ...usable(optionsSchema, options) });
  const { name, mount, spool, served, lock, gateway, ...rest } = given;
  return Object.freeze({
    type: 'cvmfsRepository',
    name,
    tree: `${mount}/${name}`,
    spool: `${spool}/${name}`,
    served: `${served.replace(/\/+$/, '')}/${name}`,
    gateway: gateway !== false,
    leases: typeof gateway === 'boolean' ? null : { url: gateway.url, waitMs: gateway.wait },
    lock: lock ?? pathLock(`cvmfs_${name}`),
    machine: gateway === false ? null : workerLock(`cvmfs_machine_${name}`),
    ...rest,
    place,
  });
}

/** Schema for an option that is a repository. */
export const repositorySchema = declared<CvmfsRepository>('cvmfsRepository', 'must be a cvmfsRepository(...)');

/** Schema of a path below a repository's root; a slash at its end is as good as none. */
export const repositoryPathSchema = z.preprocess(
  (path) => (typeof path === 'string' ? path.replace(/(?<=[^/])\/+$/, '') : path),
  treePathSchema,
);

/** The use of its lock by who publishes below a path: of that path where a gateway keeps others out of it, else of all. */
export function publishingLock(repository: CvmfsRepository, path: Renderable<string>): LockAccess {
  return repository.gateway && isPathLock(repository.lock) ? repository.lock.below(path) : repository.lock.exclusive();
}

/** The locks of a transaction: through a gateway, also that of the machine, whose tools have one open at a time. */
export function transactionLocks(repository: CvmfsRepository, path: Renderable<string>): LockAccess[] {
  const { machine } = repository;
  return [publishingLock(repository, path), ...(machine === null ? [] : [machine.exclusive()])];
}

/** The locks of a step that publishes by itself: those that the site names, and the repository's (or the path's). */
export function withOwnLock(
  options: StepOptions & { readonly repository?: unknown },
  path: Renderable<string | undefined> = '',
): NonNullable<StepOptions['locks']> {
  const repository = repositorySchema.safeParse(options?.repository);
  const { locks = [] } = options ?? {};
  if (!repository.success) return locks;
  const own = publishingLock(repository.data, pathOf(path));
  return typeof locks === 'function' ? (run) => [...locks(run), own] : [...locks, own];
}

/** As {@link repositoryPathSchema} reads it; one with a mistake is reported by the step that has it. */
export function pathOf(path: Renderable<string | undefined>): Renderable<string> {
  if (isReference(path)) return computed((run) => repositoryPathSchema.parse(render(path, run) ?? ''));
  const right = repositoryPathSchema.safeParse(path ?? '');
  return right.success ? right.data : '';
}

function isPathLock(lock: LockDeclaration): lock is PathLockDeclaration {
  return 'below' in lock;
}
