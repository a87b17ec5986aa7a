import { type Build, buildSchema } from '@icefall/shared';
import { field, type TestApi } from '../support/api.ts';

const PAGE = 200;

/** Builds of a builder, newest first: all, or so many. */
export async function pageOfBuilds(api: TestApi, builder: string, most = Number.POSITIVE_INFINITY): Promise<Build[]> {
  const builds: Build[] = [];
  for (let before = ''; builds.length < most; ) {
    const limit = Math.min(PAGE, most - builds.length);
    const path = `/builds?builder=${builder}&limit=${limit}${before}`;
    const page = await api.get(path, field('builds', buildSchema.array()));
    builds.push(...page);
    if (page.length < limit) break;
    before = `&before=${page.at(-1)?.id}`;
  }
  return builds;
}
