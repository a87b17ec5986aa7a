import type { BytePath } from '../byte-path.ts';
import { type CatalogEntry, comparePaths } from '../catalog/entry.ts';
import { CatalogForest } from '../catalog/forest.ts';
import type { RepositoryPaths } from '../paths.ts';
import type { Published } from '../published.ts';
import { catalogLoader } from '../tree/mirror.ts';
import type { MountIndex } from '../tree/mount-index.ts';
import { type Survey, surveyTree } from '../tree/survey.ts';
import { listNames, listTree, type TreeEntry } from '../tree/tree.ts';

/** What of a tree has to be looked at, name by name, to make it what is published. */
export interface RestoreScope {
  /** What is to be there, in the order of the paths. */
  readonly wanted: readonly CatalogEntry[];
  /** What is there now, in the order of the paths. `enter` is called before a directory is listed. */
  list(enter?: (entry: TreeEntry) => void): TreeEntry[];
}

/**
 * Finds out what has to be looked at: of directories of which a survey gives what it gave when they were published,
 * nothing; and no catalog is read but those that list the others. Without a survey, or where nothing is known of before:
 * everything.
 */
export async function restoreScope(
  paths: RepositoryPaths,
  published: Published,
  index: MountIndex,
): Promise<RestoreScope> {
  const before = index.digests();
  const survey = before.size === 0 ? null : await surveyTree(paths.mount, '', { expected: index.names() });
  if (survey === null) return { wanted: await published.entries(), list: (enter) => listTree(paths.mount, enter) };
  const unsettled = [...survey.digests].filter(([path, digest]) => before.get(path) !== digest).map(([path]) => path);
  const forest = new CatalogForest(index.catalogs(), catalogLoader(paths));
  try {
    const { wanted, directories } = wantedIn(forest, survey, unsettled);
    return { wanted, list: (enter) => listNames(paths.mount, directories, enter) };
  } finally {
    forest.close();
  }
}

/**
 * What is published of the directories in which something has changed, with all of those that are gone: they and the names
 * in them. Also all directories of which the names count, those that nobody has published among them.
 */
function wantedIn(
  forest: CatalogForest,
  survey: Survey,
  unsettled: readonly BytePath[],
): { wanted: CatalogEntry[]; directories: ReadonlySet<BytePath> } {
  const wanted = new Map<BytePath, CatalogEntry>();
  const directories = new Set(unsettled);
  const visit = (directory: BytePath): void => {
    directories.add(directory);
    for (const entry of forest.list(directory)) {
      wanted.set(entry.path, entry);
      if (entry.type === 'directory' && !survey.digests.has(entry.path)) visit(entry.path);
    }
  };
  for (const directory of unsettled) {
    const own = forest.lookup(directory);
    if (own?.type !== 'directory') continue;
    wanted.set(directory, own);
    visit(directory);
  }
  return { wanted: [...wanted.values()].sort(comparePaths), directories };
}
