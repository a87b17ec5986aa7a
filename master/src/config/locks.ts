import assert from 'node:assert';
import { z } from 'zod';
import { isReference, type Renderable, type RenderContext, render } from '../properties/references.ts';
import { declared } from './declared.ts';
import { type Duration, positiveDurationSchema } from './durations.ts';
import { nameSchema, treePathSchema } from './names.ts';
import { callerPlace, type Place, reportIssues, reportProblem } from './problems.ts';

/** How a step or builder uses a lock. */
export interface LockAccess {
  readonly type: 'lockAccess';
  readonly lock: LockDeclaration;
  readonly mode: 'counting' | 'exclusive';
  readonly count: number;
  /** Of a path lock: only this path and what is below it. Absent or empty: the whole. */
  readonly path?: Renderable<string>;
}

/** A lock of the site. A worker lock is one lock for each worker. */
export interface LockDeclaration {
  readonly type: 'lock';
  readonly name: string;
  readonly scope: 'master' | 'worker';
  readonly maxCount: number;
  /** Other limits than maxCount, by worker name. Only for worker locks. */
  readonly maxCountForWorker: Readonly<Record<string, number>>;
  /** Longest time that anybody should wait for it; longer raises an alarm. Null: as long as it takes. */
  readonly alarmAfterMs: number | null;
  readonly place: Place | null;
  /** Shares the lock: up to maxCount together. `count` is how much of it one holder takes. */
  counting(count?: number): LockAccess;
  /** Holds the lock alone. */
  exclusive(): LockAccess;
}

/** A lock of a tree, of which parts can be held: holders of disjoint paths do not stand in each other's way. */
export interface PathLockDeclaration extends LockDeclaration {
  /** Holds a path, and all below it, alone. `''` is the whole tree. For a step the path may be a reference. */
  below(path: Renderable<string>): LockAccess;
}

export const isPathLock = (lock: LockDeclaration): lock is PathLockDeclaration => 'below' in lock;

/** How many may hold parts of one tree at once: more than anybody publishes at a time. */
const MOST_PATHS_AT_ONCE = 1000;

const maxCount = z.number().int().positive().default(1);
const alarmAfter = positiveDurationSchema.nullable().default(null);
const masterOptions = z.strictObject({ maxCount, alarmAfter });
const pathOptions = z.strictObject({ alarmAfter });
const workerOptions = z.strictObject({
  maxCount,
  maxCountForWorker: z.record(z.string(), z.number().int().positive()).default({}),
  alarmAfter,
});

interface LockOptions {
  /** How many counting holders it takes; default 1. */
  readonly maxCount?: number;
  /** Longest time that anybody should wait for it: a longer wait raises an alarm. Default: none. */
  readonly alarmAfter?: Duration | null;
}

/** A lock that is one for the whole site. */
export function masterLock(name: string, options: LockOptions = {}): LockDeclaration {
  const place = callerPlace();
  const parsed = masterOptions.safeParse(options);
  if (!parsed.success) reportIssues(place, `lock "${name}"`, options, parsed.error.issues);
  return declare('master', name, { ...NO_LIMITS, ...parsed.data }, place);
}

/** A lock that is one for each worker. */
export function workerLock(
  name: string,
  options: LockOptions & { readonly maxCountForWorker?: Readonly<Record<string, number>> } = {},
): LockDeclaration {
  const place = callerPlace();
  const parsed = workerOptions.safeParse(options);
  if (!parsed.success) reportIssues(place, `lock "${name}"`, options, parsed.error.issues);
  return declare('worker', name, { ...NO_LIMITS, ...parsed.data }, place);
}

/**
 * A lock of a tree, such as a repository: `LOCK.below('some/path')` holds a path alone, `LOCK.exclusive()` the whole tree.
 * Overlapping paths (the same, or one above the other) exclude each other, others do not.
 */
export function pathLock(name: string, options: Pick<LockOptions, 'alarmAfter'> = {}): PathLockDeclaration {
  const place = callerPlace();
  const title = `lock "${name}"`;
  const parsed = pathOptions.safeParse(options);
  if (!parsed.success) reportIssues(place, title, options, parsed.error.issues);
  const lock: PathLockDeclaration = {
    ...declare('master', name, { ...NO_LIMITS, ...parsed.data, maxCount: MOST_PATHS_AT_ONCE }, place),
    counting() {
      reportProblem(callerPlace(), `${title}: a path lock is not counted; use below(PATH) or exclusive()`);
      return lock.exclusive();
    },
    exclusive: () => lock.below(''),
    below(path) {
      const right = isReference(path) ? null : treePathSchema.safeParse(path);
      if (right?.success === false) reportIssues(callerPlace(), `${title}: below()`, path, right.error.issues);
      const usable = right?.success === false ? '' : path;
      return Object.freeze({ type: 'lockAccess' as const, lock, mode: 'exclusive' as const, count: 1, path: usable });
    },
  };
  return Object.freeze(lock);
}

const NO_LIMITS = { maxCount: 1, maxCountForWorker: {}, alarmAfter: null };

function declare(
  scope: 'master' | 'worker',
  name: string,
  { alarmAfter: alarmAfterMs, ...limits }: z.output<typeof workerOptions>,
  place: Place | null,
): LockDeclaration {
  const named = nameSchema.safeParse(name);
  if (!named.success) reportIssues(place, `lock "${name}"`, undefined, named.error.issues);
  const most = Math.max(limits.maxCount, ...Object.values(limits.maxCountForWorker));
  const lock: LockDeclaration = {
    type: 'lock',
    name,
    scope,
    ...limits,
    alarmAfterMs,
    place,
    counting(count = 1) {
      if (!Number.isInteger(count) || count < 1 || count > most)
        reportProblem(
          callerPlace(),
          `lock "${name}": counting(${count}) can never be granted; the lock has maxCount ${most}`,
        );
      return Object.freeze({ type: 'lockAccess' as const, lock, mode: 'counting' as const, count });
    },
    exclusive() {
      return Object.freeze({ type: 'lockAccess' as const, lock, mode: 'exclusive' as const, count: 1 });
    },
  };
  return Object.freeze(lock);
}

/** Schema for an option that is a lock access. */
export const lockAccessSchema = declared<LockAccess>(
  'lockAccess',
  'must be a use of a lock: LOCK.counting() or LOCK.exclusive()',
);

/** For who has no step's properties: builders and workers. */
export const fixedLockAccessSchema = lockAccessSchema.refine(({ path }) => !isReference(path), {
  message: 'must be of a path that is known: only a step may lock a path that is a reference',
});

/** A use of a lock whose path is known. Throws where a reference gives what is no path of a tree. */
export function renderedAccess(access: LockAccess, context: RenderContext): LockAccess {
  if (!isReference(access.path)) return access;
  const path = treePathSchema.safeParse(render(access.path, context));
  if (path.success) return Object.freeze({ ...access, path: path.data });
  throw new Error(`lock "${access.lock.name}": the path ${access.path.text} ${path.error.issues[0]?.message}`);
}

/** What one use of a lock means for the lock's key and those derived from it. */
export interface LockPart {
  /** The lock's name, or `name/path` for a part of a path lock. */
  readonly key: string;
  readonly mode: 'counting' | 'exclusive';
  readonly count: number;
}

/**
 * The parts that a use takes. A path is held alone, and everything above it is shared: so whoever wants something above
 * waits for those below, and the other way round (the intention locks of databases).
 */
export function partsOf({ lock: { name }, mode, count, path = '' }: LockAccess): LockPart[] {
  assert(!isReference(path), `the path of lock "${name}" is not known yet`);
  if (path === '') return [{ key: name, mode, count }];
  const keys = path.split('/').map((_, i, words) => `${name}/${words.slice(0, i + 1).join('/')}`);
  const above = [name, ...keys.slice(0, -1)].map((key) => ({ key, mode: 'counting' as const, count: 1 }));
  return [...above, { key: `${name}/${path}`, mode, count }];
}

/** Name and worker of a lock, of its key: `name`, `name@worker` or `name/path`. */
export function lockOfKey(key: string): { readonly name: string; readonly worker: string | null } {
  const [name = '', worker = null] = key.includes('/') ? [key.split('/', 1)[0]] : key.split('@');
  return { name, worker };
}
