import { navigate, route } from '../navigation.ts';
import { paths } from '../routes.ts';
import { zoomKey } from '../views/waterfall/zoom.ts';
import { forcing, helpOpen, paletteOpen, question } from './actions.ts';

const PLACES: Readonly<Record<string, string>> = {
  w: paths.waterfall,
  o: paths.console,
  b: paths.builders,
  q: paths.queue,
  k: paths.workers,
  l: paths.locks,
  s: paths.schedulers,
  c: paths.changes,
};
/** A second key counts together with `g` within this time. */
const TOGETHER_MS = 1000;

/** Keys of a view, beside those of the page; true: it was one of its. */
export type ViewKeys = (key: string) => boolean;
let viewKeys: ViewKeys | null = null;
let gAt = Number.NEGATIVE_INFINITY;

/** Sets the keys of the view that is shown; returns what takes them away. */
export function setViewKeys(keys: ViewKeys): () => void {
  viewKeys = keys;
  return () => {
    if (viewKeys === keys) viewKeys = null;
  };
}

/** Listens to the keyboard. Once, from main.tsx. */
export function startShortcuts(): void {
  addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === 'k' && !dialogOpen()) {
      event.preventDefault();
      paletteOpen.value = true;
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) || dialogOpen()) return;
    if (take(event.key, event.timeStamp)) event.preventDefault();
  });
}

function take(key: string, at: number): boolean {
  const afterG = at - gAt < TOGETHER_MS;
  gAt = Number.NEGATIVE_INFINITY;
  const place = PLACES[key];
  if (afterG && place !== undefined) navigate(place);
  else if (afterG && key === 'g') return scrollToTop();
  else if (key === 'g') gAt = at;
  else if (viewKeys?.(key) === true) return true;
  else if (route.peek().view === 'waterfall' && zoomKey(key)) return true;
  else return pageKey(key);
  return true;
}

function pageKey(key: string): boolean {
  const filter = document.querySelector<HTMLInputElement>('#filter');
  if (key === '?') helpOpen.value = true;
  else if (key === 'f') document.querySelector<HTMLElement>('.force-top')?.click();
  else if (key === '/' && filter !== null) filter.focus();
  else return false;
  return true;
}

function scrollToTop(): boolean {
  if (viewKeys?.('gg') === true) return true;
  document.querySelector('.scroller, .page')?.scrollTo({ top: 0 });
  return true;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('input:not([type=checkbox]), textarea, select, [contenteditable]') !== null
  );
}

function dialogOpen(): boolean {
  return forcing.peek() !== null || helpOpen.peek() || paletteOpen.peek() || question.peek() !== null;
}
