import type { JSX } from 'preact';
import { now } from '../../store/clock.ts';
import { store } from '../../store/index.ts';
import { GLYPHS, lookOfBuild, lookOfStep, shownSteps } from '../../ui/look.ts';
import { Ago, Badge, Lasted, Why } from '../../ui/parts.tsx';
import { shortDuration } from '../../ui/times.ts';
import { peopleOf } from './filters.ts';

/** Where the card stands: beside the block, in the window. */
export interface CardPlace {
  readonly id: number;
  readonly left: number;
  readonly top: number;
}

/** What a build is, at a glance. For eyes only: all of it is on the build's page. */
export function Card({ place }: { place: CardPlace }): JSX.Element | null {
  const build = store.builds.get(place.id);
  if (build === undefined) return null;
  const at = build.finishedAt ?? now.value;
  const change = store.changes.get(build.changeIds[0] ?? 0);
  return (
    <aside class="card" aria-hidden="true" style={{ left: `${place.left}px`, top: `${place.top}px` }}>
      <header>
        <Badge look={lookOfBuild(build)} />
        <b>
          {build.builder} #{build.number}
        </b>
      </header>
      <p class="dim">
        {build.reason}
        {peopleOf(build, store.changes.peek).length > 0 && ` · ${peopleOf(build, store.changes.peek).join(', ')}`}
        <br />
        on {build.worker} · began <Ago at={build.startedAt} /> · took{' '}
        <Lasted from={build.startedAt} to={build.finishedAt} />
      </p>
      {change !== undefined && (
        <p>
          <code>{change.revision?.slice(0, 7)}</code> {change.message.split('\n')[0]}
        </p>
      )}
      <ol>
        {shownSteps(build.steps).map((step) => (
          <li key={step.number} data-look={lookOfStep(step)}>
            <b>{GLYPHS[lookOfStep(step)]}</b>
            <span>
              {step.name}
              {step.summary !== '' && <span class="dim"> {step.summary}</span>}
            </span>
            <span class="num dim">
              {step.startedAt === null || step.result === 'SKIPPED'
                ? ''
                : shortDuration((step.finishedAt ?? at) - step.startedAt)}
            </span>
            {step.blocker !== null && (
              <small>
                <Why blocker={step.blocker} links={false} />
              </small>
            )}
          </li>
        ))}
      </ol>
    </aside>
  );
}
