import { type Build, buildSchema, type Step } from '@icefall/shared';
import { CliError, EXIT, usageError } from '../exit.ts';
import { buildName, stepName } from '../output/words.ts';
import type { Answer, ApiClient } from './api-client.ts';
import { apiPath } from './paths.ts';

/** How a person names a build, and a step of it: `412`, `alma9_builder/12`, `412.3`, `alma9_builder/12.build`. */
export interface BuildReference {
  readonly id: number | null;
  readonly builder: string | null;
  /** Of the builder; only with one. */
  readonly number: number | null;
  /** Number or name. */
  readonly step: string | null;
}

/** Reads a build reference. Throws a usage error. */
export function parseBuildReference(text: string): BuildReference {
  const match = /^(?:([^/]+)\/#?)?(\d{1,15})(?:\.(.+))?$/.exec(text);
  const digits = match?.[2];
  if (digits === undefined)
    throw usageError(
      `${JSON.stringify(text)} is not a build; name one by its id (412) or as builder/number (alma9_builder/12)`,
    );
  const builder = match?.[1] ?? null;
  const number = Number(digits);
  return {
    id: builder === null ? number : null,
    builder,
    number: builder === null ? null : number,
    step: match?.[3] ?? null,
  };
}

export function fetchBuild(client: ApiClient, { id, builder, number }: BuildReference): Promise<Answer<Build>> {
  const path = id === null ? ['builders', builder ?? '', 'builds', number ?? 0] : ['builds', id];
  return client.get(apiPath(path), buildSchema);
}

/** A build that is named without a step. */
export function parseWholeBuild(text: string): BuildReference {
  const reference = parseBuildReference(text);
  if (reference.step !== null) throw usageError(`${JSON.stringify(text)} names a step; name the whole build`);
  return reference;
}

/** The step that a reference names. Throws an error that lists the steps there are. */
export function findStep(build: Build, wanted: string): Step {
  const step =
    build.steps.find(({ number }) => String(number) === wanted) ?? build.steps.find(({ name }) => name === wanted);
  if (step !== undefined) return step;
  const list = build.steps.map(stepName).join(', ');
  throw new CliError(
    EXIT.failed,
    `build ${buildName(build)} has no step ${JSON.stringify(wanted)}; it has ${list === '' ? 'none yet' : list}`,
  );
}
