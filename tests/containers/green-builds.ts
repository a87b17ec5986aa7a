import assert from 'node:assert/strict';
import type { Build, Buildset } from '@icefall/shared';
import type { TestApi } from '../support/api.ts';
import { lastLines } from '../support/process.ts';

export const PAGE = 'http://127.0.0.1:8010';
/** Compilers of three platforms on two cores. */
export const BUILD_LIMIT_MS = 600_000;

/** Waits for so many workers. */
export async function connected(api: TestApi, workers: number): Promise<void> {
  await api.waitFor(
    `${workers} workers`,
    async () => ((await api.snapshot()).status.workersConnected === workers ? true : null),
    BUILD_LIMIT_MS,
  );
}

/** Presses the button, waits for the end of all that it starts; every build must be green. */
export async function forced(api: TestApi, variant: string): Promise<Build[]> {
  const buildset = await api.force('force', { values: { variant } });
  return green(api, buildset);
}

/** Waits for the end of all that a buildset started; the last attempt of every build must be green. */
export async function green(api: TestApi, buildset: Pick<Buildset, 'id' | 'requestIds'>): Promise<Build[]> {
  await api.finished(buildset, BUILD_LIMIT_MS);
  const builds = await api.buildsOf(buildset);
  for (const { builder, steps } of builds)
    for (const step of steps.filter(({ result }) => result === 'FAILURE' || result === 'EXCEPTION'))
      for (const { id, name } of step.logs) {
        const text = await (await fetch(`${PAGE}/api/v1/logs/${id}/raw`)).text();
        console.error(`${builder}, ${step.name}, ${name}:\n${lastLines(text)}`);
      }
  assert.deepEqual(
    builds.filter(({ result }) => result !== 'SUCCESS').map(({ builder, result }) => `${builder} ${result}`),
    [],
  );
  return builds;
}
