import type { Build, Buildset, Log, LogLine, Request, Scheduler, Status, Step } from '@icefall/shared';
import { makeBuild, makeRequest, makeStatus, makeStep } from '@icefall/shared/testing/resources';

/** Resources of the API as a master gives them, with the parts that a test is about. */

export function statusOf(parts: Partial<Status> = {}): Status {
  return makeStatus({
    title: 'Test site',
    url: 'http://master.example',
    version: '0.1.0',
    now: 1_000_000,
    configVersion: 3,
    configLoadedAt: 940_000,
    seq: 10,
    pendingRequests: 2,
    runningBuilds: 1,
    workersConnected: 1,
    workers: 2,
    ...parts,
  });
}

export function requestOf(parts: Partial<Request> = {}): Request {
  return makeRequest({ id: 7, buildsetId: 5, builder: 'b', submittedAt: 900_000, reason: 'force', ...parts });
}

export function buildsetOf(parts: Partial<Buildset> = {}): Buildset {
  return {
    id: 5,
    scheduler: 'try',
    reason: 'force',
    owner: null,
    sourceStamps: [],
    changeIds: [],
    requestIds: [7],
    properties: {},
    parentBuildId: null,
    parentStepNumber: null,
    createdAt: 900_000,
    finishedAt: null,
    result: null,
    ...parts,
  };
}

export function logOf(parts: Partial<Log> = {}): Log {
  return { id: 31, buildId: 12, stepNumber: 0, name: 'stdio', lines: 0, bytes: 0, complete: true, ...parts };
}

export function stepOf(parts: Partial<Step> = {}): Step {
  return makeStep({
    buildId: 12,
    name: 'make',
    startedAt: 950_000,
    locksAcquiredAt: 950_000,
    finishedAt: 960_000,
    summary: 'exit code 0',
    logs: [logOf()],
    ...parts,
  });
}

export function buildOf(parts: Partial<Build> = {}): Build {
  return makeBuild({
    id: 12,
    builder: 'b',
    number: 4,
    requestId: 7,
    buildsetId: 5,
    worker: 'w1',
    submittedAt: 900_000,
    startedAt: 940_000,
    finishedAt: 965_000,
    reason: 'force',
    scheduler: 'try',
    sourceStamps: [],
    steps: [stepOf()],
    ...parts,
  });
}

export function schedulerOf(parts: Partial<Scheduler> = {}): Scheduler {
  return {
    name: 'try',
    kind: 'force',
    builders: ['b'],
    enabled: true,
    nextAt: null,
    lastAt: null,
    form: null,
    ...parts,
  };
}

export function lineOf(n: number, text = `line ${n}`): LogLine {
  return { n, stream: 'stdout', at: 950_000 + n, text };
}
