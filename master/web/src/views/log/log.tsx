import { formatBytes } from '@icefall/shared/text';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { logFile } from '../../api/endpoints.ts';
import { hashOfLines, linesOfHash } from '../../log/position.ts';
import { createLogSession, type LogSession } from '../../log/session.ts';
import { hash, setHash } from '../../navigation.ts';
import { paths } from '../../routes.ts';
import { store } from '../../store/index.ts';
import { lookOfBuild, lookOfStep } from '../../ui/look.ts';
import { Badge, Empty, Glyph } from '../../ui/parts.tsx';
import { setViewKeys } from '../../ui/shortcuts.ts';
import { useBuild } from '../build/use-build.ts';
import { Lines } from './lines.tsx';
import { createReading, type Reading } from './reading.ts';
import { SearchBar } from './search-bar.tsx';
import { settings } from './settings.ts';

const NEXT_TIMES = { off: 'clock', clock: 'since', since: 'delta', delta: 'off' } as const;
const TIMES_WORDS = {
  off: 'off',
  clock: 'of day',
  since: 'since the first line',
  delta: 'since the line before',
} as const;

/** One log, of any length, live while it grows. */
export function LogView({ id }: { id: number }): JSX.Element {
  const [session, reading] = useMemo(() => {
    const opened = createLogSession(id);
    return [opened, createReading(opened)] as const;
  }, [id]);
  useEffect(() => {
    const goTo = linesOfHash(hash.peek());
    void session.open(goTo?.first ?? null).then(() => (goTo === null ? reading.start() : reading.show(goTo.first)));
    const keys = setViewKeys((key) => logKey(key, reading));
    return () => {
      keys();
      session.close();
      reading.close();
    };
  }, [session]);
  if (session.log.value === null)
    return (
      <main class="page" data-page="log" data-log-id={id}>
        <Empty>{session.failure.value || 'Loading …'}</Empty>
      </main>
    );
  return (
    <main
      class="log"
      data-page="log"
      data-log-id={id}
      data-state={session.complete.value ? 'complete' : 'growing'}
      data-following={reading.following.value}
      data-lines={session.total.value}
    >
      <Head session={session} reading={reading} />
      {session.failure.value !== '' && (
        <p class="bad log-failure" role="alert">
          {session.failure.value}
        </p>
      )}
      <Lines session={session} reading={reading} />
    </main>
  );
}

function Head({ session, reading }: { session: LogSession; reading: Reading }): JSX.Element {
  const log = session.log.value;
  const build = useBuild(log === null ? null : { id: log.buildId });
  const step = build?.steps.find((one) => one.number === log?.stepNumber);
  const stored = store.builds.get(build?.id ?? 0) ?? build;
  return (
    <header class="log-head">
      <h1>
        {stored !== undefined && (
          <>
            <Glyph look={lookOfBuild(stored)} />{' '}
            <a href={paths.build(stored.id)} data-build-id={stored.id}>
              {stored.builder} #{stored.number}
            </a>
          </>
        )}{' '}
        <span class="dim">›</span>{' '}
        {step !== undefined && log !== null && <a href={paths.step(log.buildId, step.number)}>{step.name}</a>}{' '}
        <span class="dim">›</span> {log?.name} {step !== undefined && <Badge look={lookOfStep(step)} />}
      </h1>
      <span class="spring" />
      <span class="dim num" role="status">
        {session.total.value.toLocaleString('en')} lines
        {log !== null && session.complete.value && `, ${formatBytes(log.bytes)}`}
        {!session.complete.value && ', growing'}
      </span>
      <SearchBar reading={reading} />
      <Tools session={session} reading={reading} />
    </header>
  );
}

function Tools({ session, reading }: { session: LogSession; reading: Reading }): JSX.Element {
  const files = logFile(session.id);
  return (
    <span class="log-tools">
      <GoToLine reading={reading} total={session.total.value} />
      <button
        type="button"
        class="quiet"
        aria-pressed={settings.times.value !== 'off'}
        title={`Times (t): ${TIMES_WORDS[settings.times.value]}`}
        onClick={toggleTimes}
      >
        Times{settings.times.value === 'off' ? '' : `: ${settings.times.value}`}
      </button>
      <button
        type="button"
        class="quiet"
        aria-pressed={settings.wrap.value}
        title="Wrap long lines (w)"
        onClick={toggleWrap}
      >
        Wrap
      </button>
      {reading.folding.groups.value.length > 0 && (
        <button
          type="button"
          class="quiet"
          title="Fold or open all groups (z)"
          onClick={() => reading.folding.toggleAll()}
        >
          {reading.folding.groups.value.some(reading.folding.isFolded) ? 'Unfold' : 'Fold'}
        </button>
      )}
      <button type="button" class="quiet" title="To the top (gg)" onClick={() => reading.show(0)}>
        Top
      </button>
      <button
        type="button"
        class="quiet"
        aria-pressed={reading.following.value}
        title={session.complete.value ? 'To the end (G)' : 'To the end, and stay there (G)'}
        onClick={() => reading.toEnd()}
      >
        {session.complete.value ? 'End' : 'Follow'}
      </button>
      <button type="button" class="quiet" title="Full screen (f)" onClick={toggleFullScreen}>
        Full screen
      </button>
      <a class="button quiet" href={files.raw} target="_blank" rel="noreferrer">
        Raw
      </a>
      <a class="button quiet" href={files.download} download>
        Download
      </a>
    </span>
  );
}

/** Takes the number of a line, and marks that line. */
function GoToLine({ reading, total }: { reading: Reading; total: number }): JSX.Element {
  return (
    <input
      id="log-line"
      type="text"
      inputMode="numeric"
      placeholder="Line  :"
      aria-label={`Go to line, 1 to ${total}`}
      onKeyDown={(event) => {
        const line = Number(event.currentTarget.value.replaceAll(/[\s,.]/g, ''));
        if (event.key === 'Escape') event.currentTarget.blur();
        if (event.key !== 'Enter' || !Number.isInteger(line) || line < 1) return;
        const n = Math.min(line, Math.max(1, total)) - 1;
        setHash(hashOfLines(n, n));
        reading.show(n);
      }}
    />
  );
}

function toggleTimes(): void {
  settings.times.value = NEXT_TIMES[settings.times.peek()];
}

/** The log alone, on all of the screen; Escape ends that, as everywhere. */
function toggleFullScreen(): void {
  // A browser that does not do it (a phone's, a frame) leaves things as they are.
  if (document.fullscreenElement !== null) void document.exitFullscreen();
  else
    void document
      .querySelector('main.log')
      ?.requestFullscreen()
      .catch(() => {});
}

function toggleWrap(): void {
  settings.wrap.value = !settings.wrap.peek();
}

function logKey(key: string, reading: Reading): boolean {
  const keys: Readonly<Record<string, () => void>> = {
    t: toggleTimes,
    w: toggleWrap,
    f: toggleFullScreen,
    z: reading.folding.toggleAll,
    G: reading.toEnd,
    gg: () => reading.show(0),
    j: () => reading.move(1),
    k: () => reading.move(-1),
    n: () => reading.nextHit(1),
    N: () => reading.nextHit(-1),
    e: () => void reading.nextError(false),
    E: () => void reading.nextError(true),
    '/': () => document.querySelector<HTMLInputElement>('#log-search')?.focus(),
    ':': () => document.querySelector<HTMLInputElement>('#log-line')?.focus(),
  };
  const act = Object.hasOwn(keys, key) ? keys[key] : undefined;
  act?.();
  return act !== undefined;
}
