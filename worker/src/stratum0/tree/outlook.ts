import { lstatSync } from 'node:fs';
import type { BytePath } from '../byte-path.ts';
import type { RepositoryPaths } from '../paths.ts';
import { DIRTAB } from './dirtab.ts';
import { fileStamp, type MountIndex } from './mount-index.ts';
import { type Place, placeOf, placesOf } from './places.ts';
import { type Survey, surveyTree } from './survey.ts';
import { absolute } from './tree.ts';

/** Where a publish has to look closely, name by name. */
export interface Outlook {
  readonly place: Place;
  /** What there is below the transaction's path; null: nobody has looked. */
  readonly survey: Survey | null;
  /** The names in a directory are known to be as they were published. */
  readonly isSettled: (directory: BytePath) => boolean;
}

/**
 * Finds out where to look: at the paths that are said to have changed; else at the directories below the transaction's
 * path of which a survey does not give what it gave when they were published; else, without a survey, at everything there.
 * Rules for markers that have changed, and weights, concern directories in which nothing has: then at everything, too.
 */
export async function lookOut(
  { paths, index, scope }: { readonly paths: RepositoryPaths; readonly index: MountIndex; readonly scope: BytePath },
  {
    weights = null,
    changed = null,
  }: { readonly weights?: object | null; readonly changed?: readonly BytePath[] | null },
): Promise<Outlook> {
  const isSettled = () => false;
  if (changed !== null) return { place: placesOf(changed), survey: null, isSettled };
  const survey = await surveyTree(paths.mount, scope, { expected: index.names() });
  if (survey === null || weights !== null || !hasSameRules(paths, index))
    return { place: placeOf(scope), survey, isSettled };
  const before = index.digests();
  const unsettled = [...survey.digests].filter(([path, digest]) => before.get(path) !== digest).map(([path]) => path);
  const places = new Set([scope, ...unsettled]);
  return {
    place: placesOf([...places].map((path) => `${path}/`)),
    survey,
    isSettled: (path) => !places.has(path) && survey.digests.has(path),
  };
}

function hasSameRules(paths: RepositoryPaths, index: MountIndex): boolean {
  const stat = lstatSync(absolute(paths.mount, DIRTAB), { bigint: true, throwIfNoEntry: false });
  const before = index.stamp(DIRTAB);
  return stat === undefined ? before === null : before === fileStamp(stat, 'file');
}
