/** A line by which a hook is known as ours. */
const MARK = '# icefall-hook';

/** Whether a hook was written by an installation of ours. */
export function isOurs(script: string): boolean {
  return script.split('\n', 3).includes(MARK);
}

/** Hooks that were there before ours are called so, with a number after it. */
export const CHAINED = 'post-receive.chained';
/** The folder in a repository that is ours. */
export const STATE = 'icefall-hook';

/**
 * The hook. What was pushed is written down before anything else is tried, so that whatever happens to the rest, the
 * next run finds it. A push is never refused: it is done when this runs.
 */
export function hookScript(programs: { readonly node: string; readonly main: string }): string {
  return `#!/bin/sh
${MARK}
# Tells the master of every push. "icefall hook install" writes this file anew; hooks that were here before are kept
# beside it as ${CHAINED}.N and run as well.
node=${quoted(programs.node)}
main=${quoted(programs.main)}

lines=$(cat)
state=$(cd "$(git rev-parse --git-common-dir)" && pwd)/${STATE}
if [ -d "$state" ]; then
  push="$state/pushes/$(date +%s)-$$"
  if printf '%s\\n' "$lines" >"$push.tmp" && mv -f "$push.tmp" "$push.push"; then
    :
  else
    echo "icefall: the master is not told of this push: $state/pushes cannot be written to by $(id -un)" >&2
  fi
fi

status=0
for chained in "$(dirname "$0")"/${CHAINED}.*; do
  [ -x "$chained" ] || continue
  printf '%s\\n' "$lines" | "$chained" "$@" || status=$?
done

if [ -d "$state" ]; then
  NODE_OPTIONS= "$node" "$main" received "$state" </dev/null ||
    echo "icefall: the master was not told of this push yet; it is kept in $state and told with the next one" >&2
fi
exit "$status"
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
