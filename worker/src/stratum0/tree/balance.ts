import { type BytePath, parentPath } from '../byte-path.ts';

/** How many entries a catalog may have before it is split by itself. */
export interface CatalogWeights {
  /** A catalog with more entries is split, until no part has more than half of it (CVMFS_AUTOCATALOGS_MAX_WEIGHT). */
  readonly most: number;
  /** No nested catalog is made for fewer entries (CVMFS_AUTOCATALOGS_MIN_WEIGHT). */
  readonly least: number;
}

/** The stock defaults. */
export const CATALOG_WEIGHTS: CatalogWeights = { most: 100_000, least: 1000 };

/**
 * Chooses directories at which nested catalogs should begin, so that no catalog stays too large: innermost first, always
 * the heaviest directory of a directory that holds too much. A directory weighs one and what is in it; one with a catalog
 * of its own weighs one (CernVM-FS technical documentation, "Automatic Management of Nested Catalogs").
 * `directories`: every directory, the root too, with the number of names in it.
 */
export function chooseCatalogs(
  directories: ReadonlyMap<BytePath, number>,
  mountpoints: ReadonlySet<BytePath>,
  { most, least }: CatalogWeights = CATALOG_WEIGHTS,
): BytePath[] {
  const inside = Map.groupBy(
    [...directories.keys()].filter((path) => path !== ''),
    parentPath,
  );
  const begins = new Set(mountpoints);
  const chosen: BytePath[] = [];
  /** Splits what is in a directory where `limit` is given; gives the directory's weight. */
  const weigh = (directory: BytePath, limit: number): number => {
    const below = (inside.get(directory) ?? []).map((path) => ({
      path,
      weight: begins.has(path) ? 1 : weigh(path, limit),
      isFixed: begins.has(path),
    }));
    const files = (directories.get(directory) ?? 0) - below.length;
    let weight = 1 + files + below.reduce((sum, child) => sum + child.weight, 0);
    const heaviestFirst = below.filter(({ isFixed }) => !isFixed).sort((a, b) => b.weight - a.weight);
    for (const child of heaviestFirst) {
      if (weight <= limit || child.weight < least) break;
      begins.add(child.path);
      chosen.push(child.path);
      weight -= child.weight - 1;
    }
    return weight;
  };
  for (const root of ['', ...mountpoints])
    if (weigh(root, Number.POSITIVE_INFINITY) > most) weigh(root, Math.floor(most / 2));
  return chosen;
}
