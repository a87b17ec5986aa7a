import type { Build, Builder, BuildHead, Change, Request, Snapshot, Status, Step } from '../index.ts';

// Resources of the API for tests: plausible, and with whatever a test says of them.

export function makeStep(step: Partial<Step> = {}): Step {
  return {
    buildId: 1,
    number: 0,
    name: 'build',
    kind: 'shell',
    state: 'finished',
    result: 'SUCCESS',
    startedAt: 0,
    locksAcquiredAt: 0,
    finishedAt: 60_000,
    summary: '',
    hidden: false,
    blocker: null,
    urls: [],
    triggeredRequestIds: [],
    logs: [],
    pid: null,
    ...step,
  };
}

export function makeHead(build: Partial<BuildHead> = {}): BuildHead {
  return {
    id: 1,
    builder: 'alma9',
    number: 1,
    requestId: 1,
    buildsetId: 1,
    attempt: 1,
    worker: 'alma9',
    state: 'finished',
    result: 'SUCCESS',
    submittedAt: 0,
    startedAt: 0,
    finishedAt: 60_000,
    summary: '',
    reason: 'push to main',
    owner: null,
    scheduler: 'push',
    sourceStamps: [{ codebase: '', repository: 'scripts', branch: 'main', revision: null, project: '' }],
    changeIds: [],
    parentBuildId: null,
    properties: {},
    stopReason: null,
    graceUntil: null,
    estimateMs: null,
    ...build,
  };
}

export function makeBuild({ steps = [], ...head }: Partial<Build> = {}): Build {
  return { ...makeHead(head), steps };
}

export function makeBuilder(builder: Partial<Builder> = {}): Builder {
  return {
    name: 'alma9',
    group: 'platforms',
    description: '',
    tags: [],
    workers: ['alma9'],
    pendingRequests: 0,
    runningBuilds: 0,
    lastResult: null,
    forceSchedulers: [],
    ...builder,
  };
}

export function makeRequest(request: Partial<Request> = {}): Request {
  return {
    id: 1,
    buildsetId: 1,
    builder: 'alma9',
    priority: 0,
    state: 'pending',
    result: null,
    submittedAt: 0,
    finishedAt: null,
    collapsedInto: null,
    buildIds: [],
    blocker: null,
    blockedSince: null,
    reason: '',
    owner: null,
    parentBuildId: null,
    ...request,
  };
}

export function makeChange(change: Partial<Change> = {}): Change {
  return {
    id: 1,
    author: 'Release team <mk@example.org>',
    committer: null,
    message: 'fix',
    revision: 'abc',
    branch: 'main',
    repository: 'scripts',
    codebase: '',
    project: '',
    category: null,
    files: [],
    link: null,
    commits: [],
    properties: {},
    source: 'webhook',
    at: 0,
    receivedAt: 0,
    ...change,
  };
}

export function makeStatus(status: Partial<Status> = {}): Status {
  return {
    title: 'Test',
    url: '',
    version: '0',
    startedAt: 0,
    now: 0,
    timeZone: 'UTC',
    configVersion: 1,
    configLoadedAt: 0,
    configErrors: [],
    alarms: [],
    drainingSince: null,
    seq: 0,
    pendingRequests: 0,
    runningBuilds: 0,
    workersConnected: 0,
    workers: 0,
    ...status,
  };
}

export function makeSnapshot(snapshot: Partial<Snapshot> = {}): Snapshot {
  return {
    seq: 10,
    status: makeStatus(),
    builders: [],
    builds: [],
    since: 0,
    more: false,
    requests: [],
    changes: [],
    workers: [],
    locks: [],
    schedulers: [],
    ...snapshot,
  };
}
