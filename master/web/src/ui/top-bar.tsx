import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { path } from '../navigation.ts';
import { paths } from '../routes.ts';
import { now } from '../store/clock.ts';
import { live, store } from '../store/index.ts';
import { Who } from '../views/access/who.tsx';
import { forcing, helpOpen, paletteOpen } from './actions.ts';
import { DeedButton } from './deed-button.tsx';
import { theme, toggleTheme } from './theme.ts';
import { secondTime } from './times.ts';

function counts() {
  const requests = store.requests.all.value.filter((request) => request.state === 'pending').length;
  const waiting = store.builds.all.value.reduce(
    (sum, build) =>
      build.finishedAt === null ? sum + build.steps.filter((step) => step.state === 'waitingForLocks').length : sum,
    0,
  );
  const workers = store.workers.all.value;
  const changed = workers.filter((worker) => worker.connected).length;
  return { waiting: requests + waiting, workers: `${changed}/${workers.length}` };
}

/** Where to go, whether the page is live, and the Force button. */
export function TopBar(): JSX.Element {
  const { waiting, workers } = counts();
  const title = store.status.value?.title ?? 'Icefall';
  return (
    <header class="top">
      <a class="brand" href={paths.waterfall} title={`${title}: waterfall`}>
        <img src="/icefall.svg" alt="" width="20" height="20" />
        <span>{title}</span>
      </a>
      <nav aria-label="Views">
        <Tab href={paths.waterfall} label="Waterfall" />
        <Tab href={paths.console} label="Console" />
        <Tab href={paths.builders} label="Builders" />
        <Tab href={paths.queue} label="Queue" count={waiting === 0 ? '' : String(waiting)} />
        <Tab href={paths.workers} label="Workers" count={workers} />
        <Tab href={paths.locks} label="Locks" />
        <Tab href={paths.schedulers} label="Schedulers" />
        <Tab href={paths.changes} label="Changes" />
        <Tab href={paths.about} label="About" />
      </nav>
      <span class="spring" />
      <DeedButton
        deed="force"
        scope="any"
        class="force-top"
        title="Force a build (f)"
        onClick={() => {
          forcing.value = { builder: null, scheduler: null };
        }}
      >
        Force
      </DeedButton>
      <button
        type="button"
        class="quiet"
        aria-label="Search"
        title="Go to anything (Ctrl K)"
        onClick={() => {
          paletteOpen.value = true;
        }}
      >
        <svg class="sign" viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="7" cy="7" r="4.5" />
          <path d="m10.5 10.5 4 4" />
        </svg>
      </button>
      <LiveState />
      <Who />
      <button
        type="button"
        class="quiet"
        aria-label={`Theme: ${theme.value}`}
        title={`Theme: ${theme.value}`}
        onClick={toggleTheme}
      >
        {theme.value === 'dark' ? '◐' : theme.value === 'light' ? '◑' : '◒'}
      </button>
      <button
        type="button"
        class="quiet help"
        aria-label="Keys"
        title="Keys (?)"
        onClick={() => {
          helpOpen.value = true;
        }}
      >
        ?
      </button>
    </header>
  );
}

function Tab({ href, label, count = '' }: { href: string; label: string; count?: string }): JSX.Element {
  const here =
    href === '/'
      ? path.value === '/' || path.value === '/waterfall'
      : path.value.startsWith(href) || (href === paths.console && path.value === paths.grid);
  const link = useRef<HTMLAnchorElement>(null);
  // On a phone not all of them are in view.
  useEffect(() => {
    if (here) link.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [here]);
  return (
    <a ref={link} href={href} aria-current={here ? 'page' : undefined}>
      {label}
      {count !== '' && <span class="count num">{count}</span>}
    </a>
  );
}

function LiveState(): JSX.Element {
  const connection = live.connection.value;
  const text =
    connection.state === 'live'
      ? secondTime(now.value)
      : connection.state === 'loading'
        ? 'loading'
        : connection.state === 'paused'
          ? 'paused'
          : 'reconnecting';
  return (
    <span
      class="live"
      role="status"
      data-live={connection.state}
      title={connection.state === 'live' ? 'Live: the master’s time' : text}
    >
      <i aria-hidden="true" />
      <span class="num" aria-hidden={connection.state === 'live'}>
        {text}
      </span>
      {connection.state === 'live' && <span class="unseen">live</span>}
    </span>
  );
}
