import type { Change } from '@icefall/shared';
import { type BuilderDeclaration, builder, factory } from '../config/builders.ts';
import { type GitPollerDeclaration, gitPoller } from '../config/changes.ts';
import { codebaseField } from '../config/fields.ts';
import { collectProblems, declaredAt } from '../config/problems.ts';
import { PROJECT_TAG, type ProjectDeclaration, UNTRUSTED_TAG } from '../config/projects.ts';
import { anyBranchScheduler, forceScheduler, type SchedulerDeclaration } from '../config/schedulers.ts';
import { FORK, PULL_REQUEST } from '../schedulers/filter.ts';
import { branchMatcher } from './branches.ts';
import { PIPELINE_FILE } from './definition.ts';
import { type Job, jobsOf } from './jobs.ts';
import type { Offer, Pipeline } from './pipeline.ts';
import { locksOf, stepsOf } from './project-steps.ts';

/** What a project adds to the site. */
export interface ProjectParts {
  readonly builders: readonly BuilderDeclaration[];
  readonly schedulers: readonly SchedulerDeclaration[];
  readonly pollers: readonly GitPollerDeclaration[];
}

export interface ProjectSource {
  readonly project: ProjectDeclaration;
  readonly pipeline: Pipeline;
  readonly offer: Offer;
  /** Of the commit that brought this pipeline. */
  readonly revision: string;
  /** The branch whose file it is. */
  readonly branch: string;
  /** False for a change that has to wait until the pipeline it brings is read. */
  readonly mayBuild: (change: Change) => boolean;
}

/** The builders, schedulers and pollers of a project, or what is wrong with them. */
export function partsOf(source: ProjectSource): ProjectParts | { readonly mistakes: readonly string[] } {
  const place = { file: fileOf(source), line: 1 };
  const { value, problems } = collectProblems(() => declaredAt(place, () => declare(source)));
  if (problems.length === 0) return value;
  return { mistakes: problems.map(({ message }) => `${place.file}: ${message}`) };
}

function fileOf({ project }: ProjectSource): string {
  return `${project.repository} ${PIPELINE_FILE}`;
}

function declare(source: ProjectSource): ProjectParts {
  const { project, pipeline, offer } = source;
  const { trust } = project;
  const jobs = jobsOf(project.name, pipeline.definition);
  const trusted = jobs.map((job) => builderOf(source, job, false));
  const takesPulls = pipeline.definition.pullRequests;
  const letsIn = takesPulls && (trust.pullRequests === 'restricted' || trust.forks === 'restricted');
  const restricted = letsIn
    ? jobs.filter(({ platform }) => trust.platforms.includes(platform)).map((job) => builderOf(source, job, true))
    : [];
  const schedulers = [
    onPushes(source, trusted),
    forceOf(source, trusted),
    ...(takesPulls ? onPulls(source, trusted, restricted) : []),
  ];
  const pollers =
    offer.pollMs === null
      ? []
      : [
          gitPoller({
            name: `poll-${project.name}`,
            repository: project.repository,
            branches: pollBranches(branchMatcher(branchesOf(source))),
            every: offer.pollMs,
          }),
        ];
  return { builders: [...trusted, ...restricted], schedulers, pollers };
}

function pollBranches(matcher: ReturnType<typeof branchMatcher>): readonly string[] | RegExp {
  return matcher instanceof RegExp ? matcher : ([matcher].flat() as readonly string[]);
}

function branchesOf({ pipeline, branch }: ProjectSource): readonly string[] {
  return pipeline.definition.branches ?? [branch];
}

function builderOf(source: ProjectSource, job: Job, isRestricted: boolean): BuilderDeclaration {
  const { project, pipeline, offer, revision } = source;
  const { definition } = pipeline;
  const name = isRestricted ? `${job.builder}-untrusted` : job.builder;
  return builder({
    name,
    group: project.name,
    description: isRestricted ? 'Pull requests: no secrets, no publishing' : '',
    tags: [PROJECT_TAG, project.name, ...(isRestricted ? [UNTRUSTED_TAG] : [])],
    workers: offer.platforms[job.platform] ?? [],
    env: { ...definition.env, ...job.axes },
    properties: {
      project: project.name,
      platform: job.platform,
      pipeline_revision: revision,
      trusted: !isRestricted,
      ...job.axes,
    },
    locks: locksOf(definition.locks, offer.locks),
    factory: factory(stepsOf({ project, pipeline, job, offer, isRestricted, file: fileOf(source) })),
  });
}

const codebasesOf = ({ project, branch }: ProjectSource) => ({
  '': { repository: project.repository, branch },
});

function onPushes(source: ProjectSource, builders: readonly BuilderDeclaration[]): SchedulerDeclaration {
  const { project, mayBuild } = source;
  return anyBranchScheduler({
    name: project.name,
    builders,
    codebases: codebasesOf(source),
    changes: { repository: project.repository, branch: branchMatcher(branchesOf(source)), where: mayBuild },
  });
}

function onPulls(
  source: ProjectSource,
  trusted: readonly BuilderDeclaration[],
  restricted: readonly BuilderDeclaration[],
): SchedulerDeclaration[] {
  const { name, repository, trust } = source.project;
  const on = (suffix: string, category: string, builders: readonly BuilderDeclaration[]) =>
    builders.length === 0
      ? []
      : [
          anyBranchScheduler({
            name: `${name}-${suffix}`,
            builders,
            codebases: codebasesOf(source),
            changes: { repository, category },
            reason: 'pull request',
          }),
        ];
  const own = { none: [], restricted, trusted }[trust.pullRequests];
  return [
    ...on('pull-requests', PULL_REQUEST, own),
    ...on('forks', FORK, trust.forks === 'restricted' ? restricted : []),
  ];
}

function forceOf(source: ProjectSource, builders: readonly BuilderDeclaration[]): SchedulerDeclaration {
  const { project, branch } = source;
  return forceScheduler({
    name: `${project.name}-force`,
    label: project.name,
    builders,
    codebases: codebasesOf(source),
    fields: [codebaseField({ repository: project.repository, branch })],
  });
}
