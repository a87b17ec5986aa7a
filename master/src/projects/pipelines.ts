import type { Change, Project } from '@icefall/shared';
import { SourceState } from '../changes/source-state.ts';
import type { ProjectDeclaration, ProjectsDeclaration } from '../config/projects.ts';
import type { SiteDeclaration } from '../config/site.ts';
import type { Core } from '../engine/core.ts';
import { PIPELINE_FILE } from './definition.ts';
import { withProjects } from './effective-site.ts';
import { type ParsedText, readPipeline } from './pipeline.ts';
import { type ProjectParts, partsOf } from './project-builders.ts';

/** A text that was right, and the commit that brought it. */
interface GoodText {
  readonly revision: string;
  readonly text: string;
  /** What it says; of one that an older master has kept it is not known. */
  readonly parsed?: ParsedText;
}

/** What is remembered of a project. */
interface Stored {
  readonly repository: string;
  readonly branch: string;
  /** The last text that was right. Null: there was none yet. */
  readonly good: GoodText | null;
  /** The commit that was read last; null: none could be read yet. */
  readonly revision: string | null;
  readonly mistakes: readonly string[];
  readonly readAt: number;
}

/** What a look at a repository found. */
export type Finding =
  | { readonly branch: string; readonly revision: string; readonly text: string }
  | { readonly branch: string | null; readonly revision: string | null; readonly mistake: string };

interface Declared {
  readonly offer: ProjectsDeclaration;
  readonly project: ProjectDeclaration;
  readonly branch: string;
  readonly good: GoodText;
  readonly parts: ProjectParts | { readonly mistakes: readonly string[] };
}

/** Mistakes of one file that are kept: who has more sees the rest when these are mended. */
const MOST_MISTAKES = 20;

/**
 * The pipelines of the projects: of each the last one that was right, which stays in force while its file is broken, and
 * what they add to the site. They are in the database, so a master that starts has all its builders at once.
 */
export class Pipelines {
  readonly #core: Core;
  readonly #state: SourceState;
  readonly #mayBuild: (change: Change) => boolean;
  #stored = new Map<string, Stored>();
  /** Declarations by project: made anew only where the file or what the site offers has changed. */
  readonly #declared = new Map<string, Declared>();
  /** Of the site in force: why projects have no builders, and which ones they have. */
  #refused: ReadonlyMap<string, string> = new Map();

  /** `mayBuild` is asked of every push to a project whether it may be built already. */
  constructor(core: Core, mayBuild: (change: Change) => boolean) {
    this.#core = core;
    this.#state = new SourceState(core, 'projects');
    this.#mayBuild = mayBuild;
    this.#read();
    core.rolledBack.on(() => this.#read());
  }

  #read(): void {
    this.#stored = new Map([...this.#state.all()].map(([name, value]) => [name, JSON.parse(value) as Stored]));
  }

  /** The site's program and what its projects add to it. */
  compose(site: SiteDeclaration): SiteDeclaration {
    const { projects } = site;
    if (projects === null) return site;
    const parts = new Map<string, ProjectParts>();
    for (const project of projects.repositories) {
      const declared = this.#declare(project, projects);
      if (declared !== null && !('mistakes' in declared.parts)) parts.set(project.name, declared.parts);
    }
    const effective = withProjects(site, parts);
    this.#refused = effective.refused;
    return effective.site;
  }

  #declare(project: ProjectDeclaration, offer: ProjectsDeclaration): Declared | null {
    const stored = this.#storedOf(project);
    if (stored === null || stored.good === null) return null;
    const known = this.#declared.get(project.name);
    const { good, branch } = stored;
    const isSame = known?.offer === offer && known.project === project && known.branch === branch;
    if (isSame && known.good.text === good.text) return known;
    const declared = { offer, project, branch, good, parts: this.#partsOf(project, offer, branch, good) };
    this.#declared.set(project.name, declared);
    return declared;
  }

  /** What is known of a project; nothing, once it has another address. */
  #storedOf({ name, repository }: ProjectDeclaration): Stored | null {
    const stored = this.#stored.get(name);
    return stored?.repository === repository ? stored : null;
  }

  /** The commit that was read last, to tell whether there is a newer one. Null: its file is to be read in any case. */
  revisionOf(project: ProjectDeclaration): string | null {
    const stored = this.#storedOf(project);
    return stored === null || stored.mistakes.length > 0 ? null : stored.revision;
  }

  /** The branch whose file counts; null: it is not known yet. */
  branchOf(project: ProjectDeclaration): string | null {
    return project.branch ?? this.#storedOf(project)?.branch ?? null;
  }

  /** Notes what a look has found. Inside a turn. True: the site has to be composed anew. */
  note(project: ProjectDeclaration, offer: ProjectsDeclaration, finding: Finding): boolean {
    const before = this.#storedOf(project);
    const judged = 'mistake' in finding ? { mistakes: [finding.mistake] } : this.#judge(project, offer, finding);
    const isNew = 'text' in judged && before?.good?.text !== judged.text;
    this.#store(project.name, {
      repository: project.repository,
      branch: finding.branch ?? before?.branch ?? '',
      good: isNew ? judged : (before?.good ?? null),
      // One that could not be read is read again.
      revision: finding.revision ?? before?.revision ?? null,
      mistakes: 'text' in judged ? [] : judged.mistakes.slice(0, MOST_MISTAKES),
      readAt: this.#core.now(),
    });
    return isNew || (before !== null && finding.branch !== null && before.branch !== finding.branch);
  }

  /** A text that is right, which is declared and kept for when the site is composed; or what is wrong with it. */
  #judge(
    project: ProjectDeclaration,
    offer: ProjectsDeclaration,
    { text, branch, revision }: Extract<Finding, { text: string }>,
  ): GoodText | { readonly mistakes: readonly string[] } {
    const read = readPipeline(text, project, offer);
    if ('mistakes' in read) return read;
    const { pipeline, parsed } = read;
    const parts = partsOf({ project, offer, pipeline, revision, branch, mayBuild: this.#mayBuild });
    if ('mistakes' in parts) return parts;
    const good = { revision, text, parsed };
    if (this.#declared.get(project.name)?.good.text !== text)
      this.#declared.set(project.name, { offer, project, branch, good, parts });
    return good;
  }

  #partsOf(
    project: ProjectDeclaration,
    offer: ProjectsDeclaration,
    branch: string,
    { revision, text, parsed }: GoodText,
  ): Declared['parts'] {
    const read = readPipeline(text, project, offer, parsed ?? null);
    if ('mistakes' in read) return read;
    return partsOf({ project, offer, pipeline: read.pipeline, revision, branch, mayBuild: this.#mayBuild });
  }

  #store(name: string, stored: Stored): void {
    this.#stored.set(name, stored);
    this.#state.set(name, JSON.stringify(stored));
  }

  /** Forgets projects that the site does not declare any more. Inside a turn. True: there were some. */
  forgetOthers({ repositories }: ProjectsDeclaration): boolean {
    const names = new Set(repositories.map(({ name }) => name));
    const gone = [...this.#stored.keys()].filter((name) => !names.has(name));
    for (const name of gone) {
      this.#stored.delete(name);
      this.#declared.delete(name);
      this.#state.remove(name);
    }
    return gone.length > 0;
  }

  /** The resource that clients see. */
  view(project: ProjectDeclaration, offer: ProjectsDeclaration): Project {
    const stored = this.#storedOf(project);
    const declared = this.#declare(project, offer);
    const parts = declared === null || 'mistakes' in declared.parts ? null : declared.parts;
    const refused = this.#refused.get(project.name);
    const old = declared !== null && 'mistakes' in declared.parts ? declared.parts.mistakes : [];
    const mistakes = [...new Set([...(stored?.mistakes ?? []), ...old, ...(refused === undefined ? [] : [refused])])];
    return {
      name: project.name,
      repository: withoutUser(project.repository),
      branch: this.branchOf(project),
      file: PIPELINE_FILE,
      state: stored === null ? 'unread' : mistakes.length > 0 ? 'broken' : 'ok',
      pipelineRevision: stored?.good?.revision ?? null,
      readRevision: stored?.revision ?? null,
      readAt: stored?.readAt ?? null,
      builders: refused === undefined ? (parts?.builders.map(({ name }) => name) ?? []) : [],
      errors: mistakes,
      trust: { ...project.trust, platforms: [...project.trust.platforms] },
    };
  }
}

function withoutUser(address: string): string {
  return address.replace(/(:\/\/)[^/@\s]*@/, '$1');
}
