import type { Build, Step } from '@icefall/shared';
import { describeBlocker } from '@icefall/shared/api/describe';
import type { JSX } from 'preact';
import { paths } from '../../routes.ts';
import { now } from '../../store/clock.ts';
import { GLYPHS, isProblem, lookOfBuild, lookOfStep, WORDS } from '../../ui/look.ts';
import { shortWhy } from '../../ui/short-why.ts';
import { clockTime, shortDuration } from '../../ui/times.ts';
import { type Band, STEP_HEIGHT, TITLE_HEIGHT } from './bands.ts';
import { type Block, bandsOfBlock } from './layout.ts';
import { hovered, related } from './view-state.ts';

/** Blocks narrower than this show their number only. */
const ROOM_FOR_DURATION = 76;

/** A build in its column, its steps as bands. */
export function BlockView({ block, tabbable }: { block: Block; tabbable: boolean }): JSX.Element {
  const { build } = block;
  const look = lookOfBuild(build);
  const at = build.finishedAt === null ? now.value : build.finishedAt;
  const family = related.value;
  const marked = family.has(build.id) && family.size > 1;
  const wide = block.width >= ROOM_FOR_DURATION;
  return (
    <article
      class={`block${wide ? '' : ' narrow'}${marked ? ' marked' : ''}`}
      data-build-id={build.id}
      data-builder={build.builder}
      data-state={build.state}
      data-result={build.result ?? undefined}
      data-look={look}
      style={{ top: `${block.top}px`, height: `${block.height}px`, left: `${block.left}px`, width: `${block.width}px` }}
    >
      {block.ghost > 0 && <Ghost block={block} />}
      <a
        class="block-title"
        href={paths.build(build.id)}
        tabIndex={tabbable ? 0 : -1}
        onFocus={() => {
          hovered.value = build.id;
        }}
      >
        <span aria-hidden="true">
          <b>{GLYPHS[look]}</b> {build.number}
          {wide && <span class="num"> {shortDuration(at - build.startedAt)}</span>}
        </span>
        <span class="unseen">{titleOf(build, at)}</span>
      </a>
      <Bands block={block} at={at} wide={wide} />
    </article>
  );
}

/** Its steps; of so many that none has room for its name, what went wrong is named, or what took longest. */
function Bands({ block, at, wide }: { block: Block; at: number; wide: boolean }): JSX.Element {
  const bands = bandsOfBlock(block, at);
  const highest = bands.reduce<Band | null>(
    (best, band) => (best !== null && best.height >= band.height ? best : band),
    null,
  );
  const { result } = block.build;
  const named = (isProblem(result) ? bands.find(({ step }) => step.result === result) : null) ?? highest;
  const isNamed = wide && highest?.labelled === false && block.height >= TITLE_HEIGHT + 1.5 * STEP_HEIGHT;
  return (
    <>
      {bands.map((band) => (
        <BandView key={band.step.number} band={band} wide={wide} />
      ))}
      {isNamed && named !== null && (
        <span class="block-most" aria-hidden="true">
          {shortName(named.step)}
        </span>
      )}
    </>
  );
}

function titleOf(build: Build, at: number): string {
  const look = lookOfBuild(build);
  const why = build.steps.find((step) => step.blocker !== null)?.blocker;
  return [
    `${build.builder} build ${build.number}: ${WORDS[look]}`,
    `began ${clockTime(build.startedAt)}, ${shortDuration(at - build.startedAt)}`,
    build.summary,
    why == null ? '' : describeBlocker(why),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** What is still expected, above now. */
function Ghost({ block }: { block: Block }): JSX.Element {
  const { build, ghost } = block;
  const end = build.startedAt + (build.estimateMs ?? 0);
  return (
    <div class="ghost" aria-hidden="true" style={{ height: `${ghost}px`, top: `${-ghost}px` }}>
      {ghost > 16 && block.width >= ROOM_FOR_DURATION && `~${shortDuration(end - now.value)}`}
    </div>
  );
}

/** Where a click on a step goes: its log where it has one, else the step on its build's page. */
function stepHref(step: Step): string {
  const log = step.logs[0];
  return log === undefined ? paths.step(step.buildId, step.number) : paths.log(log.id);
}

function BandView({ band, wide }: { band: Band; wide: boolean }): JSX.Element {
  const { step } = band;
  const look = lookOfStep(step);
  const end = step.finishedAt ?? now.value;
  const length = step.startedAt === null || step.result === 'SKIPPED' ? '' : shortDuration(end - step.startedAt);
  const why = step.blocker === null ? '' : ` – ${describeBlocker(step.blocker)}`;
  return (
    <a
      class={band.labelled ? 'band' : 'band bare'}
      href={stepHref(step)}
      tabIndex={-1}
      title={`${step.name}: ${WORDS[look]}${length === '' ? '' : `, ${length}`}${why}`}
      data-step={step.name}
      data-step-number={step.number}
      data-state={step.state}
      data-result={step.result ?? undefined}
      data-look={look}
      style={{ top: `${band.top}px`, height: `${band.height}px` }}
    >
      {band.waited >= 2 && (
        <i class="hatched" style={{ height: `${band.waited}px` }}>
          {wide && band.labelled && band.waited >= STEP_HEIGHT && waitedWords(step)}
        </i>
      )}
      {band.labelled && (
        <span class="band-text">
          <b aria-hidden="true">{look === 'SUCCESS' ? '' : `${GLYPHS[look]} `}</b>
          {shortName(step)}
          {step.blocker !== null && step.blocker.kind !== 'children' && ` · ${shortWhy(step.blocker)}`}
        </span>
      )}
      {band.labelled && wide && <span class="band-time num">{progressOf(step) ?? length}</span>}
    </a>
  );
}

/** The lines that go out from a trigger's band say that it is one; a band has no room to say it again. */
function shortName({ kind, name }: Step): string {
  return kind === 'trigger' ? name.replace(/^trigger /, '') : name;
}

/** How long it waited for its locks. */
function waitedWords({ startedAt, locksAcquiredAt, finishedAt }: Step): string {
  const until = locksAcquiredAt ?? finishedAt ?? now.value;
  return startedAt === null ? '' : `waited ${shortDuration(until - startedAt)}`;
}

/** Of a trigger that waits: how many of its builds are done. */
function progressOf(step: Step): string | null {
  return step.blocker?.kind === 'children' ? `${step.blocker.finished}/${step.blocker.total}` : null;
}
