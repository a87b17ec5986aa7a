import {
  anyBranchScheduler,
  type BuilderDeclaration,
  builder,
  dependentScheduler,
  factory,
  type LockAccess,
  type LockDeclaration,
  masterLock,
  nightlyScheduler,
  type PathLockDeclaration,
  pathLock,
  periodicScheduler,
  type SiteDeclaration,
  type SiteOptions,
  shell,
  site,
  trigger,
  triggerableScheduler,
  type WorkerDeclaration,
  worker,
  workerLock,
} from '@icefall/master/config';
import { takeProblems } from '@icefall/master/config/problems';
import type { Dice } from './dice.ts';

/** What the flags of a step are, for the model: never read from the engine. */
export interface StepFacts {
  readonly haltOnFailure: boolean;
  readonly flunkOnFailure: boolean;
  readonly flunkOnWarnings: boolean;
  readonly warnOnFailure: boolean;
  readonly warnOnWarnings: boolean;
  readonly alwaysRun: boolean;
  readonly retryable: boolean;
}

export interface RandomSite {
  readonly site: SiteDeclaration;
  /** By `builder/step`. */
  readonly facts: ReadonlyMap<string, StepFacts>;
  /** Limits of locks by name; worker locks have the same on every worker. */
  readonly limits: ReadonlyMap<string, number>;
  readonly maxAttempts: number;
  /** Locks are taken in any order and held while children are waited for: builds may come to wait for each other. */
  readonly isReckless: boolean;
  /** Makes it anew with other numbers, as an operator changes a running site: limits of locks and of workers. */
  vary(dice: Dice): RandomSite;
}

interface Shape {
  readonly seedOfSteps: number;
  readonly lockLimits: readonly number[];
  readonly workerBuilds: readonly number[];
}

const MAX_ATTEMPTS = 3;
/** Shorter than the longest absence, so that it ends sometimes. */
const CLEAN_UP_GRACE = '14m';
/** Share of sites whose locks can deadlock. */
const RECKLESS = 0.35;

/** A site drawn by dice: workers, locks, builders that trigger others, schedulers of several kinds. */
export function randomSite(dice: Dice, diceOf: (seed: number) => Dice): RandomSite {
  const shape: Shape = {
    seedOfSteps: dice.int(0, 2 ** 31),
    lockLimits: Array.from({ length: dice.int(0, 3) }, () => dice.int(1, 3)),
    workerBuilds: Array.from({ length: dice.int(1, 3) }, () => dice.int(1, 3)),
  };
  return make(shape, diceOf);
}

function make(shape: Shape, diceOf: (seed: number) => Dice): RandomSite {
  const dice = diceOf(shape.seedOfSteps);
  const isReckless = dice.chance(RECKLESS);
  const facts = new Map<string, StepFacts>();
  const locks = shape.lockLimits.map((maxCount, i) => lockOf(`lock${i}`, i, maxCount));
  const workers = shape.workerBuilds.map((maxBuilds, i) =>
    worker({ name: `w${i}`, maxBuilds, cleanUpGrace: CLEAN_UP_GRACE }),
  );
  const draw = new Builders(dice, isReckless, locks, workers, facts);
  const leaves = Array.from({ length: dice.int(1, 4) }, (_, i) => draw.leaf(`leaf${i}`));
  const triggerables = leaves.map((leaf) => triggerableScheduler({ name: `trigger-${leaf.name}`, builders: [leaf] }));
  const parents = Array.from({ length: dice.int(0, 2) }, (_, i) => draw.parent(`parent${i}`, triggerables));
  const builders = [...leaves, ...parents];
  const declared = site({
    title: 'random',
    workers,
    builders,
    schedulers: [...triggerables, ...schedulersFor(dice, builders)],
  });
  // What `icefall check` finds of it is no mistake of this program.
  const problems = takeProblems().filter(({ message }) => !(isReckless && message.includes('wait for each other')));
  if (problems.length > 0) throw new Error(`the drawn site is wrong: ${problems.map((p) => p.message).join('; ')}`);
  return {
    site: declared,
    facts,
    limits: new Map(locks.map((lock) => [lock.name, lock.maxCount])),
    maxAttempts: MAX_ATTEMPTS,
    isReckless,
    vary: (other) =>
      make(
        {
          ...shape,
          lockLimits: shape.lockLimits.map(() => other.int(1, 3)),
          workerBuilds: shape.workerBuilds.map(() => other.int(1, 3)),
        },
        diceOf,
      ),
  };
}

class Builders {
  readonly #dice: Dice;
  readonly #isReckless: boolean;
  readonly #locks: readonly LockDeclaration[];
  readonly #workers: readonly WorkerDeclaration[];
  readonly #facts: Map<string, StepFacts>;

  constructor(
    dice: Dice,
    isReckless: boolean,
    locks: readonly LockDeclaration[],
    workers: readonly WorkerDeclaration[],
    facts: Map<string, StepFacts>,
  ) {
    this.#dice = dice;
    this.#isReckless = isReckless;
    this.#locks = locks;
    this.#workers = workers;
    this.#facts = facts;
  }

  leaf(name: string): BuilderDeclaration {
    const held = this.#dice.chance(0.4) ? this.#accesses(this.#locks) : [];
    // Locks are taken in one order, as a careful site does: otherwise two builds may rightly wait for each other.
    const last = Math.max(-1, ...held.map((access) => this.#locks.indexOf(access.lock)));
    const left = this.#isReckless ? this.#notHeld(held) : this.#locks.slice(last + 1);
    const steps = Array.from({ length: this.#dice.int(1, 4) }, (_, i) => this.#step(name, `s${i}`, left));
    return this.#builder(name, held, steps);
  }

  #notHeld(held: readonly LockAccess[]): LockDeclaration[] {
    return this.#locks.filter((lock) => !held.some((access) => access.lock === lock));
  }

  /** A careful one holds no locks of its own, so that it never waits for a child that waits for it. */
  parent(name: string, schedulers: readonly ReturnType<typeof triggerableScheduler>[]): BuilderDeclaration {
    const chosen = this.#dice.some(schedulers);
    const unimportant = this.#dice.chance(0.2) ? [this.#dice.pick(chosen)] : [];
    const held = this.#isReckless && this.#dice.chance(0.5) ? this.#accesses(this.#locks) : [];
    const left = this.#notHeld(held);
    const locks = this.#isReckless && this.#dice.chance(0.3) ? this.#accesses(left) : [];
    const flags = this.#flags(name, 'go');
    const wait = this.#dice.chance(0.8);
    const go = trigger({ name: 'go', schedulers: chosen, unimportant, wait, locks, ...flags });
    const before = this.#dice.chance(0.5) ? [this.#step(name, 'before', left)] : [];
    const after = this.#dice.chance(0.7) ? [this.#step(name, 'after', left)] : [];
    return this.#builder(name, held, [...before, go, ...after]);
  }

  #builder(name: string, locks: LockAccess[], steps: ReturnType<typeof shell>[]): BuilderDeclaration {
    const collapseRequests = this.#dice.chance(0.25);
    const workers = this.#dice.some(this.#workers);
    const retry = { maxAttempts: MAX_ATTEMPTS, backOff: '10s' } as const;
    return builder({ name, workers, locks, collapseRequests, retry, factory: factory(steps) });
  }

  #step(builderName: string, name: string, locks: readonly LockDeclaration[]) {
    const flags = this.#flags(builderName, name);
    const held = this.#dice.chance(0.4) ? this.#accesses(locks) : [];
    return shell({ name, command: [name], locks: held, doStepIf: this.#dice.chance(0.9), ...flags });
  }

  #flags(builderName: string, name: string): StepFacts {
    const facts = {
      haltOnFailure: this.#dice.chance(0.5),
      flunkOnFailure: this.#dice.chance(0.8),
      flunkOnWarnings: this.#dice.chance(0.2),
      warnOnFailure: this.#dice.chance(0.2),
      warnOnWarnings: this.#dice.chance(0.5),
      alwaysRun: this.#dice.chance(0.2),
      retryable: this.#dice.chance(0.85),
    };
    this.#facts.set(`${builderName}/${name}`, facts);
    return facts;
  }

  #accesses(locks: readonly LockDeclaration[]): LockAccess[] {
    return locks
      .filter(() => this.#dice.chance(0.5))
      .map((lock) => {
        if (isPathLock(lock)) return lock.below(this.#dice.pick(PATHS));
        return this.#dice.chance(0.4) ? lock.exclusive() : lock.counting();
      });
  }
}

/** Some overlap, some do not; the empty one is the whole tree. */
const PATHS = ['', 'a', 'a/b', 'a/c', 'd'];

function lockOf(name: string, i: number, maxCount: number): LockDeclaration {
  if (i === 2) return pathLock(name);
  return i === 1 ? workerLock(name, { maxCount }) : masterLock(name, { maxCount });
}

function isPathLock(lock: LockDeclaration): lock is PathLockDeclaration {
  return 'below' in lock;
}

function schedulersFor(dice: Dice, builders: readonly BuilderDeclaration[]): NonNullable<SiteOptions['schedulers']> {
  const stable = dice.chance(0.5) ? { treeStableTimer: '30s' as const } : {};
  const push = anyBranchScheduler({ name: 'push', builders: dice.some(builders), ...stable });
  const follow = dependentScheduler({ name: 'follow', upstream: push, builders: [dice.pick(builders)] });
  const clock = dice.chance(0.5)
    ? periodicScheduler({ name: 'clock', builders: [dice.pick(builders)], every: '17m' })
    : nightlyScheduler({ name: 'clock', builders: [dice.pick(builders)], cron: '*/20 * * * *' });
  return [push, ...(dice.chance(0.5) ? [follow] : []), ...(dice.chance(0.6) ? [clock] : [])];
}
