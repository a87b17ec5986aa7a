import type { Build, Buildset, Log, LogLine, Request, Scheduler, Status, Step } from '@icefall/shared';

/** Resources of the API as a master gives them, with the parts that a test is about. */

export function statusOf(parts: Partial<Status> = {}): Status {
  return {
    title: 'Test site',
    url: 'http://master.example',
    version: '0.1.0',
    startedAt: 0,
    now: 1_000_000,
    timeZone: 'UTC',
    configVersion: 3,
    configLoadedAt: 940_000,
    configErrors: [],
    alarms: [],
    drainingSince: null,
    seq: 10,
    pendingRequests: 2,
    runningBuilds: 1,
    workersConnected: 1,
    workers: 2,
    ...parts,
  };
}

export function requestOf(parts: Partial<Request> = {}): Request {
  return {
    id: 7,
    buildsetId: 5,
    builder: 'b',
    priority: 0,
    state: 'pending',
    result: null,
    submittedAt: 900_000,
    finishedAt: null,
    collapsedInto: null,
    buildIds: [],
    blocker: null,
    blockedSince: null,
    reason: 'force',
    owner: null,
    parentBuildId: null,
    ...parts,
  };
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
  return {
    buildId: 12,
    number: 0,
    name: 'make',
    kind: 'shell',
    state: 'finished',
    result: 'SUCCESS',
    startedAt: 950_000,
    locksAcquiredAt: 950_000,
    finishedAt: 960_000,
    summary: 'exit code 0',
    hidden: false,
    blocker: null,
    urls: [],
    triggeredRequestIds: [],
    logs: [logOf()],
    pid: null,
    ...parts,
  };
}

export function buildOf(parts: Partial<Build> = {}): Build {
  return {
    id: 12,
    builder: 'b',
    number: 4,
    requestId: 7,
    buildsetId: 5,
    attempt: 1,
    worker: 'w1',
    state: 'finished',
    result: 'SUCCESS',
    submittedAt: 900_000,
    startedAt: 940_000,
    finishedAt: 965_000,
    summary: '',
    reason: 'force',
    owner: null,
    scheduler: 'try',
    sourceStamps: [],
    changeIds: [],
    parentBuildId: null,
    properties: {},
    stopReason: null,
    graceUntil: null,
    estimateMs: null,
    steps: [stepOf()],
    ...parts,
  };
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
