import { fits } from '../schedulers/filter.ts';

/** Branches and where they are: name to revision. */
export type Heads = ReadonlyMap<string, string>;

/** A remote's branches, and which of them is its default. */
export interface RemoteHeads {
  readonly heads: Heads;
  /** Null: the remote is empty, or its HEAD names no branch. */
  readonly defaultBranch: string | null;
}

/** Reads what `git ls-remote --symref URL HEAD 'refs/heads/*'` prints. */
export function parseRemoteHeads(text: string): RemoteHeads {
  const heads = new Map<string, string>();
  let defaultBranch: string | null = null;
  for (const line of text.split('\n')) {
    const [value = '', name = ''] = line.split('\t');
    if (name === 'HEAD' && value.startsWith('ref: refs/heads/')) defaultBranch = value.slice('ref: refs/heads/'.length);
    else if (name.startsWith('refs/heads/')) heads.set(name.slice('refs/heads/'.length), value);
  }
  return { heads, defaultBranch: defaultBranch !== null && heads.has(defaultBranch) ? defaultBranch : null };
}

/** The branches that are polled: the named ones that are there, those that a pattern fits, all, or the default one. */
export function wantedHeads(remote: RemoteHeads, branches: readonly string[] | RegExp | true | null): Heads {
  if (branches === true) return remote.heads;
  const wanted = branches ?? (remote.defaultBranch === null ? [] : [remote.defaultBranch]);
  return new Map([...remote.heads].filter(([name]) => fits(wanted, name)));
}

/** What became of the branches since the last poll. */
export interface HeadChanges {
  /** Seen for the first time by a poller that did not look for them before: noted, not built. */
  readonly noted: readonly string[];
  /** New, or somewhere else: a push. */
  readonly moved: readonly { readonly branch: string; readonly from: string | null; readonly to: string }[];
  /** Deleted, or no longer looked for. */
  readonly gone: readonly string[];
}

/**
 * Compares branches with the last poll's. A branch that is new since then is a push; but all that a poller meets when it
 * looks for the first time, or for other branches than before (`isNewScope`), was there already, as far as it can tell.
 */
export function compareHeads(known: Heads, heads: Heads, isNewScope: boolean): HeadChanges {
  const names = [...heads.keys()].sort();
  return {
    noted: isNewScope ? names.filter((branch) => !known.has(branch)) : [],
    moved: names.flatMap((branch) => {
      const from = known.get(branch) ?? null;
      const to = heads.get(branch) ?? '';
      return from === to || (from === null && isNewScope) ? [] : [{ branch, from, to }];
    }),
    gone: [...known.keys()].filter((branch) => !heads.has(branch)).sort(),
  };
}
