import { describeAs } from '../config/description.ts';
import type { SiteDeclaration } from '../config/site.ts';
import type { ProjectParts } from './project-builders.ts';

/** A site with its projects, and the projects that have no place in it: why, by name. */
export interface EffectiveSite {
  readonly site: SiteDeclaration;
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * The site as its program declares it, and with it what its projects add. A project whose names are taken, by the site
 * or by a project before it, is left out whole.
 */
export function withProjects(site: SiteDeclaration, projects: ReadonlyMap<string, ProjectParts>): EffectiveSite {
  const taken = takenBy(site);
  const refused = new Map<string, string>();
  const builders = [...site.builders];
  const schedulers = [...site.schedulers];
  const changeSources = [...site.changeSources];
  for (const [project, parts] of projects) {
    const clash = take(parts, project, taken);
    if (clash !== null) {
      refused.set(project, clash);
      continue;
    }
    builders.push(...parts.builders);
    schedulers.push(...parts.schedulers);
    changeSources.push(...parts.pollers);
  }
  const effective = Object.freeze({ ...site, builders, schedulers, changeSources });
  describeAs(effective, site);
  return { site: effective, refused };
}

type Taken = Map<string, string>;

function takenBy(site: SiteDeclaration): Taken {
  const taken: Taken = new Map();
  for (const { name, directory } of site.builders) {
    taken.set(`builder ${name}`, 'the site');
    taken.set(`builder ${directory}`, 'the site');
  }
  for (const { name } of site.schedulers) taken.set(`scheduler ${name}`, 'the site');
  for (const source of site.changeSources)
    if (source.type === 'gitPoller') taken.set(`poller ${source.name}`, 'the site');
  return taken;
}

/** Takes all names of a project; or none, and says which one is taken and by whom. */
function take({ builders, schedulers, pollers }: ProjectParts, project: string, taken: Taken): string | null {
  const names = [
    ...builders.map(({ name }) => `builder ${name}`),
    ...schedulers.map(({ name }) => `scheduler ${name}`),
    ...pollers.map(({ name }) => `poller ${name}`),
  ];
  const own = new Set<string>();
  for (const name of names) {
    const owner = taken.get(name) ?? (own.has(name) ? 'this project itself' : undefined);
    if (owner !== undefined)
      return `its ${name.replace(' ', ' "')}" is one of ${owner} already; change the project's name or its matrix`;
    own.add(name);
  }
  for (const name of own) taken.set(name, `project "${project}"`);
  return null;
}
