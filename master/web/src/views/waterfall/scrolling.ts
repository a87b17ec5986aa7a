import { effect } from '@preact/signals';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { leavePast, loadingHistory, loadNewer, loadOlder } from '../../store/index.ts';
import { FUTURE_HEIGHT } from './future.ts';
import { isPrinting } from './print.ts';
import type { TimeScale } from './scale.ts';
import { layout, viewport } from './view-state.ts';
import { followPinch, zoomByWheel } from './zoom.ts';

/** Scrolling paints anew at each of these, pixels; what lies within one beyond the edges is drawn already. */
export const GRAIN = 240;
/** This near to the end of what is known more builds are fetched, pixels: some turns of a wheel. */
const LOAD_AHEAD = 2400;

/** The part of the picture that is seen. */
export class Sight {
  /** What scrolls; null while there is no picture. */
  element: HTMLElement | null = null;
  /** A time that stays where it is while builds come in above it; null: what is newest is looked at. */
  #anchor: { readonly time: number; readonly belowEdge: number } | null = null;

  readonly attach = (element: HTMLElement | null): void => {
    this.element = element;
  };

  /**
   * Takes down what is looked at: the time at the upper edge or, where the hole is there, the one below the hole, for it is
   * filled from below.
   */
  note(): void {
    const edge = (this.element?.scrollTop ?? 0) - FUTURE_HEIGHT;
    const half = (this.element?.clientHeight ?? 0) / 2;
    const { scale } = layout.peek();
    const hole = scale.gaps.find((gap) => gap.isHole && gap.y <= edge + half && gap.y + gap.height > edge);
    if (edge <= 0) this.#anchor = null;
    else if (hole === undefined) this.#anchor = { time: scale.timeAt(edge), belowEdge: 0 };
    else this.#anchor = { time: hole.from, belowEdge: hole.y + hole.height - edge };
  }

  /** Scrolls there, pixels. Noted at once: the browser tells of it only after builds may have come in. */
  moveTo(top: number): void {
    if (this.element === null) return;
    this.element.scrollTop = top;
    this.note();
  }

  /** Brings it back to its place after the scale has changed. */
  keep(scale: TimeScale): void {
    if (this.element === null || this.#anchor === null) return;
    const top = scale.y(this.#anchor.time) - this.#anchor.belowEdge + FUTURE_HEIGHT;
    if (Math.abs(this.element.scrollTop - top) >= 1) this.element.scrollTop = top;
  }
}

/** Fetches what is about to be seen and not at hand: older builds, and those of the hole, from below it. */
function loadAround({ scrollTop, clientHeight, scrollHeight }: HTMLElement): void {
  if (scrollTop + clientHeight > scrollHeight - LOAD_AHEAD) void loadOlder();
  const hole = holeNow();
  if (hole !== null && scrollTop + clientHeight / 2 >= hole.top && scrollTop < hole.bottom + LOAD_AHEAD)
    void loadNewer();
}

/** Whoever comes down to the hole goes on from there: what is below it is fetched when it is reached. */
function leaveAbove({ scrollTop, clientHeight }: HTMLElement): void {
  const hole = holeNow();
  if (hole !== null && scrollTop + clientHeight / 2 < hole.top && scrollTop + clientHeight > hole.top) leavePast();
}

/** Where the hole is drawn, pixels of the scroller. */
function holeNow(): { readonly top: number; readonly bottom: number } | null {
  const hole = layout.peek().scale.gaps.find((gap) => gap.isHole);
  if (hole === undefined) return null;
  const top = hole.y + FUTURE_HEIGHT;
  return { top, bottom: top + hole.height };
}

/** Follows scrolling and size; keeps what is read in its place while new builds come on top; fetches the past. */
export function useScrolling(sight: Sight): void {
  useEffect(() => {
    const { element } = sight;
    if (element === null) return;
    const look = () => {
      if (isPrinting()) return;
      const top = Math.floor(element.scrollTop / GRAIN) * GRAIN;
      const left = Math.floor(element.scrollLeft / GRAIN) * GRAIN;
      const was = viewport.peek();
      const next = { top, left, width: element.clientWidth, height: element.clientHeight };
      if (was.top !== top || was.left !== left || was.width !== next.width || was.height !== next.height)
        viewport.value = next;
      sight.note();
      leaveAbove(element);
      loadAround(element);
    };
    const sizes = new ResizeObserver(look);
    sizes.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    element.addEventListener('wheel', zoomByWheel, { passive: false });
    const endPinch = followPinch(element);
    // What came may not reach as far as is wanted, and what was wanted meanwhile was not asked for.
    const endLoading = effect(() => {
      if (loadingHistory.value === 'idle') requestAnimationFrame(() => element.isConnected && loadAround(element));
    });
    return () => {
      sizes.disconnect();
      element.removeEventListener('scroll', look);
      element.removeEventListener('wheel', zoomByWheel);
      endPinch();
      endLoading();
    };
  }, []);
  const { scale } = layout.value;
  useLayoutEffect(() => sight.keep(scale), [scale]);
}
