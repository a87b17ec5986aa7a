import type { JSX } from 'preact';
import { FUTURE_HEIGHT } from './future.ts';
import { type Link, linksOf } from './layout.ts';
import type { Window } from './side.tsx';
import { layout, related } from './view-state.ts';

/** Lines from what triggered to what was triggered. */
export function Links({ window }: { window: Window }): JSX.Element {
  const links = linksOf(
    layout.value.columns,
    (block) => block.top <= window.to && block.top + block.height >= window.from,
  );
  const family = related.value;
  return (
    <svg class="links" width="1" height="1" aria-hidden="true">
      {links.map((link) => (
        <path
          key={link.childId}
          class={family.has(link.parentId) && family.has(link.childId) ? 'marked' : ''}
          data-parent={link.parentId}
          data-child={link.childId}
          d={curve(link)}
        />
      ))}
    </svg>
  );
}

/** Out of the parent sideways, along below the children, and up to the child's beginning. */
function curve({ x1, y1, x2, y2 }: Link): string {
  const forward = x2 >= x1 ? 1 : -1;
  const [top, bottom] = [y1 + FUTURE_HEIGHT, y2 + FUTURE_HEIGHT];
  const low = Math.max(top, bottom) + 7;
  const inside = x2 + forward * 9;
  if (Math.abs(x2 - x1) < 24)
    return `M${x1},${top} C${x1 + forward * 6},${top} ${x2 - forward * 6},${bottom} ${x2},${bottom}`;
  return `M${x1},${top} C${x1 + forward * 8},${top} ${x1 + forward * 4},${low} ${x1 + forward * 16},${low} L${inside - forward * 6},${low} Q${inside},${low} ${inside},${bottom}`;
}
