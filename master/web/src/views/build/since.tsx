import type { Build } from '@icefall/shared';
import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { isProblem } from '../../ui/look.ts';
import { Ago, BuildLink, Pair } from '../../ui/parts.tsx';
import { useResource } from '../../ui/resource.ts';
import { ChangeLine } from './change-line.tsx';
import { type FailingSince, failingSince } from './failing-since.ts';

/** Builds before a failed one that are looked at: who fails for longer is not mended by knowing since when. */
const LOOKED_AT = 100;

/** Of a failed build: the change since which its builder fails on this branch. */
export function Since({ build }: { build: Build }): JSX.Element | null {
  const failed = isProblem(build.result);
  const found = useResource(`${build.id} ${failed}`, async () => (failed ? await look(build) : null));
  if (found.state !== 'ready' || found.value === null) return null;
  const { first, failures, good } = found.value;
  return (
    <Pair name="Fails since">
      <span data-fails-since={first.number}>
        {first.id === build.id ? 'this build' : <BuildLink id={first.id} label={`${first.builder} #${first.number}`} />}
        {', '}
        <Ago at={first.startedAt} />
        {failures > 1 && <span class="dim">, {failures} failures in a row</span>}
        <span class="dim">; </span>
        {good === null ? (
          <span class="dim">no success is known before</span>
        ) : (
          <>
            <span class="dim">last good: </span>
            <BuildLink id={good.id} label={`${good.builder} #${good.number}`} />
          </>
        )}
      </span>
      {first.id !== build.id && (
        <ul class="plain">
          {first.changeIds.map((id) => (
            <ChangeLine key={id} id={id} />
          ))}
        </ul>
      )}
    </Pair>
  );
}

async function look(build: Build): Promise<FailingSince | null> {
  const branch = build.sourceStamps[0]?.branch ?? undefined;
  const { builds } = await api.builds({ builder: build.builder, branch, before: build.id, limit: LOOKED_AT });
  return failingSince(build, builds);
}
