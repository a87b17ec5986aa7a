import type { Blocker, Build } from '@icefall/shared';
import { describeBlocker } from '@icefall/shared/api/describe';
import { formatDuration } from '@icefall/shared/text';
import type { ComponentChildren, JSX } from 'preact';
import { paths } from '../routes.ts';
import { now } from '../store/clock.ts';
import { store } from '../store/index.ts';
import { GLYPHS, type Look, lookOfBuild, WORDS } from './look.ts';
import { fullTime, relativeTime, shortDuration } from './times.ts';

/** A time: how long ago (or ahead), and all of it on hover. */
export function Ago({ at }: { at: number | null }): JSX.Element {
  if (at === null) return <span class="dim">never</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      {relativeTime(at, now.value)}
    </time>
  );
}

/** Time from `from` to `to`, growing while there is no end. */
export function Lasted({ from, to }: { from: number | null; to: number | null }): JSX.Element | null {
  if (from === null) return null;
  const title = `${fullTime(from)}${to === null ? '' : ` – ${fullTime(to)}`}`;
  return (
    <span class="num" title={title}>
      {formatDuration(Math.max(0, (to ?? now.value) - from))}
    </span>
  );
}

/** How long something has been so, and since when on hover. */
export function For({ since }: { since: number }): JSX.Element {
  return (
    <time class="num" dateTime={new Date(since).toISOString()} title={`since ${fullTime(since)}`}>
      for {shortDuration(now.value - since)}
    </time>
  );
}

/** Glyph and word of a state, in its colour. */
export function Badge({ look, children }: { look: Look; children?: ComponentChildren }): JSX.Element {
  return (
    <span class="badge" data-look={look}>
      <b aria-hidden="true">{GLYPHS[look]}</b> {children ?? WORDS[look]}
    </span>
  );
}

/** The glyph alone, with the word for those who do not see it. */
export function Glyph({ look }: { look: Look }): JSX.Element {
  return (
    <b class="glyph" data-look={look} role="img" aria-label={WORDS[look]} title={WORDS[look]}>
      {GLYPHS[look]}
    </b>
  );
}

/** A link to a build by its id, with its state where it is known. */
export function BuildLink({ id, label }: { id: number; label?: string }): JSX.Element {
  const build = store.builds.get(id);
  return (
    <a class="build-link" href={paths.build(id)} data-build-id={id}>
      {build !== undefined && <Glyph look={lookOfBuild(build)} />}
      {label ?? (build === undefined ? `build ${id}` : `${build.builder} #${build.number}`)}
    </a>
  );
}

export function BuilderLink({ name }: { name: string }): JSX.Element {
  return (
    <a href={paths.builder(name)} data-builder={name}>
      {name}
    </a>
  );
}

/** Why something waits, since when, and (unless they stand beside it anyway) links to what holds it up. */
export function Why({
  blocker,
  since,
  links = true,
}: {
  blocker: Blocker;
  since?: number | null;
  links?: boolean;
}): JSX.Element {
  const until = blocker.kind === 'workerAway' || blocker.kind === 'backOff' ? blocker.until : null;
  return (
    <span class="why" data-blocker={blocker.kind}>
      {describeBlocker(blocker)}
      {until !== null && <span class="num"> ({relativeTime(until, now.value)})</span>}
      {since != null && (
        <span class="dim">
          {' '}
          · <For since={since} />
        </span>
      )}
      {links && <WhyLinks blocker={blocker} />}
    </span>
  );
}

/** Of many workers or requests, so many have a link; the sentence counts the others. */
const MOST_LINKS = 5;

function More({ of }: { of: readonly unknown[] }): JSX.Element | null {
  return of.length > MOST_LINKS ? <span>and {of.length - MOST_LINKS} more</span> : null;
}

function WhyLinks({ blocker }: { blocker: Blocker }): JSX.Element | null {
  if (blocker.kind === 'lock')
    return (
      <span class="why-links">
        <a href={paths.lock(blocker.lock)}>lock {blocker.lock}</a>
        {blocker.holders.map((holder) => (
          <BuildLink key={holder.buildId} id={holder.buildId} label={`${holder.builder} #${holder.buildNumber}`} />
        ))}
        {blocker.others !== undefined && <span>and {blocker.others} more</span>}
      </span>
    );
  if (blocker.kind === 'deadlock')
    return (
      <span class="why-links">
        {blocker.cycle.map(({ buildId, builder, number }) => (
          <BuildLink key={buildId} id={buildId} label={`${builder} #${number}`} />
        ))}
      </span>
    );
  if (blocker.kind === 'takenIn')
    return (
      <span class="why-links">
        <RequestLink id={blocker.requestId} />
      </span>
    );
  if (blocker.kind === 'children')
    return (
      <span class="why-links">
        {blocker.requestIds.slice(0, MOST_LINKS).map((id) => (
          <RequestLink key={id} id={id} />
        ))}
        <More of={blocker.requestIds} />
      </span>
    );
  if (blocker.kind === 'workersOffline')
    return (
      <span class="why-links">
        {blocker.workers.slice(0, MOST_LINKS).map(({ name }) => (
          <a key={name} href={paths.worker(name)}>
            worker {name}
          </a>
        ))}
        <More of={blocker.workers} />
      </span>
    );
  if (blocker.kind === 'workersBusy' || blocker.kind === 'workersPaused')
    return (
      <span class="why-links">
        {blocker.workers.slice(0, MOST_LINKS).map((name) => (
          <WorkerBuilds key={name} name={name} />
        ))}
        <More of={blocker.workers} />
      </span>
    );
  return null;
}

function WorkerBuilds({ name }: { name: string }): JSX.Element {
  const builds = store.workers.get(name)?.buildIds ?? [];
  return (
    <>
      <a href={paths.worker(name)}>worker {name}</a>
      {builds.map((id) => (
        <BuildLink key={id} id={id} />
      ))}
    </>
  );
}

/** A request: its newest build where it has one, else itself with its state. */
export function RequestLink({ id }: { id: number }): JSX.Element {
  const request = store.requests.get(id);
  const build = request?.buildIds.at(-1);
  if (build !== undefined) return <BuildLink id={build} />;
  return (
    <a class="build-link" href={paths.request(id)} data-request-id={id}>
      <Glyph look={request?.result ?? 'PENDING'} />
      {request === undefined ? `request ${id}` : request.builder}
    </a>
  );
}

/** Milliseconds that a running build is still expected to take; null where nothing is known. */
export function remainingMs(build: Build, at: number): number | null {
  return build.finishedAt !== null || build.estimateMs === null ? null : build.startedAt + build.estimateMs - at;
}

/** The frame of a view: heading, what belongs beside it, content. */
export function Page(props: {
  name: string;
  title: ComponentChildren;
  aside?: ComponentChildren;
  /** Nothing in it takes the focus: it does so itself, for keys to scroll it. */
  isText?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <main class="page" data-page={props.name} tabIndex={props.isText ? 0 : undefined}>
      <div class="page-head">
        <h1>{props.title}</h1>
        <div class="page-aside">{props.aside}</div>
      </div>
      {props.children}
    </main>
  );
}

/** One name and its value. */
export function Pair({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}
