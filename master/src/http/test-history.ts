import { type Build, encodeRecord, type Result, STREAM } from '@icefall/shared';
import { toColumn } from '../db/rows.ts';
import { NOW, REPOSITORY, type TestSite } from './test-site.ts';

const MINUTE = 60_000;

export function stamp(branch = 'main') {
  return { codebase: '', repository: REPOSITORY, branch, revision: null, project: '' };
}

/** Writes a buildset with a request for each builder. Gives their ids. */
export function addBuildset(
  { core, buildsets }: TestSite,
  builders: readonly string[],
  values: { branch?: string; changeIds?: number[]; parent?: { buildId: number; stepNumber: number } } = {},
): { buildsetId: number; requestIds: number[] } {
  const { branch = 'main', changeIds = [], parent } = values;
  return core.turn(() =>
    buildsets.add({
      scheduler: 'main',
      reason: 'a change',
      builders,
      sourceStamps: [stamp(branch)],
      changeIds,
      properties: { variant: { value: 'base', source: 'Scheduler: main' } },
      priority: 0,
      ...(parent === undefined ? {} : { parent: { ...parent, unimportant: false } }),
    }),
  );
}

export interface NewBuild {
  readonly builder: string;
  readonly requestId: number;
  readonly buildsetId: number;
  readonly worker?: string;
  /** Null: it runs. */
  readonly result: Result | null;
  readonly startedAt?: number;
}

/** Writes a build as builds/ would; a finished one took a minute. */
export function addBuild({ core }: TestSite, values: NewBuild): number {
  const { builder, requestId, buildsetId, worker = 'w1', result, startedAt = NOW - 10 * MINUTE } = values;
  return core.turn(() => {
    const last = core.db.one<{ n: number | null }>('SELECT MAX(number) AS n FROM builds WHERE builder = ?', builder);
    const id = core.db.insert('builds', {
      builder,
      number: (last?.n ?? 0) + 1,
      request_id: requestId,
      buildset_id: buildsetId,
      attempt: 1,
      epoch: 1,
      worker,
      directory: builder,
      holds_slot: result === null ? 1 : 0,
      state: result === null ? 'running' : 'finished',
      result,
      result_so_far: result ?? 'SUCCESS',
      submitted_at: startedAt,
      started_at: startedAt,
      finished_at: result === null ? null : startedAt + MINUTE,
      properties: toColumn({ variant: { value: 'base', source: 'Scheduler: main' } }),
      config_version: 1,
      shape: '',
    });
    const state = result === null ? 'building' : 'finished';
    core.db.update('requests', { id: requestId }, { state, result });
    core.touch('build', id);
    return id;
  });
}

export function addStep(
  { core }: TestSite,
  buildId: number,
  number: number,
  values: Record<string, string | number | null> = {},
): void {
  core.turn(() => {
    core.db.insert('steps', {
      build_id: buildId,
      number,
      name: `step ${number}`,
      kind: 'shell',
      state: 'finished',
      result: 'SUCCESS',
      started_at: NOW - 9 * MINUTE,
      locks_acquired_at: NOW - 9 * MINUTE,
      finished_at: NOW - 8 * MINUTE,
      ...values,
    });
    core.touch('step', `${buildId}.${number}`);
  });
}

const ends = new Map<string, number>();

/** A step writes; gives the log's id. */
export function write({ logs, directory }: TestSite, buildId: number, stepNumber: number, text: string): number {
  const key = `${directory} ${buildId}.${stepNumber}`;
  const record = encodeRecord({ stream: STREAM.stdout, at: NOW, data: Buffer.from(text) });
  const offset = ends.get(key) ?? 0;
  logs.append(buildId, stepNumber, offset, record, []);
  ends.set(key, offset + record.length);
  return logs.ofStep(buildId, stepNumber)[0]?.id ?? 0;
}

export function claim(
  { core }: TestSite,
  holder: string,
  lock: string,
  mode: string,
  granted: boolean,
  seq: number,
): void {
  core.turn(() => {
    core.db.insert('lock_claims', {
      holder,
      lock,
      mode,
      count: 1,
      seq,
      queued_at: NOW - 5 * MINUTE,
      granted_at: granted ? NOW - 4 * MINUTE : null,
      fence: granted ? seq : null,
    });
    core.touch('lock', lock);
  });
}

/**
 * A push was built by `linux` (build 1, finished) and is built by `docs` (build 2): its step 1 runs and writes log 2,
 * its step 2 waits for request 3, which waits for the lock `tree`.
 */
export function addHistory(site: TestSite): { changeId: number; finishedLog: number; growingLog: number } {
  const { core, logs, changes } = site;
  const { changeId } = changes.add({
    repository: REPOSITORY,
    branch: 'main',
    revision: 'abc',
    author: 'Ada <ada@example.org>',
    committer: null,
    message: 'Change something',
    files: ['a/b'],
    commits: [{ revision: 'abc', author: 'Ada', message: 'Change something', at: NOW }],
    codebase: '',
    project: '',
    category: null,
    link: null,
    properties: {},
    source: 'sendchange',
    deliveryId: null,
    at: null,
  });
  const { buildsetId, requestIds } = addBuildset(site, ['linux', 'docs'], { changeIds: [changeId] });
  const [first = 0, second = 0] = requestIds;
  const finished = addBuild(site, { builder: 'linux', requestId: first, buildsetId, result: 'SUCCESS' });
  addStep(site, finished, 0, { name: 'checkout', kind: 'git', summary: 'at abc' });
  const finishedLog = write(site, finished, 0, 'cloning\ndone\n');
  core.turn(() => logs.finish(finished, 0));
  const running = addBuild(site, { builder: 'docs', requestId: second, buildsetId, result: null });
  const begun = { state: 'running', result: null, finished_at: null };
  addStep(site, running, 0, { urls: toColumn([{ name: 'artifact', url: 'https://example.org/' }]) });
  addStep(site, running, 1, { ...begun, name: 'build' });
  const growingLog = write(site, running, 1, 'one\ntwo\n');
  const children = toColumn({ kind: 'children', requestIds: [3], total: 1, finished: 0 });
  addStep(site, running, 2, { ...begun, name: 'trigger', kind: 'trigger', blocker: children });
  addBuildset(site, ['linux'], { parent: { buildId: running, stepNumber: 2 } });
  core.turn(() =>
    core.db.insert('commands', {
      build_id: running,
      step_number: 1,
      epoch: 1,
      worker: 'w1',
      state: 'started',
      label: 'docs #1 build',
      command: '{}',
      pid: 4711,
    }),
  );
  claim(site, `step:${running}.1`, 'tree', 'counting', true, 1);
  claim(site, 'request:3', 'tree', 'exclusive', false, 2);
  return { changeId, finishedLog, growingLog };
}

/** Finished builds of ten steps with a log each, `everyMs` apart, ending now. */
export function addManyBuilds(
  site: TestSite,
  count: number,
  options: { steps: number; everyMs: number; branch?: string },
): void {
  const { core } = site;
  core.turn(() => {
    for (let i = 0; i < count; i += 1) {
      const { buildsetId, requestIds } = addBuildset(site, ['linux'], { branch: options.branch ?? 'main' });
      const startedAt = NOW - (count - i) * options.everyMs;
      const build = {
        builder: 'linux',
        requestId: requestIds[0] ?? 0,
        buildsetId,
        result: 'SUCCESS',
        startedAt,
      } as const;
      const id = addBuild(site, build);
      for (let number = 0; number < options.steps; number += 1) {
        addStep(site, id, number);
        core.db.insert('logs', {
          build_id: id,
          step_number: number,
          name: 'stdio',
          stream: 0,
          lines: 10,
          bytes: 100,
          complete: 1,
        });
      }
    }
  });
}

/** The ids, in order. */
export function idsOf(builds: readonly Pick<Build, 'id'>[]): number[] {
  return builds.map((build) => build.id);
}
