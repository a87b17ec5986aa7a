import type { BytePath } from '../byte-path.ts';

/**
 * Where a scan looks, from a directory down. `all`: at every name below it; `names`: at every name in it, not below the
 * directories that were there before; `pass`: only at the names that lead further.
 */
export interface Place {
  readonly look: 'all' | 'names' | 'pass';
  readonly below: ReadonlyMap<BytePath, Place>;
}

export const EVERYWHERE: Place = { look: 'all', below: new Map() };

interface OpenPlace {
  look: Place['look'];
  readonly below: Map<BytePath, OpenPlace>;
}

/** Everything at one path; the empty path: everywhere. */
export function placeOf(path: BytePath): Place {
  const root: OpenPlace = { look: 'pass', below: new Map() };
  walkTo(root, path).look = 'all';
  return root;
}

/**
 * The places of paths that may have changed. One with a slash at its end is a directory of which the names may have
 * changed; else it is a file, or a directory with all that is below it, and new, changed or gone.
 */
export function placesOf(paths: Iterable<BytePath>): Place {
  const root: OpenPlace = { look: 'pass', below: new Map() };
  for (const hint of paths) {
    widen(walkTo(root, clean(hint)), hint.endsWith('/') ? 'names' : 'all');
  }
  return root;
}

function clean(hint: BytePath): BytePath {
  return hint
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

const WIDTH = { pass: 0, names: 1, all: 2 } as const;

function widen(place: OpenPlace, look: Place['look']): void {
  if (WIDTH[look] > WIDTH[place.look]) place.look = look;
}

function walkTo(root: OpenPlace, path: BytePath): OpenPlace {
  let place = root;
  for (const name of path === '' ? [] : path.split('/')) {
    let next = place.below.get(name);
    if (next === undefined) {
      next = { look: 'pass', below: new Map() };
      place.below.set(name, next);
    }
    place = next;
  }
  return place;
}
