import { type Build, type Buildset, buildSchema, buildsetSchema, type Request, requestSchema } from '@icefall/shared';
import type { ApiClient } from './api-client.ts';
import { apiPath } from './paths.ts';

/** A request with its last attempt. `depth`: how many triggers are between it and the buildset. */
export interface RequestProgress {
  readonly request: Request;
  readonly build: Build | null;
  readonly depth: number;
}

/** A buildset and all that came of it, triggered builds right after the build that triggered them. */
export interface BuildsetProgress {
  readonly buildset: Buildset;
  readonly requests: readonly RequestProgress[];
}

/** More than any site triggers from one buildset; beyond it the progress is only of the first ones. */
const MOST_REQUESTS = 2000;

/** Asks for the present state of a buildset. What has ended is kept in `ended` and not asked for again. */
export async function fetchProgress(
  client: ApiClient,
  buildsetId: number,
  ended: Map<number, RequestProgress>,
): Promise<BuildsetProgress> {
  const { value: buildset } = await client.get(apiPath(['buildsets', buildsetId]), buildsetSchema);
  const requests: RequestProgress[] = [];
  const visit = async (ids: readonly number[], depth: number): Promise<void> => {
    for (const id of ids) {
      if (requests.length >= MOST_REQUESTS) return;
      const progress = ended.get(id) ?? (await fetchRequest(client, id, depth));
      if (progress.request.state === 'finished') ended.set(id, progress);
      requests.push(progress);
      await visit(progress.build?.steps.flatMap((step) => step.triggeredRequestIds) ?? [], depth + 1);
    }
  };
  await visit(buildset.requestIds, 0);
  return { buildset, requests };
}

async function fetchRequest(client: ApiClient, id: number, depth: number): Promise<RequestProgress> {
  const { value: request } = await client.get(apiPath(['requests', id]), requestSchema);
  const last = request.buildIds.at(-1);
  const build = last === undefined ? null : (await client.get(apiPath(['builds', last]), buildSchema)).value;
  return { request, build, depth };
}
