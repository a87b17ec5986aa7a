import type { ProjectDeclaration, ProjectsDeclaration } from '../config/projects.ts';
import {
  type DefinedStep,
  type Definition,
  definitionSchema,
  type LockUse,
  MOST_JOBS,
  PIPELINE_FILE,
} from './definition.ts';
import { jobsOf } from './jobs.ts';
import { issueIn, readYaml, type YamlText } from './yaml-text.ts';

/** What a pipeline may use of the site. */
export type Offer = Omit<ProjectsDeclaration, 'repositories'>;

/** A pipeline that can be built. */
export interface Pipeline {
  readonly definition: Definition;
  /** Lines of the steps in the file. */
  readonly stepLines: readonly number[];
}

/** What YAML says, as data that can be kept: to parse the text again takes as long as all else with a thousand projects. */
export interface ParsedText {
  readonly value: unknown;
  readonly stepLines: readonly number[];
}

/** A pipeline, or all that is wrong with its file: repository, file, line, value and remedy in each. */
export type Read =
  | { readonly pipeline: Pipeline; readonly parsed: ParsedText }
  | { readonly mistakes: readonly string[] };

/**
 * Reads an `icefall.yml`: data that is checked against a schema and against what the site offers. Nothing of it is run.
 * With what an earlier reading of the text gave, that is parsed again only to tell where mistakes are.
 */
export function readPipeline(
  text: string,
  project: ProjectDeclaration,
  offer: Offer,
  earlier: ParsedText | null = null,
): Read {
  return (earlier === null ? null : readParsed(earlier, project, offer)) ?? readText(text, project, offer);
}

/** Null: there are mistakes in it. */
function readParsed(parsed: ParsedText, project: ProjectDeclaration, offer: Offer): Read | null {
  const { success, data: definition } = definitionSchema.safeParse(parsed.value);
  if (!success) return null;
  let isRight = true;
  checkOffer(definition, project, offer, () => {
    isRight = false;
  });
  return isRight ? { pipeline: { definition, stepLines: parsed.stepLines }, parsed } : null;
}

function readText(text: string, project: ProjectDeclaration, offer: Offer): Read {
  const title = `${withoutUser(project.repository)} ${PIPELINE_FILE}`;
  const yaml = readYaml(text);
  if ('mistakes' in yaml) return { mistakes: yaml.mistakes.map(({ line, message }) => `${title}:${line}: ${message}`) };
  const parsed = definitionSchema.safeParse(yaml.value);
  if (!parsed.success) {
    return { mistakes: parsed.error.issues.map((issue) => `${title}:${issueIn(yaml, issue)}`) };
  }
  const definition = parsed.data;
  const wrong: string[] = [];
  checkOffer(definition, project, offer, (path, message) => wrong.push(`${title}:${yaml.lineOf(path)}: ${message}`));
  if (wrong.length > 0) return { mistakes: wrong };
  const stepLines = definition.steps.map((_, i) => lineOfStep(yaml, i));
  return { pipeline: { definition, stepLines }, parsed: { value: yaml.value, stepLines } };
}

function lineOfStep(yaml: YamlText, index: number): number {
  return yaml.lineOf(['steps', index]);
}

type Report = (path: readonly PropertyKey[], message: string) => void;

/** What only the site can tell: names of platforms, locks, secrets and publishers, and the number of builders. */
function checkOffer(definition: Definition, project: ProjectDeclaration, offer: Offer, report: Report): void {
  definition.platforms.forEach((platform, i) => {
    if (!Object.hasOwn(offer.platforms, platform))
      report(['platforms', i], `unknown platform "${platform}"; ${listed('platforms', Object.keys(offer.platforms))}`);
    if (definition.platforms.indexOf(platform) < i) report(['platforms', i], `platform "${platform}" is named twice`);
  });
  checkAxes(definition, report);
  checkLocks(definition.locks, ['locks'], offer, new Set(), report);
  const held = new Set(definition.locks.map(({ lock }) => lock));
  definition.steps.forEach((step, i) => {
    checkStep(step, ['steps', i], { definition, offer, held, report });
  });
  const jobs = countOf(definition) > MOST_JOBS * 100 ? null : jobsOf(project.name, definition);
  if (jobs === null || jobs.length > MOST_JOBS)
    report(['matrix'], `platforms and matrix make more than ${MOST_JOBS} builders; leave some out, or exclude them`);
  if (jobs?.length === 0) report(['exclude'], 'everything is excluded: nothing would be built');
  for (const { builder } of jobs ?? [])
    if (builder.length > 90) report(['matrix'], `the builder's name "${builder}" is too long; use shorter values`);
}

function countOf({ platforms, matrix }: Definition): number {
  return Object.values(matrix).reduce((count, values) => count * values.length, platforms.length);
}

/** What a build differs in from others; a selection may name these. */
const OWN_AXES = ['platform', 'branch'];

function checkAxes({ matrix, exclude }: Definition, report: Report): void {
  for (const name of Object.keys(matrix))
    if (OWN_AXES.includes(name)) report(['matrix', name], `"${name}" is no name for an axis: every build has one`);
  exclude.forEach((combination, i) => {
    for (const name of Object.keys(combination))
      if (name !== 'platform' && !Object.hasOwn(matrix, name))
        report(['exclude', i, name], `"${name}" is neither platform nor an axis of matrix`);
  });
}

interface StepCheck {
  readonly definition: Definition;
  readonly offer: Offer;
  readonly held: ReadonlySet<string>;
  readonly report: Report;
}

function checkStep(step: DefinedStep, path: readonly PropertyKey[], check: StepCheck): void {
  const { definition, offer, held, report } = check;
  checkLocks(step.locks, [...path, 'locks'], offer, held, report);
  step.secrets.forEach((secret, i) => {
    if (!Object.hasOwn(offer.secrets, secret))
      report([...path, 'secrets', i], `unknown secret "${secret}"; ${listed('secrets', Object.keys(offer.secrets))}`);
  });
  if (step.publish !== undefined && !Object.hasOwn(offer.publish, step.publish))
    report(
      [...path, 'publish'],
      `the site publishes nothing as "${step.publish}"; ${listed('publishers', Object.keys(offer.publish))}`,
    );
  if (step.artifact !== undefined && offer.artifacts === null)
    report(
      [...path, 'artifact'],
      'the site keeps no artifacts of projects; its projects({ artifacts }) would say where',
    );
  for (const name of Object.keys(step.only))
    if (!OWN_AXES.includes(name) && !Object.hasOwn(definition.matrix, name))
      report([...path, 'only', name], `"${name}" is neither platform, branch nor an axis of matrix`);
}

function checkLocks(
  uses: readonly LockUse[],
  path: readonly PropertyKey[],
  { locks }: Offer,
  held: ReadonlySet<string>,
  report: Report,
): void {
  uses.forEach(({ lock: name, count, exclusive }, i) => {
    const at = [...path, i];
    const lock = locks.find((candidate) => candidate.name === name);
    if (lock === undefined)
      report(
        at,
        `unknown lock "${name}"; ${listed(
          'locks',
          locks.map((one) => one.name),
        )}`,
      );
    else if (!exclusive && count > lock.maxCount)
      report(at, `lock "${name}": ${count} can never be granted; it has ${lock.maxCount}`);
    if (held.has(name)) report(at, `lock "${name}" is held by the whole build already; a step cannot take it again`);
    if (uses.findIndex((other) => other.lock === name) < i) report(at, `lock "${name}" is named twice`);
  });
}

function listed(what: string, names: readonly string[]): string {
  return names.length === 0 ? `the site offers no ${what}` : `the site's ${what}: ${names.join(', ')}`;
}

function withoutUser(address: string): string {
  return address.replace(/(:\/\/)[^/@\s]*@/, '$1');
}
