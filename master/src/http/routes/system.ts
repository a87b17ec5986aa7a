import { configurationSchema, snapshotSchema, statusSchema } from '@icefall/shared';
import { z } from 'zod';
import { describeSite } from '../../config/description.ts';
import { configurationOf } from '../../engine/config-versions.ts';
import { MOST_SNAPSHOT_BUILDS } from '../../events/views.ts';
import { act, audit } from '../acting.ts';
import { HttpProblem } from '../errors.ts';
import { idParam, numberQuery, route } from '../route.ts';
import { found } from './builders.ts';

/** Most hours of a snapshot: a month. */
const MOST_HOURS = 31 * 24;

export const systemRoutes = [
  route({
    method: 'GET',
    path: '/health/live',
    name: 'live',
    access: { open: 'says only that the master answers; an orchestrator asks' },
    summary: 'Answers as long as the master does: start it again only when this does not',
    tag: 'master',
    answer: { json: z.object({ status: z.literal('ok') }) },
    handle: () => ({ status: 'ok' }),
  }),
  route({
    method: 'GET',
    path: '/health/ready',
    name: 'ready',
    access: { open: 'an orchestrator asks; it tells of the storage only' },
    summary: 'Whether the master takes work; 503 with the reason while its storage refuses writes',
    tag: 'master',
    answer: { json: z.object({ status: z.literal('ready') }) },
    refusals: ['not_ready'],
    handle({ door: { master } }) {
      const alarm = master.core.alarms.all.find(({ kind }) => kind === 'storageUnavailable');
      if (alarm !== undefined) throw new HttpProblem('not_ready', alarm.message);
      return { status: 'ready' };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/health',
    name: 'health',
    access: { open: 'says only that the master answers; whatever watches over it asks' },
    summary: 'Answers as long as the master does',
    tag: 'master',
    answer: { json: z.object({ status: z.literal('ok') }) },
    handle: () => ({ status: 'ok' }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/status',
    name: 'status',
    access: { may: 'view', seen: true },
    summary: 'What the master is, and how busy',
    tag: 'master',
    answer: { json: statusSchema },
    handle: ({ door, caller }) => caller.sight.status(door.views.status()),
  }),
  route({
    method: 'GET',
    path: '/api/v1/snapshot',
    name: 'snapshot',
    access: { may: 'view', seen: true },
    summary: 'Everything a page needs to start; the events after its `seq` keep it up to date',
    tag: 'master',
    query: z.object({
      hours: numberQuery({ min: 0, max: MOST_HOURS }).default(24).describe('of finished builds'),
      builds: numberQuery({ min: 1, max: MOST_SNAPSHOT_BUILDS })
        .default(MOST_SNAPSHOT_BUILDS)
        .describe('most finished builds, the newest; `since` says how far back they go'),
    }),
    answer: { json: snapshotSchema },
    handle: ({ door, caller, query }) => caller.sight.snapshot(door.views.snapshot(query.hours, query.builds)),
  }),
  route({
    method: 'GET',
    path: '/api/v1/config',
    name: 'getConfiguration',
    access: { may: 'view' },
    summary: 'The configuration in force, without secrets',
    tag: 'master',
    answer: { json: configurationSchema },
    handle({ door: { master } }) {
      const { version, loadedAt, site } = master.config.state;
      return { version, appliedAt: loadedAt, site: describeSite(site) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/config/:version',
    name: 'getPastConfiguration',
    access: { may: 'view' },
    summary: 'A configuration that was in force, by the number that its builds name',
    tag: 'master',
    params: z.object({ version: idParam }),
    answer: { json: configurationSchema },
    refusals: ['not_found'],
    handle: ({ door: { master }, params: { version } }) =>
      found(configurationOf(master.core, version), `configuration ${version} on record`),
  }),
  route({
    method: 'POST',
    path: '/api/v1/drain',
    name: 'drain',
    access: { may: 'drain' },
    summary: 'Starts no new builds (those that run go on, requests are accepted and wait), or does so again',
    tag: 'master',
    body: z.object({ drain: z.boolean() }),
    answer: { json: statusSchema },
    handle({ door, body: { drain }, request }) {
      return act(door.master, request, { action: drain ? 'drain' : 'undrain', object: 'master' }, () => {
        door.master.setDraining(drain);
        return door.views.status();
      });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/reload',
    name: 'reload',
    access: { may: 'reload' },
    summary: "Loads the site's program again; applies it whole or, with any mistake in it, not at all",
    tag: 'master',
    answer: { json: z.object({ configVersion: z.number().int() }) },
    refusals: ['bad_config'],
    async handle({ door, request }) {
      const { configVersion } = await door.master.reload();
      audit(door.master, request, { action: 'reload', object: 'configuration', detail: { configVersion } });
      return { configVersion };
    },
  }),
];
