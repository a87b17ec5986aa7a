import { query, setQuery } from '../../navigation.ts';
import { FUTURE_HEIGHT } from './future.ts';
import { bounded, layout, viewport, ZOOM_STEP, zoom } from './view-state.ts';

/** Heights are not in proportion to the zoom (what is short stays legible), so a fit is found in this many tries. */
const FIT_TRIES = 5;
/** Room for the heads and the foot, pixels. */
const AROUND = 160;

/** Zooms the axis of time; 1.1 is a tenth more. */
export function changeZoom(factor: number): void {
  setZoom(zoom.peek() * factor);
}

/** Back to the plain size. */
export function plainZoom(): void {
  setQuery({ zoom: null });
}

/** Zooms so that all of the known time is in view, as far as that is legible. */
export function fitZoom(): void {
  const room = viewport.peek().height - FUTURE_HEIGHT - AROUND;
  for (let i = 0; i < FIT_TRIES; i += 1) {
    const before = query.peek().get('zoom');
    changeZoom(room / layout.peek().scale.height);
    if (query.peek().get('zoom') === before) return;
  }
}

/** Zooms with two fingers on the element; what it gives ends that. */
export function followPinch(element: HTMLElement): () => void {
  let distance: number | null = null;
  const move = (event: TouchEvent) => {
    const now = distanceOf(event.touches);
    if (now === null) return;
    event.preventDefault();
    if (distance !== null && distance > 0) changeZoom(now / distance);
    distance = now;
  };
  const end = (event: TouchEvent) => {
    distance = distanceOf(event.touches);
  };
  element.addEventListener('touchstart', end, { passive: true });
  element.addEventListener('touchmove', move, { passive: false });
  element.addEventListener('touchend', end);
  element.addEventListener('touchcancel', end);
  return () => {
    element.removeEventListener('touchstart', end);
    element.removeEventListener('touchmove', move);
    element.removeEventListener('touchend', end);
    element.removeEventListener('touchcancel', end);
  };
}

/** Pixels between two fingers; null for fewer or more. */
function distanceOf(touches: TouchList): number | null {
  const [one, two] = [touches[0], touches[1]];
  if (touches.length !== 2 || one === undefined || two === undefined) return null;
  return Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY);
}

/** Zooms by the wheel with Ctrl, which is also how browsers tell of a pinch on a touch pad. */
export function zoomByWheel(event: WheelEvent): void {
  if (!event.ctrlKey) return;
  event.preventDefault();
  changeZoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
}

/** Keys of the waterfall beyond the arrows; true: it was one of them. */
export function zoomKey(key: string): boolean {
  if (key === '+' || key === '=') changeZoom(ZOOM_STEP);
  else if (key === '-') changeZoom(1 / ZOOM_STEP);
  else if (key === '0') plainZoom();
  else if (key === 'v') fitZoom();
  else return false;
  return true;
}

function setZoom(value: number): void {
  const next = bounded(value);
  setQuery({ zoom: Math.abs(next - 1) < 0.01 ? null : next.toFixed(3) });
}
