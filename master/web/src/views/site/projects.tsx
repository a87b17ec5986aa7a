import type { Project } from '@icefall/shared';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../../api/endpoints.ts';
import { store } from '../../store/index.ts';
import { perform } from '../../ui/actions.ts';
import { DeedButton } from '../../ui/deed-button.tsx';
import type { Look } from '../../ui/look.ts';
import { Ago, Badge, BuilderLink, Empty, Page } from '../../ui/parts.tsx';
import { useKept, useResource } from '../../ui/resource.ts';

const STATES: Readonly<Record<Project['state'], { readonly look: Look; readonly word: string }>> = {
  ok: { look: 'SUCCESS', word: 'in force' },
  broken: { look: 'FAILURE', word: 'broken' },
  unread: { look: 'PENDING', word: 'not read yet' },
};

/** Repositories that declare their own pipelines: what was read of each, and what is wrong with it. */
export function Projects(): JSX.Element {
  const [round, setRound] = useState(0);
  // What was read comes into force as a configuration does, though under the same number, and an alarm tells of what is
  // broken: with both the master tells how it is anew.
  const { seq, alarms } = store.status.value ?? {};
  const asked = useResource(`${seq} ${alarms?.length} ${round}`, () => api.projects());
  const projects = useKept(asked)?.projects;
  if (projects === undefined)
    return (
      <Page name="projects" title="Projects">
        <Empty>{asked.state === 'failed' ? asked.message : 'Loading …'}</Empty>
      </Page>
    );
  const broken = projects.filter(({ state }) => state === 'broken');
  const again = () => setRound((was) => was + 1);
  return (
    <Page name="projects" title="Projects">
      <p class="dim">
        {projects.length === 0
          ? 'The site names no repositories that declare their own pipelines.'
          : broken.length === 0
            ? `${projects.length} repositories declare their own pipelines.`
            : `${broken.length} of ${projects.length} are broken: the builders of their last right pipeline go on.`}
      </p>
      {projects.length > 0 && <Table projects={projects} again={again} />}
    </Page>
  );
}

function Table({ projects, again }: { projects: readonly Project[]; again: () => void }): JSX.Element {
  return (
    <div class="table-scroll">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Project</th>
            <th scope="col">Pipeline</th>
            <th scope="col">Read</th>
            <th scope="col">Builders</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {projects.map((project) => (
            <Row key={project.name} project={project} again={again} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ project, again }: { project: Project; again: () => void }): JSX.Element {
  const { name, repository, branch, file, state, readRevision, readAt, builders, errors } = project;
  const { look, word } = STATES[state];
  return (
    <tr data-project={name} data-state={state}>
      <td>
        <b>{name}</b> <span class="dim">{repository}</span>
        {errors.map((error) => (
          <div key={error} class="bad project-error">
            {error}
          </div>
        ))}
      </td>
      <td>
        <Badge look={look}>{word}</Badge> <span class="dim">{file}</span>
      </td>
      <td data-label="read">
        {branch ?? 'default branch'} <code>{readRevision?.slice(0, 8)}</code> <Ago at={readAt} />
      </td>
      <td class="card-line">
        <span class="links-row">
          {builders.map((builder) => (
            <BuilderLink key={builder} name={builder} />
          ))}
        </span>
      </td>
      <td class="actions">
        <DeedButton
          deed="reload"
          scope="site"
          title={`Reads ${file} of ${name} now, and puts it in force`}
          aria-label={`Read now: ${name}`}
          onClick={() => void perform(() => api.readProject(name), `${name} was read.`).then(again)}
        >
          Read now
        </DeedButton>
      </td>
    </tr>
  );
}
