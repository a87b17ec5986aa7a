import type { NightlyScheduler } from '../config/schedulers.ts';
import { nextOccurrence } from './cron.ts';
import { changesOf, classify, type Room, type Running } from './running.ts';
import type { Start, Started } from './starts.ts';

/** What is stored. */
export interface NightlyData {
  /** The pattern and zone that `doneUntil` belongs to. */
  readonly cron: string;
  readonly timeZone: string;
  /** Occurrences up to this time have been dealt with. Stored with the start, so that none comes twice. */
  readonly doneUntil: number;
  /** Whether it ever ran, with `onlyIfChanged` as it is now. */
  readonly ran: boolean;
  readonly onlyIfChanged: boolean;
}

/**
 * How far in the future the last occurrence may lie before it counts as noted by a clock that was wrong, rather than the
 * clock having been set back a little: a day is more than any correction, and less than anybody wants to miss.
 */
const CLOCK_TRUST_MS = 24 * 3_600_000;

type Options = Pick<NightlyScheduler, 'cron' | 'onlyIfChanged' | 'missed'>;

/**
 * Stored data brought in line with the declaration. A scheduler that is new, or has a new pattern or zone, begins now:
 * times of the new pattern that have passed were never promised.
 */
function adoptNightly(data: NightlyData | null, options: Options, timeZone: string, now: number): NightlyData {
  const { cron, onlyIfChanged } = options;
  if (data === null) return { cron, timeZone, doneUntil: now, ran: false, onlyIfChanged };
  const isSame = data.cron === cron && data.timeZone === timeZone && data.doneUntil <= now + CLOCK_TRUST_MS;
  return {
    cron,
    timeZone,
    doneUntil: isSame ? data.doneUntil : now,
    // Before it was told to look for changes it did not collect them, so the first run builds.
    ran: data.ran && (data.onlyIfChanged || !onlyIfChanged),
    onlyIfChanged,
  };
}

export interface NightlyMoment {
  readonly now: number;
  /** Occurrences before it were missed: the master was down. */
  readonly liveSince: number;
  readonly hasImportantChange: boolean;
}

/**
 * What an awakening makes of it: the next data, and whether to start. However many occurrences have passed since the
 * last awakening, it starts once; if all of them passed while the master was down, `missed` decides. A start that is
 * passed over because nothing changed counts as dealt with.
 */
function wakeNightly(
  data: NightlyData,
  options: Options,
  moment: NightlyMoment,
): { data: NightlyData; starts: boolean } {
  const { now, liveSince, hasImportantChange } = moment;
  const occursBetween = (after: number) => {
    const next = nextOccurrence(data.cron, data.timeZone, after);
    return next !== null && next <= now;
  };
  if (!occursBetween(data.doneUntil)) return { data, starts: false };
  const isMissed = !occursBetween(Math.max(data.doneUntil, liveSince - 1));
  const isWanted = !options.onlyIfChanged || !data.ran || hasImportantChange;
  const starts = isWanted && !(isMissed && options.missed === 'skip');
  return { data: { ...data, doneUntil: now, ran: data.ran || starts }, starts };
}

/**
 * The scheduler `nightly`. It collects changes for its next buildset if the declaration says which (`changes`,
 * `isImportant`) or `onlyIfChanged`; else its buildsets are of the declared code bases, as they are then.
 */
export function nightly(declaration: NightlyScheduler, room: Room): Running {
  const { name, kind, onlyIfChanged, changes: filter, isImportant } = declaration;
  const { core, store, starts } = room;
  const collects = onlyIfChanged || isImportant !== null || Object.keys(filter).length > 0;
  const stored = () => store.data<NightlyData>(name, kind);
  const adopted = () => adoptNightly(stored(), declaration, declaration.timeZone ?? room.siteTimeZone(), core.now());
  const setData = (data: NightlyData) => store.setData(name, kind, data);

  function build(make: (start: Start) => Started | null): Started[] {
    const changes = changesOf(
      room,
      store.pending(name).map((change) => change.changeId),
    );
    const started = make({ changes });
    if (started === null) return [];
    store.built(
      name,
      changes.map((change) => change.id),
    );
    return [started];
  }

  return {
    adopt: () => setData(adopted()),
    nextAt() {
      const { cron, timeZone, doneUntil } = stored() ?? adopted();
      return nextOccurrence(cron, timeZone, doneUntil);
    },
    wake() {
      const woken = wakeNightly(stored() ?? adopted(), declaration, {
        now: core.now(),
        liveSince: room.liveSince(),
        hasImportantChange: store.pending(name).some((change) => change.important),
      });
      setData(woken.data);
      if (woken.starts) build((start) => starts.attempt(declaration, start));
    },
    clockJumped: () => setData(adopted()),
    changeArrived(change) {
      if (!collects) return;
      const importance = classify(declaration, room, change);
      if (importance !== null) store.note(name, { changeId: change.id, important: importance === 'important' });
    },
    enabled() {
      // What passed while it was switched off was not wanted.
      setData({ ...adopted(), doneUntil: core.now() });
    },
    runNow() {
      setData({ ...adopted(), ran: true });
      return build((start) => starts.start(declaration, start));
    },
  };
}
