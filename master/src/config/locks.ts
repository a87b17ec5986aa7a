import { z } from 'zod';
import { type Duration, positiveDurationSchema } from './durations.ts';
import { nameSchema } from './names.ts';
import { callerPlace, type Place, reportIssues, reportProblem } from './problems.ts';

/** How a step or builder uses a lock. */
export interface LockAccess {
  readonly type: 'lockAccess';
  readonly lock: LockDeclaration;
  readonly mode: 'counting' | 'exclusive';
  readonly count: number;
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

const maxCount = z.number().int().positive().default(1);
const alarmAfter = positiveDurationSchema.nullable().default(null);
const masterOptions = z.strictObject({ maxCount, alarmAfter });
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
export const lockAccessSchema = z.custom<LockAccess>(
  (value) => typeof value === 'object' && value !== null && Reflect.get(value, 'type') === 'lockAccess',
  'must be a use of a lock: LOCK.counting() or LOCK.exclusive()',
);
