import type { Build, Step } from '@icefall/shared';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { hash } from '../../navigation.ts';
import { paths } from '../../routes.ts';
import { now } from '../../store/clock.ts';
import { isProblem, lookOfStep, shownSteps } from '../../ui/look.ts';
import { Glyph, Lasted, Why } from '../../ui/parts.tsx';
import { shortDuration } from '../../ui/times.ts';
import { isWeb } from '../site/changes.tsx';
import { FirstError } from './first-error.tsx';
import { Tail } from './tail.tsx';
import { Triggered } from './triggered.tsx';

/** A build's steps in their order; those that failed or run show the end of their log. */
export function Steps({ build }: { build: Build }): JSX.Element {
  const [all, setAll] = useState(false);
  const shown = all ? build.steps : shownSteps(build.steps);
  const hidden = build.steps.length - shown.length;
  const target = hash.value;
  useEffect(() => {
    if (target.startsWith('#step-')) document.getElementById(target.slice(1))?.scrollIntoView({ block: 'center' });
  }, [target, build.id]);
  return (
    <section>
      <h2>Steps</h2>
      <ol class="steps">
        {shown.map((step) => (
          <StepRow key={step.number} step={step} build={build} />
        ))}
      </ol>
      {(hidden > 0 || all) && (
        <button type="button" class="quiet" aria-pressed={all} onClick={() => setAll(!all)}>
          {all ? 'Without hidden steps' : `${hidden} hidden ${hidden === 1 ? 'step' : 'steps'}`}
        </button>
      )}
    </section>
  );
}

function StepRow({ step, build }: { step: Step; build: Build }): JSX.Element {
  const look = lookOfStep(step);
  const marked = hash.value === `#step-${step.number}`;
  return (
    <li
      id={`step-${step.number}`}
      class={marked ? 'step marked' : 'step'}
      data-step={step.name}
      data-step-number={step.number}
      data-state={step.state}
      data-result={step.result ?? undefined}
      data-look={look}
    >
      <div class="step-line">
        <Glyph look={look} />
        <a class="step-name" href={step.logs[0] === undefined ? `#step-${step.number}` : paths.log(step.logs[0].id)}>
          {step.name}
        </a>
        <span class="dim step-summary">{step.summary}</span>
        {step.urls
          .filter(({ url }) => isWeb(url))
          .map(({ name, url }) => (
            <a key={url} href={url} target="_blank" rel="noreferrer">
              {name}
            </a>
          ))}
        <span class="links-row">
          {step.logs.map((log) => (
            <a key={log.id} href={paths.log(log.id)} data-log={log.name} data-log-id={log.id}>
              {log.name}
            </a>
          ))}
        </span>
        <span class="spring" />
        <Times step={step} build={build} />
      </div>
      {step.blocker !== null && (
        <p class="step-why hatched">
          ◷ <Why blocker={step.blocker} since={step.startedAt} links={step.blocker.kind !== 'children'} />
        </p>
      )}
      {step.triggeredRequestIds.length > 0 && <Triggered ids={step.triggeredRequestIds} />}
      {isProblem(step.result) && step.logs.map((log) => <FirstError key={log.id} log={log} />)}
      {(isProblem(step.result) || step.state === 'running') &&
        step.logs.map((log) => <Tail key={log.id} log={log} live={step.state === 'running'} />)}
    </li>
  );
}

/** How long, with the part that was waiting, and where in the build it lay. */
function Times({ step, build }: { step: Step; build: Build }): JSX.Element {
  const end = step.finishedAt ?? now.value;
  const waited = step.startedAt === null ? 0 : (step.locksAcquiredAt ?? end) - step.startedAt;
  const whole = Math.max(1, (build.finishedAt ?? now.value) - build.startedAt);
  const left = step.startedAt === null ? 0 : ((step.startedAt - build.startedAt) / whole) * 100;
  const width = step.startedAt === null ? 0 : ((end - step.startedAt) / whole) * 100;
  return (
    <>
      <span class="step-time">
        {waited > 1000 && <span class="dim">waited {shortDuration(waited)} · </span>}
        {step.result !== 'SKIPPED' && <Lasted from={step.startedAt} to={step.finishedAt} />}
      </span>
      <span class="step-bar" aria-hidden="true">
        {step.startedAt !== null && <i style={{ left: `${left}%`, width: `${Math.max(0.7, width)}%` }} />}
      </span>
    </>
  );
}
