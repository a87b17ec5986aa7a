import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ForcePreview } from '@icefall/shared';
import { sendJson } from './answers.ts';
import { redeliver } from './deliveries.ts';
import type { Play } from './play.ts';
import { submit, type World } from './world.ts';

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>;
}

/** Everything that the page can ask for. */
export async function act(
  play: Play,
  request: IncomingMessage,
  response: ServerResponse,
  parts: readonly string[],
): Promise<unknown> {
  const { world } = play;
  const body = await bodyOf(request);
  const [room, name = '', verb] = parts;
  const now = Date.now();
  const done = (answer: unknown = {}) => sendJson(response, 200, answer);
  switch (`${room}/${verb}`) {
    case 'builds/stop': {
      const build = world.builds.get(Number(name));
      if (build !== undefined) {
        build.stopReason = String(body.reason ?? '');
        world.emitBuild(build, now);
      }
      return done();
    }
    case 'builds/rebuild': {
      const build = world.builds.get(Number(name));
      if (build === undefined) return done();
      const made = submit(
        world,
        { builder: build.builder, scheduler: 'rebuild', reason: `rebuild of #${build.number}`, owner: 'you' },
        now,
      );
      play.request(made, now);
      return done({ buildset: world.buildsets.get(made.buildsetId) });
    }
    case 'requests/cancel': {
      const pending = world.requests.get(Number(name));
      if (pending !== undefined) {
        Object.assign(pending, { state: 'finished', result: 'CANCELLED', finishedAt: now });
        play.request(pending, now);
      }
      return done();
    }
    case 'schedulers/enable': {
      const scheduler = world.schedulers.get(name);
      if (scheduler !== undefined) {
        scheduler.enabled = body.enabled === true;
        world.emit('scheduler', name, scheduler, now);
      }
      return done();
    }
    case 'schedulers/force':
      return force(play, response, name, body, now);
    case 'schedulers/preview':
      return done(preview(world, name, body));
    // A place deeper than the others: hooks/deliveries/ID/redeliver.
    case `hooks/${verb}`: {
      const made = redeliver(world, Number(verb), now);
      if (made !== undefined) return done(made);
      return sendJson(response, 404, { error: { code: 'not_found', message: `No body of delivery ${verb} is kept.` } });
    }
    case 'workers/pause':
    case 'workers/resume': {
      const worker = world.workers.get(name);
      if (worker !== undefined) {
        worker.paused = verb === 'pause';
        world.emit('worker', name, worker, now);
      }
      return done(worker);
    }
    default:
      return sendJson(response, 404, { error: { code: 'not_found', message: `No such action: ${room}/${verb}` } });
  }
}

function force(
  play: Play,
  response: ServerResponse,
  name: string,
  body: Record<string, unknown>,
  now: number,
): unknown {
  const scheduler = play.world.schedulers.get(name);
  const values = (body.values ?? {}) as Record<string, unknown>;
  const fields: Record<string, string> = {};
  if (values.variant === 'bad') fields.variant = '"bad" is not a release';
  if (values.path === 'bad') fields.path = '"bad" is not a path';
  if (Object.keys(fields).length > 0)
    return sendJson(response, 422, { error: { code: 'invalid_form', message: 'The form has mistakes.', fields } });
  const wanted = Array.isArray(body.builders) ? body.builders.map(String) : (scheduler?.builders ?? []);
  const made = wanted.map((builder) =>
    submit(
      play.world,
      { builder, scheduler: name, reason: String(body.reason ?? 'forced'), owner: String(body.owner ?? 'you') },
      now,
    ),
  );
  for (const request of made) play.request(request, now);
  return sendJson(response, 200, { buildset: play.world.buildsets.get(made[0]?.buildsetId ?? 0) });
}

/** As a master would tell it, of what the simulated site knows: locks that are held, and who waits. */
function preview(world: World, name: string, body: Record<string, unknown>): ForcePreview {
  const wanted = Array.isArray(body.builders)
    ? body.builders.map(String)
    : (world.schedulers.get(name)?.builders ?? []);
  const pending = [...world.requests.values()].filter(({ state }) => state === 'pending');
  return {
    sourceStamps: [{ codebase: '', repository: '', branch: 'main', revision: null, project: '' }],
    fields: {},
    requests: wanted.map((builder) => ({
      builder,
      blocker: null,
      ahead: pending.filter((request) => request.builder === builder).length,
      takesIn: [],
      locks: [...world.locks.values()]
        .filter(({ holders }) => holders.some(({ mode }) => mode === 'exclusive'))
        .map(({ name: lock, holders, waiters }) => ({
          ...{ lock, mode: 'counting' as const, step: 'build', holders },
          waiting: waiters.length,
        })),
    })),
  };
}
