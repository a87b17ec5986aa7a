import type { Build, Request } from '@icefall/shared';
import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { paths } from '../../routes.ts';
import { newestFirst, store } from '../../store/index.ts';
import { lookOfBuild } from '../../ui/look.ts';
import { Glyph, RequestLink } from '../../ui/parts.tsx';
import { useResource } from '../../ui/resource.ts';

/** Requests of a trigger step, each with the builder's newest build for it. */
export function Triggered({ ids }: { ids: readonly number[] }): JSX.Element {
  return (
    <span class="links-row triggered">
      {ids.map((id) => (
        <TriggeredBuild key={id} id={id} />
      ))}
    </span>
  );
}

/** The build of a request: from what is followed, else asked for. */
function TriggeredBuild({ id }: { id: number }): JSX.Element {
  const followed = newestFirst(store.builds.all.value.filter((build) => build.requestId === id))[0];
  const request = store.requests.get(id);
  const isAtHand = followed !== undefined || request !== undefined;
  const asked = useResource(`${id} ${isAtHand}`, async () => (isAtHand ? NOTHING : await ask(id)));
  const { build, request: found } = asked.state === 'ready' ? asked.value : NOTHING;
  const shown = followed ?? build;
  if (shown !== undefined) return <ShownBuild build={shown} />;
  if (found === undefined) return <RequestLink id={id} />;
  return (
    <a class="build-link" href={paths.request(id)} data-request-id={id}>
      <Glyph look={found.result ?? 'PENDING'} />
      {found.builder}
    </a>
  );
}

function ShownBuild({ build }: { build: Build }): JSX.Element {
  return (
    <a class="build-link" href={paths.build(build.id)} data-build-id={build.id}>
      <Glyph look={lookOfBuild(build)} />
      {build.builder} #{build.number}
    </a>
  );
}

interface Asked {
  readonly request?: Request;
  readonly build?: Build;
}
const NOTHING: Asked = {};

async function ask(id: number): Promise<Asked> {
  const request = await api.request(id);
  const newest = request.buildIds.at(-1);
  return newest === undefined ? { request } : { request, build: await api.build(newest) };
}
