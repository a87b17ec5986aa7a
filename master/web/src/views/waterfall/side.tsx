import type { Change } from '@icefall/shared';
import { computed } from '@preact/signals';
import type { JSX } from 'preact';
import { paths } from '../../routes.ts';
import { now } from '../../store/clock.ts';
import { clockTime, dayName, fullTime, shortDuration } from '../../ui/times.ts';
import { shortName } from './filters.ts';
import { FUTURE_HEIGHT } from './future.ts';
import type { ChangePlace } from './layout.ts';
import { ticks } from './ticks.ts';
import { hovered, layout, sideWidth } from './view-state.ts';

/** Least distance of two times on the axis, pixels. */
const TICK_DISTANCE = 44;
/** From this width on the changes have room for their messages. */
const ROOM_FOR_MESSAGES = 200;

export const marks = computed(() => {
  const { scale } = layout.value;
  return ticks(scale, {
    from: scale.timeAt(scale.height),
    to: now.value,
    minDistance: TICK_DISTANCE,
    offsetAt: (time) => -new Date(time).getTimezoneOffset() * 60_000,
  });
});

/** Heights, from now, that are drawn. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** The axis of time and, beside it, the changes. */
export function Side({ window }: { window: Window }): JSX.Element {
  const seen = (y: number) => y >= window.from && y <= window.to;
  return (
    <div class="side" style={{ width: `${sideWidth.value}px` }}>
      <div class="axis">
        <time class="tick now" style={{ top: `${FUTURE_HEIGHT}px` }} dateTime={new Date(now.value).toISOString()}>
          {clockTime(now.value)}
        </time>
        {marks.value
          .filter(({ y }) => seen(y) && y > 18)
          .map((tick) => (
            <time
              key={tick.time}
              class={tick.newDay ? 'tick day' : 'tick'}
              style={{ top: `${tick.y + FUTURE_HEIGHT}px` }}
              title={fullTime(tick.time)}
            >
              {tick.newDay && <b>{dayName(tick.time)}</b>}
              {clockTime(tick.time)}
            </time>
          ))}
      </div>
      <section class="changes" aria-label="Changes">
        {layout.value.changes
          .filter(({ y }) => seen(y))
          .map((place) => (
            <PlaceView key={place.changes[0]?.id} place={place} />
          ))}
      </section>
    </div>
  );
}

function PlaceView({ place }: { place: ChangePlace }): JSX.Element | null {
  const [newest, ...others] = place.changes;
  if (newest === undefined) return null;
  const wide = sideWidth.value >= ROOM_FOR_MESSAGES;
  return (
    <a
      class="change"
      href={paths.change(newest.id)}
      style={{ top: `${place.y + FUTURE_HEIGHT}px` }}
      title={place.changes.map(textOf).join('\n')}
      data-change-id={newest.id}
    >
      <i class="dot" />
      <span class="change-text">
        <code>{newest.revision?.slice(0, 7) ?? newest.branch}</code> {shortName(newest.author).split(' ')[0]}
        {others.length > 0 && <span class="dim"> +{others.length}</span>}
        {wide && <span class="change-message dim">{newest.message.split('\n')[0]}</span>}
      </span>
    </a>
  );
}

function textOf(change: Change): string {
  return `${change.revision?.slice(0, 10) ?? ''} ${change.author}: ${change.message.split('\n')[0]}`;
}

/** Lines of the times, folded idle times, and the line that is now. */
export function Grid({ window }: { window: Window }): JSX.Element {
  const { scale } = layout.value;
  const seen = (y: number) => y >= window.from && y <= window.to;
  return (
    <div class="grid" aria-hidden="true">
      <i class="now-line" style={{ top: `${FUTURE_HEIGHT}px` }} />
      {marks.value
        .filter(({ y }) => seen(y))
        .map((tick) => (
          <i key={tick.time} class={tick.newDay ? 'rule day' : 'rule'} style={{ top: `${tick.y + FUTURE_HEIGHT}px` }} />
        ))}
      {scale.gaps
        .filter((gap) => seen(gap.y) || seen(gap.y + gap.height))
        .map((gap) => (
          <div key={gap.from} class="fold" style={{ top: `${gap.y + FUTURE_HEIGHT}px`, height: `${gap.height - 4}px` }}>
            <span>
              {gap.isHole ? 'left out' : 'idle'} {shortDuration(gap.to - gap.from)}
            </span>
          </div>
        ))}
    </div>
  );
}

/** No build has the pointer any more. */
export function unhover(): void {
  hovered.value = null;
}
