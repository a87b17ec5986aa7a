import type { Build } from '@icefall/shared';
import { api } from '../../api/endpoints.ts';
import { store } from '../../store/index.ts';
import { type Resource, useResource } from '../../ui/resource.ts';

/** Which build: by its id, or as people call it. */
export type Which = { readonly id: number } | { readonly builder: string; readonly number: number };

/** A build, live where the store follows it; undefined while it is not at hand. */
export function useBuild(which: Which | null): Build | undefined {
  return useBuildResource(which).build;
}

/** Like {@link useBuild}, with what became of the fetch. */
export function useBuildResource(which: Which | null): {
  build: Build | undefined;
  resource: Resource<Build | undefined>;
} {
  const resource = useResource(JSON.stringify(which), async () => {
    if (which === null) return undefined;
    return 'id' in which ? await api.build(which.id) : await api.buildByNumber(which.builder, which.number);
  });
  const fetched = resource.state === 'ready' ? resource.value : undefined;
  const id = which !== null && 'id' in which ? which.id : fetched?.id;
  const followed = id === undefined ? undefined : store.builds.get(id);
  // A build whose first events were missed has not all of its steps in the store.
  const best =
    followed === undefined || (fetched !== undefined && fetched.steps.length > followed.steps.length)
      ? fetched
      : followed;
  return { build: best ?? followed, resource };
}
