import type { LockAccess, LockDeclaration } from '../config/locks.ts';
import { declaredAt } from '../config/problems.ts';
import type { ProjectDeclaration } from '../config/projects.ts';
import { computed, interpolate, type Renderable } from '../properties/references.ts';
import { git } from '../steps/git.ts';
import { shell } from '../steps/shell.ts';
import type { StepDeclaration, StepOptions } from '../steps/step.ts';
import { uploadDirectory, uploadFile } from '../steps/transfer.ts';
import { trigger } from '../steps/trigger.ts';
import { isBranchOf } from './branches.ts';
import type { DefinedStep, LockUse } from './definition.ts';
import { isOfJob, type Job } from './jobs.ts';
import type { Offer, Pipeline } from './pipeline.ts';

/** Where the checkout is, below the build's directory on the worker. */
const CHECKOUT = 'build';
/** Of a step for people who are not trusted: a fork must not fill the master's disk with its log, nor keep a worker for ever. */
const UNTRUSTED = { maxLines: 200_000, maxTime: '6h' } as const;

export interface JobSteps {
  readonly project: ProjectDeclaration;
  readonly pipeline: Pipeline;
  readonly job: Job;
  readonly offer: Offer;
  /** For people who are not trusted: without secrets, artifacts and publishing. */
  readonly isRestricted: boolean;
  /** The file, as it is named to people. */
  readonly file: string;
}

/** The steps of one builder of a project: the checkout, then those of its pipeline. */
export function stepsOf(of: JobSteps): StepDeclaration[] {
  const { pipeline, job } = of;
  const { definition, stepLines } = pipeline;
  const checkout = git({ mode: 'full', method: 'fresh', submodules: definition.submodules });
  return [
    checkout,
    ...definition.steps.flatMap((step, i) =>
      isOfJob(step, job) ? [declaredAt({ file: of.file, line: stepLines[i] ?? 1 }, () => stepOf(step, of))] : [],
    ),
  ];
}

function stepOf(step: DefinedStep, of: JobSteps): StepDeclaration {
  if (step.artifact !== undefined) return artifactStep(step, step.artifact, of);
  if (step.publish !== undefined) return publishStep(step, step.publish, of);
  const isWithheld = of.isRestricted && step.secrets.length > 0;
  const secrets = isWithheld ? [] : step.secrets.map((name) => [name, of.offer.secrets[name] ?? null] as const);
  return shell({
    ...common(step, of, isWithheld),
    command: step.run ?? '',
    workdir: step.workdir === '' ? CHECKOUT : `${CHECKOUT}/${step.workdir}`,
    env: { ...step.env, ...Object.fromEntries(secrets) },
    ...(of.isRestricted ? UNTRUSTED : {}),
    ...(step.timeout === undefined ? {} : { maxTime: step.timeout }),
    ...(step.silence === undefined ? {} : { idleTimeout: step.silence }),
  });
}

function artifactStep(step: DefinedStep, path: string, of: JobSteps): StepDeclaration {
  const { project, offer, job } = of;
  const number = computed(({ buildNumber }) => buildNumber);
  const to = interpolate`${offer.artifacts ?? ''}/${project.name}/${job.builder}/${number}/${path.replace(/\/$/, '')}`;
  const options = { ...common(step, of, of.isRestricted), from: path.replace(/\/$/, ''), to, workdir: CHECKOUT };
  return path.endsWith('/') ? uploadDirectory(options) : uploadFile(options);
}

function publishStep(step: DefinedStep, name: string, of: JobSteps): StepDeclaration {
  const scheduler = of.offer.publish[name];
  const schedulers = scheduler === undefined ? [] : [scheduler];
  return trigger({
    ...common(step, of, of.isRestricted),
    schedulers,
    wait: true,
    properties: { project: of.project.name, platform: of.job.platform },
  });
}

/** What every step has; one that is withheld from people who are not trusted is shown as skipped, and why. */
function common(step: DefinedStep, { offer, isRestricted }: JobSteps, isWithheld: boolean): StepOptions {
  const name = step.name ?? step.publish ?? step.artifact ?? 'run';
  const { branch } = step.only;
  const onBranch: Renderable<boolean> =
    branch === undefined ? true : computed(({ sourceStamps }) => isBranchOf(branch, sourceStamps[0]?.branch ?? null));
  return {
    name: (isRestricted && isWithheld ? `${name} (only if trusted)` : name).slice(0, 100),
    doStepIf: isWithheld ? false : onBranch,
    alwaysRun: step.always,
    locks: isWithheld ? [] : locksOf(step.locks, offer.locks),
    ...(step.allowFailure
      ? { flunkOnFailure: false, warnOnFailure: true, haltOnFailure: false }
      : { haltOnFailure: true, flunkOnFailure: true }),
  };
}

/** Uses of the site's locks. Names were checked: unknown ones are refused with the file. */
export function locksOf(uses: readonly LockUse[], offered: readonly LockDeclaration[]): LockAccess[] {
  return uses.flatMap(({ lock: name, count, exclusive }) => {
    const lock = offered.find((candidate) => candidate.name === name);
    if (lock === undefined) return [];
    return [exclusive ? lock.exclusive() : lock.counting(count)];
  });
}
