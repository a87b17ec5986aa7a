import type { Build } from '@icefall/shared';
import type { JSX } from 'preact';
import { paths } from '../../routes.ts';
import { now } from '../../store/clock.ts';
import { lookOfBuild, WORDS } from '../../ui/look.ts';
import { shortDuration } from '../../ui/times.ts';

/** Bars of a row. */
const MOST_SPARKS = 30;
const HEIGHT = 26;
const LEAST = 4;

/** The last builds of a builder, oldest first: height is duration, colour (and notch) result. */
export function Sparks({ builds }: { builds: readonly Build[] }): JSX.Element {
  const shown = builds.slice(0, MOST_SPARKS).reverse();
  const lengths = shown.map((build) => (build.finishedAt ?? now.value) - build.startedAt);
  const longest = Math.max(1, ...lengths);
  return (
    <span class="sparks">
      {shown.map((build, i) => {
        const look = lookOfBuild(build);
        const length = lengths[i] ?? 0;
        return (
          <a
            key={build.id}
            href={paths.build(build.id)}
            data-build-id={build.id}
            data-result={build.result ?? undefined}
            data-state={build.state}
            data-look={look}
            title={`#${build.number}: ${WORDS[look]}, ${shortDuration(length)}`}
            style={{ height: `${LEAST + ((HEIGHT - LEAST) * length) / longest}px` }}
          >
            <span class="unseen">
              #{build.number}: {WORDS[look]}
            </span>
          </a>
        );
      })}
    </span>
  );
}
