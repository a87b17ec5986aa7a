import type { DefinedStep, Definition } from './definition.ts';

/** One builder of a project: a platform, and a value for each axis of its matrix. */
export interface Job {
  readonly builder: string;
  readonly platform: string;
  readonly axes: Readonly<Record<string, string>>;
}

type Selection = Definition['exclude'][number];

/** The builders of a definition, platform by platform, the last axis fastest. */
export function jobsOf(project: string, definition: Definition): Job[] {
  const { platforms, matrix, exclude } = definition;
  const combinations = Object.entries(matrix).reduce<Record<string, string>[]>(
    (so, [name, values]) => so.flatMap((axes) => values.map((value) => ({ ...axes, [name]: value }))),
    [{}],
  );
  return platforms
    .flatMap((platform) =>
      combinations.map((axes) => ({ builder: [project, platform, ...Object.values(axes)].join('-'), platform, axes })),
    )
    .filter((job) => !exclude.some((selection) => isSelected(job, selection)));
}

/** Whether a step has a place in a job, as far as that does not hang on the branch. */
export function isOfJob({ only }: DefinedStep, job: Job): boolean {
  const { branch: _, ...fixed } = only;
  return isSelected(job, fixed);
}

function isSelected({ platform, axes }: Job, selection: Selection): boolean {
  return Object.entries(selection).every(([name, values]) =>
    values.includes(name === 'platform' ? platform : (axes[name] ?? '')),
  );
}
