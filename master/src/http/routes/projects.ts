import { projectSchema } from '@icefall/shared';
import { z } from 'zod';
import { definitionJsonSchema } from '../../projects/definition.ts';
import { audit } from '../acting.ts';
import { nameParam, route } from '../route.ts';
import { found } from './builders.ts';

export const projectRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/projects',
    name: 'listProjects',
    access: { may: 'view' },
    summary: "Repositories that declare their own pipelines, in the site's order",
    tag: 'projects',
    answer: { json: z.object({ projects: z.array(projectSchema) }) },
    handle: ({ door }) => ({ projects: door.master.projects.all() }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/projects/:name',
    name: 'getProject',
    access: { may: 'view' },
    summary: 'One project, with what is wrong with its pipeline',
    tag: 'projects',
    params: z.object({ name: nameParam }),
    answer: { json: projectSchema },
    refusals: ['not_found'],
    handle: ({ door, params: { name } }) => found(door.master.projects.project(name), `project "${name}"`),
  }),
  route({
    method: 'POST',
    path: '/api/v1/projects/:name/read',
    name: 'readProject',
    access: { may: 'reload' },
    summary: "Reads the project's pipeline now, and puts it in force",
    tag: 'projects',
    params: z.object({ name: nameParam }),
    answer: { json: projectSchema },
    refusals: ['not_found'],
    async handle({ door, params: { name }, request }) {
      const project = found(await door.master.projects.read(name), `project "${name}"`);
      audit(door.master, request, { action: 'readProject', object: name, detail: { state: project.state } });
      return project;
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/pipeline-schema.json',
    name: 'getPipelineSchema',
    access: { open: 'says only what the documentation does' },
    summary: 'The JSON schema of icefall.yml, for editors',
    tag: 'projects',
    answer: { json: z.record(z.string(), z.json()) },
    handle: () => definitionJsonSchema(),
  }),
];
