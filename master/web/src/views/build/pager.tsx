import type { Build } from '@icefall/shared';
import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { navigate } from '../../navigation.ts';
import { store } from '../../store/index.ts';
import { tell } from '../../ui/actions.ts';
import { useResource } from '../../ui/resource.ts';

/** Ways to the builds before and after one, of the same builder, where there are such. */
export function Pager({ build }: { build: Build }): JSX.Element {
  const { number } = build;
  const hasNewer = useHasNewer(build);
  return (
    <>
      {number > 1 && (
        <a class="button quiet" href={numberPath(build, -1)} title="The build before (h)">
          ← #{number - 1}
        </a>
      )}
      {hasNewer && (
        <a class="button quiet" href={numberPath(build, 1)} title="The build after (l)" data-action="newer">
          #{number + 1} →
        </a>
      )}
    </>
  );
}

/** A newer one that has just begun is among those at hand; of an old build the newer ones may not be. */
function useHasNewer({ id, builder, number, finishedAt }: Build): boolean {
  const isAtHand = store.builds.all.value.some((other) => other.builder === builder && other.number > number);
  const key = isAtHand || finishedAt === null ? '' : `newer than ${id}`;
  const asked = useResource(key, async () =>
    key === '' ? false : (await api.builds({ builder, after: id, limit: 1 })).builds.length > 0,
  );
  return isAtHand || (asked.state === 'ready' && asked.value);
}

function numberPath(build: Build, step: number): string {
  return `/builders/${encodeURIComponent(build.builder)}/builds/${build.number + step}`;
}

/** `h` and `l`, the keys of the two; gives whether it was one of them. */
export function pagerKey(key: string, build: Build): boolean {
  if (key === 'h' && build.number > 1) navigate(numberPath(build, -1));
  else if (key === 'l' && document.querySelector('[data-action=newer]') !== null) navigate(numberPath(build, 1));
  else if (key === 'l') tell(`${build.builder} #${build.number} is the newest build.`);
  else return false;
  return true;
}
