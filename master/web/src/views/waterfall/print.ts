import { useEffect } from 'preact/hooks';
import { FUTURE_HEIGHT } from './future.ts';
import { layout, sideWidth, viewport } from './view-state.ts';

/** Width of a sheet on its side at the resolution that style sheets count with, without margins, pixels. */
const SHEET_WIDTH = 1000;

let onScreen: typeof viewport.value | null = null;

/** Whether what is drawn is for paper: then the window's size and place say nothing. */
export function isPrinting(): boolean {
  return onScreen !== null;
}

/** While it is printed all of it is drawn, not only what is in view, as large as fits the sheet's width. */
export function usePrint(): void {
  useEffect(() => {
    const before = () => {
      onScreen ??= viewport.peek();
      const { width, scale } = layout.peek();
      const whole = width + sideWidth.peek() + 16;
      viewport.value = {
        ...onScreen,
        top: 0,
        left: 0,
        width: Math.max(onScreen.width, whole),
        height: scale.height + FUTURE_HEIGHT,
      };
      document.documentElement.style.setProperty('--print-zoom', String(Math.min(1, SHEET_WIDTH / whole)));
    };
    const after = () => {
      if (onScreen !== null) viewport.value = onScreen;
      onScreen = null;
    };
    addEventListener('beforeprint', before);
    addEventListener('afterprint', after);
    return () => {
      after();
      removeEventListener('beforeprint', before);
      removeEventListener('afterprint', after);
    };
  }, []);
}
