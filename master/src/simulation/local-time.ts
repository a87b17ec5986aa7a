import { SimulationError } from './errors.ts';

const DAY_MS = 86_400_000;

/**
 * A time that people write, in a time zone: `2025-03-30T02:00` (or with a space), `2025-03-30`, `02:00` (the next one
 * after `now`), or with a zone of its own (`…Z`, `…+02:00`). A time that a change of clocks leaves out is moved
 * on by what is left out; of one that comes twice, the first is meant. Throws {@link SimulationError}.
 */
export function localTime(text: string, timeZone: string, now: number): number {
  const trimmed = text.trim().replace(' ', 'T');
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$/.test(trimmed)) return checked(Date.parse(trimmed), text);
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(trimmed);
  if (clock !== null) {
    const today = wallClock(now, timeZone);
    const wall = today - (today % DAY_MS) + (Number(clock[1]) * 60 + Number(clock[2])) * 60_000;
    const time = checked(ofWallClock(wall, timeZone), text);
    return time >= now ? time : ofWallClock(wall + DAY_MS, timeZone);
  }
  const date = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$/.test(trimmed) ? trimmed : '';
  const parsed = Date.parse(`${date.includes('T') ? date : `${date}T00:00`}Z`);
  // The runtime takes 31 February for a day of March.
  const isOfCalendar = !Number.isNaN(parsed) && new Date(parsed).toISOString().startsWith(date.slice(0, 10));
  const wall = isOfCalendar ? parsed : Number.NaN;
  return ofWallClock(checked(wall, text), timeZone);
}

function checked(time: number, text: string): number {
  if (!Number.isNaN(time)) return time;
  throw new SimulationError(`${JSON.stringify(text)} is no time; write 2025-03-30T02:00, 2025-03-30 or 02:00`);
}

/** What a clock on the wall shows, as if it were UTC. */
export function wallClock(time: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  }).formatToParts(time);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
}

function ofWallClock(wall: number, timeZone: string): number {
  const offset = (time: number) => wallClock(time, timeZone) - time;
  // The offset before and after any change of clocks near that time.
  const [before, after] = [offset(wall - DAY_MS), offset(wall + DAY_MS)];
  const fits = [wall - before, wall - after].filter((time) => wallClock(time, timeZone) === wall);
  // In the gap neither fits: with the offset from before it, it is as long after the gap as it was meant to be in it.
  return fits.length > 0 ? Math.min(...fits) : wall - before;
}
