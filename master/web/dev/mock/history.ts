import type { Build, Change, Request, Result } from '@icefall/shared';
import type { StepPlan } from './plans.ts';
import { beginBuild, beginLog, finishBuild, type Start, submit, type World } from './world.ts';

const HOUR = 3_600_000;
const AUTHORS = ['Release team <release@example.org>', 'Platforms <platforms@example.org>', 'Data <data@example.org>'];
const MESSAGES = [
  'boost: build without icu',
  'add py3-v4.4.3',
  'fix rpath on alma8\n\nThe loader found the system library first.',
  'openblas: pin to 0.3.28',
  'geant4: data sets come from the mirror, they are 4 GB and the upstream server is slow on weekends',
  '<b>photospline</b>: & "quotes" in messages must not hurt',
];

/** Numbers from 0 to 1, the same ones for the same seed (Mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function addChange(world: World, random: () => number, at: number): Change {
  const id = world.next('change');
  const revision = Array.from({ length: 40 }, () => Math.floor(random() * 16).toString(16)).join('');
  const author = AUTHORS[Math.floor(random() * AUTHORS.length)] ?? '';
  const message = MESSAGES[id % MESSAGES.length] ?? '';
  const change: Change = {
    id,
    author,
    committer: null,
    message,
    revision,
    branch: random() < 0.8 ? 'main' : 'spack-1.1',
    repository: 'https://git.example.org/build-scripts.git',
    codebase: '',
    project: '',
    category: null,
    files: ['builders/build.sh', 'platforms/alma8.sh'].slice(0, 1 + Math.floor(random() * 2)),
    link: `https://git.example.org/build-scripts/commit/${revision}`,
    commits: [{ revision, author, message, at: at - 60_000 }],
    properties: {},
    source: 'webhook',
    at: at - 60_000,
    receivedAt: at,
  };
  world.changes.set(id, change);
  return change;
}

/** Plays the last `hours` at once: releases, hourly and daily runs, and what they start. */
export function playHistory(world: World, now: number, hours: number, random: () => number): void {
  const begin = now - hours * HOUR;
  for (let at = begin; at < now - 80 * 60_000; at += (1.3 + random() * 3.2) * HOUR) {
    const change = addChange(world, random, at);
    run(world, { builder: 'checkout', scheduler: 'push_py3', reason: 'push to main', change }, at + 4000, random);
  }
  for (let at = begin + 1.4 * HOUR; at < now - 2 * HOUR; at += 7 * HOUR)
    run(world, { builder: 'checkout_spack', scheduler: 'nightly_spack', reason: 'nightly' }, at, random);
  for (let at = Math.ceil(begin / HOUR) * HOUR; at < now - 300_000; at += HOUR)
    run(world, { builder: 'user_rsync', scheduler: 'user_rsync_hourly', reason: 'hourly' }, at, random);
  for (const [name, hour] of [
    ['whitelist', 9],
    ['gcd', 11],
    ['test_data', 10.5],
    ['tables', 10.2],
    ['backup', 7],
  ] as const)
    run(
      world,
      { builder: name, scheduler: `${name}_daily`, reason: 'daily', owner: hour === 9 ? 'mk' : null },
      now - hour * HOUR,
      random,
    );
  for (const name of world.builders.keys())
    if (name.startsWith('extra'))
      for (let at = begin + random() * HOUR; at < now - 0.5 * HOUR; at += (0.3 + random() * 0.6) * HOUR)
        run(world, { builder: name, scheduler: 'push_extra', reason: 'push to main' }, at, random);
}

/** One finished request with its build and those it triggers; returns its build. */
function run(world: World, start: Start, at: number, random: () => number): Build {
  const request = submit(world, start, at);
  const plan = world.plans.get(start.builder);
  const build = beginBuild(world, request, at + 500 + random() * 4000, null);
  let clock = build.startedAt;
  let result: Result = 'SUCCESS';
  const doomed = random() * 100 < (plan?.failures ?? 0);
  for (const [number, stepPlan] of (plan?.steps ?? []).entries()) {
    const step = build.steps[number];
    if (step === undefined) continue;
    const bad = result !== 'SUCCESS' && result !== 'WARNINGS';
    if (stepPlan.cleanUp === true ? !bad : bad) {
      Object.assign(step, {
        state: 'finished',
        result: 'SKIPPED',
        startedAt: clock,
        locksAcquiredAt: clock,
        finishedAt: clock,
        hidden: stepPlan.cleanUp,
      });
      continue;
    }
    step.hidden = false;
    const wait = stepPlan.lock !== undefined && random() < 0.3 ? random() * 400_000 : 0;
    step.startedAt = clock;
    step.locksAcquiredAt = clock + wait;
    const outcome = stepOutcome(world, build, stepPlan, clock + wait, random, doomed && number === 1);
    step.result = outcome.result;
    step.triggeredRequestIds = outcome.requests;
    clock = outcome.end;
    step.finishedAt = clock;
    step.state = 'finished';
    step.summary = outcome.result === 'FAILURE' ? 'exit code 2' : '';
    if (stepPlan.triggers === undefined) beginLog(world, step, Math.ceil((outcome.end - at) / 90), true);
    if (outcome.result === 'FAILURE' || outcome.result === 'EXCEPTION') result = outcome.result;
    if (outcome.result === 'WARNINGS' && result === 'SUCCESS') result = 'WARNINGS';
    clock += 300;
  }
  finishBuild(build, result, clock);
  Object.assign(request, { state: 'finished', result, finishedAt: clock } satisfies Partial<Request>);
  const builder = world.builders.get(build.builder);
  if (builder !== undefined) builder.lastResult = result;
  return build;
}

function stepOutcome(world: World, build: Build, plan: StepPlan, at: number, random: () => number, doomed: boolean) {
  if (plan.triggers !== undefined) {
    const children = plan.triggers.map((builder) =>
      run(
        world,
        {
          builder,
          scheduler: plan.name,
          reason: `triggered by ${build.builder} #${build.number}`,
          parentBuildId: build.id,
        },
        at + random() * 20_000,
        random,
      ),
    );
    const failed = children.some((child) => child.result === 'FAILURE' || child.result === 'EXCEPTION');
    const end = Math.max(...children.map((child) => child.finishedAt ?? at));
    return {
      result: failed ? ('FAILURE' as const) : ('SUCCESS' as const),
      end,
      requests: children.map((child) => child.requestId),
    };
  }
  const end = at + plan.seconds * 1000 * (0.6 + random() * 0.8) * (doomed ? 0.4 : 1);
  const noisy: Result = plan.noisy === true && random() < 0.2 ? 'WARNINGS' : 'SUCCESS';
  const failure: Result = random() < 0.25 ? 'EXCEPTION' : 'FAILURE';
  return { result: doomed ? failure : noisy, end, requests: [] };
}
