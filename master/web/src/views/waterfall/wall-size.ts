import { useSignalEffect } from '@preact/signals';
import { onWall } from '../../ui/wall.ts';
import { LEAST_WIDTH, shownBuilders } from './view-state.ts';

const SMALLEST = 0.75;
const LARGEST = 2;
/** Of the axis, the changes and the groups' gaps, pixels. */
const AROUND = 300;

/** On a wall all columns are to be in view: everything is as large as that allows. */
export function useWallSize(): void {
  useSignalEffect(() => {
    if (!onWall.value) return;
    const needed = AROUND + shownBuilders.value.length * (LEAST_WIDTH + 8);
    const size = Math.min(LARGEST, Math.max(SMALLEST, innerWidth / needed));
    document.documentElement.style.setProperty('--wall-zoom', size.toFixed(2));
  });
}
