import { computed, effect } from '@preact/signals';
import { query, setQuery } from '../navigation.ts';

/** Somebody who has scrolled on a wall display is taken back to now after this. */
const BACK_TO_NOW_MS = 60_000;

/** Whether the page hangs on a wall: large, without what is for hands, always at now. It is in the address. */
export const onWall = computed(() => query.value.get('wall') !== null);

export function toggleWall(): void {
  setQuery({ wall: onWall.peek() ? null : '1' });
}

/** Shows the page as it is to be shown, and keeps a wall's screen awake where the browser lets it. Once, from main.tsx. */
export function startWall(): void {
  effect(() => {
    document.documentElement.toggleAttribute('data-wall', onWall.value);
    return onWall.value ? keepAwake() : undefined;
  });
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !event.defaultPrevented && onWall.peek()) toggleWall();
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener(
    'scroll',
    ({ target }) => {
      clearTimeout(timer);
      if (onWall.peek() && target instanceof Element && target.scrollTop > 0)
        timer = setTimeout(() => target.scrollTo({ top: 0, behavior: 'smooth' }), BACK_TO_NOW_MS);
    },
    { capture: true, passive: true },
  );
}

/** Browsers take the lock away when the page is hidden, and allow it only to pages from this machine or by TLS. */
function keepAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  let isOver = false;
  const take = async () => {
    if (document.hidden || isOver) return;
    try {
      lock = await navigator.wakeLock.request('screen');
      if (isOver) await lock.release();
    } catch {
      // The screen sleeps when the system says so; nothing is wrong with the page.
    }
  };
  const seen = () => void take();
  document.addEventListener('visibilitychange', seen);
  void take();
  return () => {
    isOver = true;
    document.removeEventListener('visibilitychange', seen);
    void lock?.release();
  };
}
