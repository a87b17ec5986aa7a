import { computed, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { query } from '../../navigation.ts';
import { loadingHistory, loadOlder, loadTime, store } from '../../store/index.ts';
import { tell } from '../../ui/actions.ts';
import { Empty } from '../../ui/parts.tsx';
import { dayName, fullTime } from '../../ui/times.ts';
import { Bar } from './bar.tsx';
import { BlockView } from './block.tsx';
import { Card, type CardPlace } from './card.tsx';
import { FUTURE_HEIGHT } from './future.ts';
import { HeadView, queueHeight } from './head.tsx';
import { neighbour } from './keys.ts';
import { type Column, visibleBlocks } from './layout.ts';
import { Links } from './links.tsx';
import { usePrint } from './print.ts';
import { GRAIN, Sight, useScrolling } from './scrolling.ts';
import { Grid, Side, unhover, type Window } from './side.tsx';
import { WaterfallTable } from './table.tsx';
import { hovered, layout, shownBuilders, sideWidth, viewport } from './view-state.ts';
import { useWallSize } from './wall-size.ts';

/** Height of the heads without their queues. */
const HEAD_HEIGHT = 106;
const CARD_DELAY_MS = 220;
const CARD_WIDTH = 330;

const card = signal<CardPlace | null>(null);
const drawn = computed<Window>(() => {
  const { top, height } = viewport.value;
  return { from: top - FUTURE_HEIGHT - GRAIN, to: top + height + GRAIN };
});
const shownColumns = computed(() => {
  const { left, width } = viewport.value;
  const [from, to] = [left - GRAIN, left + width + GRAIN];
  return layout.value.columns.filter((column) => column.x + column.width >= from && column.x <= to);
});

/** The home page: what is happening, what happened, and why something is not. */
export function Waterfall(): JSX.Element {
  const [sight] = useState(() => new Sight());
  const toNow = () => sight.moveTo(0);
  const jumpTo = (time: number) => void showTime(sight, time);
  return (
    <main class="waterfall" data-page="waterfall">
      <h1 class="unseen">Waterfall</h1>
      <Bar toNow={toNow} jumpTo={jumpTo} />
      {shownBuilders.value.length === 0 ? (
        <Nothing />
      ) : query.value.get('view') === 'table' ? (
        <WaterfallTable />
      ) : (
        <Picture sight={sight} />
      )}
      {card.value !== null && <Card place={card.value} />}
    </main>
  );
}

/** Room above a time that is gone to, pixels. */
const ABOVE = 80;

/** Fetches the builds of a time, and scrolls there. */
async function showTime(sight: Sight, time: number): Promise<void> {
  await loadTime(time);
  if (store.history.peek().since > time)
    tell(`Nothing older than ${fullTime(store.history.peek().since)} is at hand.`, { bad: true });
  // What has come is drawn by then.
  requestAnimationFrame(() => sight.moveTo(Math.max(0, layout.peek().scale.y(time) + FUTURE_HEIGHT - ABOVE)));
}

/** Says why there is nothing to see. */
function Nothing(): JSX.Element {
  const declared = store.builders.all.value.length > 0;
  return (
    <div class="page">
      <Empty>{declared ? 'No builder passes the filters.' : 'The site declares no builders yet.'}</Empty>
    </div>
  );
}

function Picture({ sight }: { sight: Sight }): JSX.Element {
  useScrolling(sight);
  usePrint();
  useWallSize();
  useCard(sight);
  const { width, headings, scale } = layout.value;
  const queue = queueHeight(layout.value.columns);
  const side = sideWidth.value;
  return (
    <section class="scroller" aria-label="Waterfall" ref={sight.attach} onKeyDown={(event) => onKey(event, sight)}>
      <div class="canvas" style={{ '--side': `${side}px`, width: `${width + side + 16}px` }}>
        <div class="heads" style={{ height: `${HEAD_HEIGHT + queue}px` }}>
          <div class="corner" style={{ width: `${side}px` }}>
            <span>changes</span>
            {queue > 0 && <span class="corner-queue">waiting, and why</span>}
          </div>
          <div class="head-row">
            {headings.map((heading) => (
              <div class="heading" key={heading.title} style={{ left: `${heading.x}px`, width: `${heading.width}px` }}>
                {heading.title !== '' && <span>{heading.title}</span>}
              </div>
            ))}
            {shownColumns.value.map((column) => (
              <HeadView key={column.builder.name} column={column} />
            ))}
          </div>
        </div>
        <div class="body" style={{ height: `${scale.height + FUTURE_HEIGHT + 12}px` }}>
          <Side window={drawn.value} />
          <div class="columns">
            <Grid window={drawn.value} />
            <Links window={drawn.value} />
            {shownColumns.value.map((column) => (
              <ColumnView key={column.builder.name} column={column} />
            ))}
          </div>
        </div>
        <Foot />
      </div>
    </section>
  );
}

function ColumnView({ column }: { column: Column }): JSX.Element {
  const { from, to } = drawn.value;
  const first = layout.value.columns.find((other) => other.blocks.length > 0)?.blocks[0]?.build.id;
  const current = hovered.value ?? first;
  return (
    <section
      class="column"
      aria-label={column.builder.name}
      data-builder={column.builder.name}
      style={{ left: `${column.x}px`, width: `${column.width}px`, top: `${FUTURE_HEIGHT}px` }}
    >
      {visibleBlocks(column.blocks, from, to).map((block) => (
        <BlockView key={block.build.id} block={block} tabbable={block.build.id === current} />
      ))}
    </section>
  );
}

function Foot(): JSX.Element {
  const { since, more } = store.history.value;
  const loading = loadingHistory.value;
  return (
    <p class="foot dim" style={{ left: `${sideWidth.value}px` }}>
      {loading === 'loading' && 'Older builds are on their way …'}
      {loading === 'failed' && (
        <button type="button" onClick={() => void loadOlder()}>
          Older builds could not be had. Try again
        </button>
      )}
      {loading === 'idle' && !more && since > 0 && `Nothing before ${dayName(since)}.`}
    </p>
  );
}

/** Shows the card of the build that has the pointer for a moment. */
function useCard(sight: Sight): void {
  useEffect(() => {
    const { element } = sight;
    if (element === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = (event: Event) => {
      const target = event.target instanceof Element ? event.target.closest('article[data-build-id]') : null;
      const id = target === null ? null : Number(target.getAttribute('data-build-id'));
      if (id === hovered.peek() && card.peek()?.id === id) return;
      clearTimeout(timer);
      if (target === null || id === null) {
        unhover();
        card.value = null;
        return;
      }
      hovered.value = id;
      timer = setTimeout(() => {
        card.value = placeCard(id, target.getBoundingClientRect());
      }, CARD_DELAY_MS);
    };
    const out = () => {
      clearTimeout(timer);
      card.value = null;
    };
    element.addEventListener('mouseover', over);
    element.addEventListener('mouseleave', out);
    element.addEventListener('scroll', out, { passive: true });
    return () => {
      out();
      unhover();
      element.removeEventListener('mouseover', over);
      element.removeEventListener('mouseleave', out);
      element.removeEventListener('scroll', out);
    };
  }, []);
}

function placeCard(id: number, box: DOMRect): CardPlace {
  const left = box.right + CARD_WIDTH + 16 < innerWidth ? box.right + 8 : Math.max(8, box.left - CARD_WIDTH - 8);
  return { id, left, top: Math.max(60, Math.min(box.top, innerHeight - 320)) };
}

function onKey(event: KeyboardEvent, sight: Sight): void {
  const { element } = sight;
  if (event.ctrlKey || event.metaKey || event.altKey || element === null) return;
  if (!event.key.startsWith('Arrow')) return;
  const id = neighbour(layout.peek(), hovered.peek(), event.key);
  if (id === null) return;
  event.preventDefault();
  hovered.value = id;
  const block = layout
    .peek()
    .columns.flatMap((column) => column.blocks)
    .find((one) => one.build.id === id);
  if (
    block !== undefined &&
    (block.top < element.scrollTop || block.top > element.scrollTop + element.clientHeight - HEAD_HEIGHT - 120)
  )
    sight.moveTo(Math.max(0, block.top - element.clientHeight / 3));
  requestAnimationFrame(() =>
    element.querySelector<HTMLElement>(`article[data-build-id="${id}"] .block-title`)?.focus(),
  );
}
