import type { Layout } from './layout.ts';

/** The build that an arrow key leads to from `id`; null: stay. Without one, the newest of the first column that has any. */
export function neighbour(layout: Layout, id: number | null, key: string): number | null {
  const columns = layout.columns.filter((column) => column.blocks.length > 0);
  const at = columns.findIndex((column) => column.blocks.some((block) => block.build.id === id));
  const column = columns[at];
  const index = column?.blocks.findIndex((block) => block.build.id === id) ?? -1;
  const block = column?.blocks[index];
  if (column === undefined || block === undefined) return columns[0]?.blocks[0]?.build.id ?? null;
  if (key === 'ArrowUp') return column.blocks[index - 1]?.build.id ?? null;
  if (key === 'ArrowDown') return column.blocks[index + 1]?.build.id ?? null;
  const beside = columns[at + (key === 'ArrowLeft' ? -1 : 1)];
  const nearest = beside?.blocks.toSorted((a, b) => Math.abs(a.top - block.top) - Math.abs(b.top - block.top))[0];
  return nearest?.build.id ?? null;
}
