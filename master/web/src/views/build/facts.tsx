import type { Build } from '@icefall/shared';
import type { JSX } from 'preact';
import { paths } from '../../routes.ts';
import { now } from '../../store/clock.ts';
import { newestFirst, store } from '../../store/index.ts';
import { Ago, BuildLink, Lasted, Pair } from '../../ui/parts.tsx';
import { relativeTime } from '../../ui/times.ts';
import { ChangeLine } from './change-line.tsx';
import { Since } from './since.tsx';

/** What a build is, in a few lines. */
export function Facts({ build }: { build: Build }): JSX.Element {
  const attempts = store.requests.get(build.requestId)?.buildIds.filter((id) => id !== build.id) ?? [];
  const children = newestFirst(store.builds.all.value.filter((other) => other.parentBuildId === build.id)).reverse();
  return (
    <dl class="pairs facts-grid">
      <Pair name="Why">
        {build.reason} <span class="dim">by {build.scheduler}</span>
      </Pair>
      {build.owner !== null && <Pair name="Owner">{build.owner}</Pair>}
      <Pair name="Began">
        <Ago at={build.startedAt} />
        {build.startedAt - build.submittedAt > 1000 && (
          <span class="dim">
            {' '}
            after waiting <Lasted from={build.submittedAt} to={build.startedAt} />
          </span>
        )}
      </Pair>
      <Pair name="Took">
        <Lasted from={build.startedAt} to={build.finishedAt} />
      </Pair>
      <Since build={build} />
      <Pair name="Worker">
        <a href={paths.worker(build.worker)}>{build.worker}</a>
        {build.graceUntil !== null && (
          <span class="bad"> away; given up {relativeTime(build.graceUntil, now.value)}</span>
        )}
      </Pair>
      <Pair name="Request">
        <a href={paths.request(build.requestId)}>{build.requestId}</a> <span class="dim">attempt {build.attempt}</span>{' '}
        {attempts.map((id) => (
          <BuildLink key={id} id={id} />
        ))}
      </Pair>
      {build.parentBuildId !== null && (
        <Pair name="Triggered by">
          <BuildLink id={build.parentBuildId} />
        </Pair>
      )}
      {children.length > 0 && (
        <Pair name="Triggered">
          <span class="links-row">
            {children.map((child) => (
              <BuildLink key={child.id} id={child.id} />
            ))}
          </span>
        </Pair>
      )}
      {build.sourceStamps.map((stamp) => (
        <Pair key={stamp.codebase} name={stamp.codebase === '' ? 'Source' : `Source ${stamp.codebase}`}>
          {stamp.branch ?? 'default branch'} <code>{stamp.revision?.slice(0, 12) ?? 'newest'}</code>{' '}
          <span class="dim">{stamp.repository}</span>
        </Pair>
      ))}
      {build.changeIds.length > 0 && (
        <Pair name="Changes">
          <ul class="plain">
            {build.changeIds.map((id) => (
              <ChangeLine key={id} id={id} />
            ))}
          </ul>
        </Pair>
      )}
    </dl>
  );
}
