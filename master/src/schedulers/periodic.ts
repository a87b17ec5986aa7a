import type { PeriodicScheduler } from '../config/schedulers.ts';
import { PASSIVE, type Room, type Running } from './running.ts';

interface Data {
  /** When it last started, or tried to. */
  readonly lastStartAt: number;
}

/** When a periodic scheduler starts next: at once the first time, then so long after the last start. */
function nextPeriod(lastStartAt: number | null, everyMs: number, now: number): number {
  return lastStartAt === null ? now : lastStartAt + everyMs;
}

/**
 * The scheduler `periodic`: from start to start, across restarts of the master. One that is overdue, because the master
 * was down or the scheduler switched off, starts once, at once.
 */
export function periodic(declaration: PeriodicScheduler, room: Room): Running {
  const { name, kind, everyMs } = declaration;
  const { core, store, starts } = room;
  const lastStartAt = () => store.data<Data>(name, kind)?.lastStartAt ?? null;
  const setLast = (at: number) => store.setData(name, kind, { lastStartAt: at } satisfies Data);
  const nextAt = () => nextPeriod(lastStartAt(), everyMs, core.now());

  return {
    ...PASSIVE,
    adopt() {
      // A start in the future was noted by a clock that was wrong; to wait for it could take years.
      if ((lastStartAt() ?? 0) > core.now()) setLast(core.now());
    },
    nextAt,
    wake() {
      if (nextAt() > core.now()) return;
      setLast(core.now());
      starts.attempt(declaration, {});
    },
    clockJumped(ms) {
      const last = lastStartAt();
      if (last !== null) setLast(last + ms);
    },
    runNow() {
      setLast(core.now());
      return [starts.start(declaration, {})];
    },
  };
}
