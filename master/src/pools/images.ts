import type { Json, Properties } from '@icefall/shared';
import type { PoolImage } from '../config/pools.ts';

/** The image that a build needs, or why the pool makes no worker for it. */
export type Wanted = { readonly image: string } | { readonly refusal: string };

/** What a pool's image is for a build with these properties; a later source of them wins. */
export function wantedImage(image: PoolImage, ...sources: readonly Readonly<Record<string, Json>>[]): Wanted {
  const { property, usual, allowed } = image;
  if (property === null) return { image: usual };
  const value = sources.reduce<Json | undefined>((so, source) => source[property] ?? so, undefined);
  if (value === undefined || value === usual) return { image: usual };
  if (typeof value === 'string' && allowed.some((pattern) => isLike(value, pattern))) return { image: value };
  const shown = JSON.stringify(value);
  return { refusal: `property "${property}" is ${shown}; the pool lets ${[usual, ...allowed].join(', ')}` };
}

/** Properties of a buildset or build, without their sources. */
export function valuesOf(properties: Properties): Record<string, Json> {
  return Object.fromEntries(Object.entries(properties).map(([name, { value }]) => [name, value]));
}

/** `*` is no way into another repository, to another tag or digest. */
function isLike(image: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/:@]*')}$`).test(image);
}
