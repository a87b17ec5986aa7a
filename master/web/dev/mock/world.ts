import type {
  Build,
  Builder,
  Buildset,
  Change,
  EventData,
  EventKind,
  Lock,
  Log,
  Request,
  Result,
  Scheduler,
  Status,
  Step,
  Worker,
} from '@icefall/shared';
import type { BuilderPlan, StepPlan } from './plans.ts';

/** An event with its number, as the stream sends it. */
export interface Sent {
  readonly seq: number;
  readonly kind: EventKind;
  readonly json: string;
}
/** Events that a page that was away can still get. */
const KEPT_EVENTS = 2000;

/** The state of the simulated master, and the events of it. */
export class World {
  readonly builders = new Map<string, Builder>();
  readonly plans = new Map<string, BuilderPlan>();
  readonly builds = new Map<number, Build>();
  readonly requests = new Map<number, Request>();
  readonly buildsets = new Map<number, Buildset>();
  readonly changes = new Map<number, Change>();
  readonly workers = new Map<string, Worker>();
  readonly locks = new Map<string, Lock>();
  readonly schedulers = new Map<string, Scheduler>();
  readonly logs = new Map<number, Log>();
  /** Deliveries of webhooks that were read again. */
  readonly redeliveries: { readonly of: number; readonly at: number }[] = [];
  readonly startedAt: number;
  seq = 1000;
  sent: Sent[] = [];
  readonly listeners = new Set<(event: Sent) => void>();
  private readonly counters = new Map<string, number>();

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  next(counter: string): number {
    const value = (this.counters.get(counter) ?? 0) + 1;
    this.counters.set(counter, value);
    return value;
  }

  emit<K extends EventKind>(kind: K, key: string | number, data: EventData[K], at: number): void {
    this.seq += 1;
    const json = JSON.stringify({ seq: this.seq, at, kind, key: String(key), data });
    const event = { seq: this.seq, kind, json };
    this.sent.push(event);
    if (this.sent.length > KEPT_EVENTS) this.sent = this.sent.slice(-KEPT_EVENTS / 2);
    for (const listener of this.listeners) listener(event);
  }

  emitBuild(build: Build, at: number): void {
    const { steps: _, ...head } = build;
    this.emit('build', build.id, head, at);
  }

  status(now: number): Status {
    const workers = [...this.workers.values()];
    return {
      title: 'Observatory software',
      url: 'http://127.0.0.1:8011',
      version: '0.1.0',
      startedAt: this.startedAt,
      now,
      timeZone: 'Europe/Berlin',
      configVersion: 12,
      configLoadedAt: this.startedAt,
      configErrors: [],
      alarms: [],
      drainingSince: null,
      seq: this.seq,
      pendingRequests: [...this.requests.values()].filter((request) => request.state === 'pending').length,
      runningBuilds: [...this.builds.values()].filter((build) => build.finishedAt === null).length,
      workersConnected: workers.filter((worker) => worker.connected).length,
      workers: workers.length,
    };
  }
}

export interface Start {
  readonly builder: string;
  readonly reason: string;
  readonly scheduler: string;
  readonly owner?: string | null;
  readonly change?: Change;
  readonly parentBuildId?: number;
  readonly parentStepNumber?: number;
  readonly properties?: Build['properties'];
}

/** Makes a buildset with one request. */
export function submit(world: World, start: Start, at: number): Request {
  const id = world.next('request');
  const buildsetId = world.next('buildset');
  const owner = start.owner ?? null;
  const parentBuildId = start.parentBuildId ?? null;
  world.buildsets.set(buildsetId, {
    id: buildsetId,
    scheduler: start.scheduler,
    reason: start.reason,
    owner,
    sourceStamps: [],
    changeIds: start.change === undefined ? [] : [start.change.id],
    requestIds: [id],
    properties: start.properties ?? {},
    parentBuildId,
    parentStepNumber: start.parentStepNumber ?? null,
    createdAt: at,
    finishedAt: null,
    result: null,
  });
  const request: Request = {
    id,
    buildsetId,
    builder: start.builder,
    priority: 0,
    state: 'pending',
    result: null,
    submittedAt: at,
    finishedAt: null,
    collapsedInto: null,
    buildIds: [],
    blocker: null,
    blockedSince: null,
    reason: start.reason,
    owner,
    parentBuildId,
  };
  world.requests.set(id, request);
  return request;
}

/** The build of a request, with all its steps pending. */
export function beginBuild(world: World, request: Request, at: number, estimateMs: number | null): Build {
  const plan = world.plans.get(request.builder);
  const buildset = world.buildsets.get(request.buildsetId);
  if (plan === undefined || buildset === undefined) throw new Error(`mock: no builder ${request.builder}`);
  const id = world.next('build');
  const change = world.changes.get(buildset.changeIds[0] ?? 0);
  const build: Build = {
    id,
    builder: plan.name,
    number: world.next(`number ${plan.name}`),
    requestId: request.id,
    buildsetId: buildset.id,
    attempt: 1,
    worker: plan.workers[0] ?? '',
    state: 'running',
    result: null,
    submittedAt: request.submittedAt,
    startedAt: at,
    finishedAt: null,
    summary: '',
    reason: request.reason,
    owner: request.owner,
    scheduler: buildset.scheduler,
    sourceStamps: [
      {
        codebase: '',
        repository: 'https://git.example.org/build-scripts.git',
        branch: 'main',
        revision: change?.revision ?? null,
        project: '',
      },
    ],
    changeIds: buildset.changeIds,
    parentBuildId: request.parentBuildId,
    properties: {
      ...buildset.properties,
      variant: { value: 'py3-v4.4.3_metaproject', source: `Scheduler: ${buildset.scheduler}` },
      CPUS: { value: '4', source: 'Worker' },
    },
    stopReason: null,
    graceUntil: null,
    estimateMs,
    steps: plan.steps.map((step, number) => stepOf(id, number, step)),
  };
  world.builds.set(id, build);
  request.state = 'building';
  request.buildIds.push(id);
  request.blocker = null;
  return build;
}

function stepOf(buildId: number, number: number, plan: StepPlan): Step {
  return {
    buildId,
    number,
    name: plan.name,
    kind: plan.kind,
    state: 'pending',
    result: null,
    startedAt: null,
    locksAcquiredAt: null,
    finishedAt: null,
    summary: '',
    hidden: plan.cleanUp === true,
    blocker: null,
    urls: [],
    triggeredRequestIds: [],
    logs: [],
    pid: null,
  };
}

/** Gives a step its log. */
export function beginLog(world: World, step: Step, lines: number, complete: boolean): void {
  const log: Log = {
    id: world.next('log'),
    buildId: step.buildId,
    stepNumber: step.number,
    name: 'stdio',
    lines,
    bytes: lines * 58,
    complete,
  };
  world.logs.set(log.id, log);
  step.logs = [log];
}

export function finishBuild(build: Build, result: Result, at: number): void {
  build.state = 'finished';
  build.result = result;
  build.finishedAt = at;
  const failed = build.steps.find((step) => step.result === 'FAILURE' || step.result === 'EXCEPTION');
  build.summary = failed === undefined ? '' : `${failed.name} failed`;
}
