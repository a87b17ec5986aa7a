import { formatDuration } from '@icefall/shared/text';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const seconds = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

/** `14:32`, in the browser's time zone. */
export const clockTime = (at: number) => clock.format(at);
/** `14:32:07`. */
export const secondTime = (at: number) => seconds.format(at);
/** `Sat 21 Nov`. */
export const dayName = (at: number) => day.format(at);
/** Everything that a time has, the zone included. */
export const fullTime = (at: number) => full.format(at);

/** `14:32:07.123`, for lines of logs. */
export function lineTime(at: number): string {
  return `${seconds.format(at)}.${String(Math.floor(at) % 1000).padStart(3, '0')}`;
}

/** `4 m ago`, `in 2 h 05 m`, `now`: one unit below an hour, for that is how people say it. */
export function relativeTime(at: number, now: number): string {
  const ms = Math.abs(now - at);
  if (ms < 2000) return 'now';
  const text = ms < 60_000 ? `${Math.round(ms / 1000)} s` : ms < 3_600_000 ? `${Math.round(ms / 60_000)} m` : long(ms);
  return at > now ? `in ${text}` : `${text} ago`;
}

function long(ms: number): string {
  return ms < 10 * 3_600_000
    ? formatDuration(ms)
    : ms < 48 * 3_600_000
      ? `${Math.round(ms / 3_600_000)} h`
      : `${Math.round(ms / 86_400_000)} d`;
}

/** Shorter than {@link formatDuration}, for narrow boxes: `4 s`, `12 m`, `2 h 05`. */
export function shortDuration(ms: number): string {
  if (ms < 59_500) return `${Math.max(0, Math.round(ms / 1000))} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `${minutes} m`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')}`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}
