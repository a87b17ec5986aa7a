import type { LogLine } from '@icefall/shared';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { LINE_HEIGHT, lastTop, lineAfterScroll, linesOfHash, scrollHeight, scrollTopOf } from '../../log/position.ts';
import type { LogSession } from '../../log/session.ts';
import { hash } from '../../navigation.ts';
import { Line } from './line.tsx';
import type { Reading } from './reading.ts';
import { settings } from './settings.ts';

/** Lines beyond the window that are fetched ahead. */
const AHEAD = 250;
/** Marks beside the bar: more would be a solid line. */
const MOST_MARKS = 400;

/** The window onto the lines: only those in view exist, however many there are. */
export function Lines({ session, reading }: { session: LogSession; reading: Reading }): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const total = reading.folding.rows.value;
  const { lineOf } = reading.folding.folds.value;
  const height = reading.height.value;
  const top = reading.top.value;
  session.version.value;
  const first = Math.floor(top);
  const end = Math.min(total, first + Math.ceil(height / LINE_HEIGHT) + 2);
  const atEnd = top >= lastTop({ total, height }) - 0.01 && top > 0;
  useScroll(scroller, session, reading);
  useEffect(() => {
    session.want(lineOf(first) - AHEAD, lineOf(end) + AHEAD);
    // A screen of folded groups is of lines that lie far apart.
    for (let row = first; row < end; row += 1) session.want(lineOf(row), lineOf(row) + 1);
  }, [Math.floor(first / 50), total, session, lineOf]);
  useLayoutEffect(() => {
    const box = rows.current;
    if (box === null) return;
    // A wrapped line is higher than others: its own height counts.
    const own = box.firstElementChild instanceof HTMLElement ? box.firstElementChild.offsetHeight : LINE_HEIGHT;
    const hidden = atEnd ? Math.max(0, box.offsetHeight - height) : (top - first) * own;
    box.style.transform = `translateY(${-hidden}px)`;
  });
  const marked = linesOfHash(hash.value);
  const digits = String(session.total.value).length;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard.
    <div class="log-scroller" ref={scroller} tabIndex={0} role="log" aria-live="off" aria-label="Lines of the log">
      <div class="log-extent" style={{ height: `${scrollHeight({ total, height })}px` }}>
        <div class="log-window" style={{ height: `${height}px` }}>
          <div
            class={settings.wrap.value ? 'log-rows wrap' : 'log-rows'}
            ref={rows}
            style={{ '--digits': String(digits) }}
          >
            {range(first, end)
              .map(lineOf)
              .map((n) => (
                <Line
                  key={n}
                  n={n}
                  line={session.cache.get(n)}
                  before={beforeOf(session, n)}
                  folding={reading.folding}
                  marked={marked !== null && n >= marked.first && n <= marked.last}
                  matcher={reading.search.value.matcher}
                  current={reading.search.value.hits[reading.hit.value] === n}
                />
              ))}
          </div>
          <Marks session={session} reading={reading} />
        </div>
      </div>
    </div>
  );
}

function range(first: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
}

/** What a line's time is told from. */
function beforeOf(session: LogSession, n: number): LogLine | undefined {
  const mode = settings.times.value;
  if (mode === 'delta') return session.cache.get(n - 1);
  return mode === 'since' ? session.cache.get(0) : undefined;
}

function useScroll(scroller: { current: HTMLDivElement | null }, session: LogSession, reading: Reading): void {
  const seen = useRef(0);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const extent = () => ({ total: reading.folding.rows.peek(), height: reading.height.peek() });
    const onScroll = () => {
      const { scrollTop } = element;
      if (Math.abs(scrollTop - seen.current) < 1) return;
      const up = scrollTop < seen.current;
      const line = lineAfterScroll({ line: reading.top.peek(), scrollTop: seen.current }, scrollTop, extent());
      seen.current = scrollTop;
      if (up) reading.following.value = false;
      reading.setTop(line);
      if (!up && line >= lastTop(extent()) - 0.5 && !session.complete.peek()) reading.following.value = true;
    };
    const sizes = new ResizeObserver(() => {
      reading.height.value = element.clientHeight;
    });
    sizes.observe(element);
    element.addEventListener('scroll', onScroll, { passive: true });
    element.focus({ preventScroll: true });
    return () => {
      sizes.disconnect();
      element.removeEventListener('scroll', onScroll);
    };
  }, [session]);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const extent = { total: reading.folding.rows.value, height: reading.height.value };
    const wanted = scrollTopOf(reading.top.value, extent);
    // In a very long log the bar may stand a little beside its line after fine movements; it is set right by great ones.
    const drift = Math.abs(wanted - element.scrollTop);
    if (drift < 1 || (drift < 40 && scrollHeight(extent) < extent.total * LINE_HEIGHT && !reading.following.value))
      return;
    element.scrollTop = wanted;
    seen.current = element.scrollTop;
  });
}

/** Where hits are in the whole log, beside the scroll bar. */
function Marks({ session, reading }: { session: LogSession; reading: Reading }): JSX.Element {
  const total = Math.max(1, session.total.value);
  const slots = new Set(reading.search.value.hits.map((n) => Math.floor((n / total) * MOST_MARKS)));
  return (
    <div class="log-marks" aria-hidden="true">
      {[...slots].map((slot) => (
        <i key={slot} style={{ top: `${(slot / MOST_MARKS) * 100}%` }} />
      ))}
    </div>
  );
}
