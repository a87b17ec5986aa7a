import type { JSX } from 'preact';
import { now } from '../store/clock.ts';
import { live, store } from '../store/index.ts';
import { Ago } from './parts.tsx';
import { relativeTime, secondTime } from './times.ts';

/** What everybody has to know, whatever they look at: that the page is not live, and that the master is in need. */
export function Banners(): JSX.Element {
  return (
    <>
      <StaleBanner />
      <MasterBanners />
    </>
  );
}

/** Says that what is shown is old, and how old. */
function StaleBanner(): JSX.Element | null {
  const connection = live.connection.value;
  if (connection.state !== 'reconnecting') return null;
  return (
    <div class="banner" role="alert" data-stale>
      <b>Not live.</b> What is shown is of {secondTime(connection.since)},{' '}
      {relativeTime(connection.since, browserNow(now.value))}. {connection.why} Trying again by itself.
    </div>
  );
}

/** The browser's clock, read anew whenever the master's ticks: times of the connection are of it. */
function browserNow(_tick: number): number {
  return Date.now();
}

function MasterBanners(): JSX.Element | null {
  const status = store.status.value;
  if (status === null) return null;
  return (
    <>
      {status.alarms.map((alarm) => (
        <div key={alarm.kind} class="banner alarm" role="alert" data-alarm={alarm.kind}>
          <b>Alarm.</b> {alarm.message} <span class="dim">since </span>
          <Ago at={alarm.since} />
        </div>
      ))}
      {status.drainingSince !== null && (
        <div class="banner" role="status" data-draining>
          <b>Draining.</b> No new builds are started; the master stops when those that run have ended. Since{' '}
          <Ago at={status.drainingSince} />
        </div>
      )}
      {status.configErrors.length > 0 && (
        <div class="banner" role="status" data-config-errors={status.configErrors.length}>
          <b>The last reload was refused</b>, the older configuration runs on. <a href="/about">See why</a>
        </div>
      )}
    </>
  );
}
