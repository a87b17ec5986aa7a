import type { Blocker, Build, Lock, Request, Result, Step } from '@icefall/shared';
import { addChange } from './history.ts';
import type { StepPlan } from './plans.ts';
import { beginBuild, beginLog, finishBuild, submit, type World } from './world.ts';

/** What is known of a running step beside what the API says. */
interface Running {
  readonly endsAt: number;
  readonly result: Result;
}

/** Lets the simulated site work: call `tick` a few times a second. */
export class Play {
  readonly world: World;
  /** Times as fast as the plans say. */
  readonly speed: number;
  private readonly random: () => number;
  private readonly running = new Map<string, Running>();
  private nextChangeAt = 0;

  constructor(world: World, speed: number, random: () => number) {
    this.world = world;
    this.speed = speed;
    this.random = random;
  }

  tick(now: number): void {
    if (now > this.nextChangeAt) {
      this.push(now);
      this.nextChangeAt = now + (25 * 60_000) / this.speed;
    }
    for (const request of this.world.requests.values()) if (request.state === 'pending') this.tryStart(request, now);
    for (const build of this.world.builds.values()) if (build.finishedAt === null) this.advance(build, now);
  }

  push(now: number): void {
    const change = addChange(this.world, this.random, now);
    this.world.emit('change', change.id, change, now);
    this.request(
      submit(this.world, { builder: 'checkout', scheduler: 'push_py3', reason: 'push to main', change }, now),
      now,
    );
    this.request(
      submit(this.world, { builder: 'user_rsync', scheduler: 'user_rsync_hourly', reason: 'hourly' }, now),
      now,
    );
    for (const name of this.world.builders.keys())
      if (name.startsWith('extra') && this.random() < 0.5)
        this.request(
          submit(this.world, { builder: name, scheduler: 'push_extra', reason: 'push to main', change }, now),
          now,
        );
  }

  request(request: Request, now: number): void {
    this.world.emit('request', request.id, request, now);
    this.builderChanged(request.builder, now);
  }

  private tryStart(request: Request, now: number): void {
    const plan = this.world.plans.get(request.builder);
    const worker = this.world.workers.get(plan?.workers[0] ?? '');
    if (plan === undefined || worker === undefined) return;
    const blocker = this.blockerOf(worker.name);
    if (blocker !== null) {
      if (request.blocker?.kind === blocker.kind) return;
      request.blocker = blocker;
      request.blockedSince = now;
      this.world.emit('request', request.id, request, now);
      return;
    }
    const seconds = plan.steps.reduce((sum, step) => sum + step.seconds, 0);
    const estimate =
      plan.name === 'backup' ? null : (1000 * (plan.name.startsWith('checkout') ? 1500 : seconds)) / this.speed;
    const build = beginBuild(this.world, request, now, estimate);
    worker.buildIds.push(build.id);
    this.world.emit('request', request.id, request, now);
    this.world.emitBuild(build, now);
    this.world.emit('worker', worker.name, worker, now);
    this.builderChanged(build.builder, now);
  }

  private blockerOf(name: string): Blocker | null {
    const worker = this.world.workers.get(name);
    if (worker === undefined || !worker.connected)
      return { kind: 'workersOffline', workers: [{ name, lastSeenAt: worker?.lastSeenAt ?? null }] };
    if (worker.paused) return { kind: 'workersPaused', workers: [name] };
    const busy = worker.buildIds.filter((id) => this.world.builds.get(id)?.state !== 'waiting').length;
    return busy >= worker.maxBuilds ? { kind: 'workersBusy', workers: [name] } : null;
  }

  private advance(build: Build, now: number): void {
    const step = build.steps.find((one) => one.state !== 'finished');
    const plan = step && this.world.plans.get(build.builder)?.steps[step.number];
    if (step === undefined || plan === undefined) this.finish(build, now);
    else if (build.stopReason !== null) this.endStep(build, step, 'CANCELLED', now);
    else if (step.state === 'pending' && skips(build, plan)) this.endStep(build, step, 'SKIPPED', now);
    else if (step.state !== 'running') this.beginStep(build, step, plan, now);
    else if (plan.triggers !== undefined) this.watchChildren(build, step, now);
    else this.work(build, step, now);
  }

  private work(build: Build, step: Step, now: number): void {
    this.grow(step);
    const running = this.running.get(`${build.id}.${step.number}`);
    if (running === undefined || now >= running.endsAt) this.endStep(build, step, running?.result ?? 'SUCCESS', now);
  }

  private beginStep(build: Build, step: Step, plan: StepPlan, now: number): void {
    step.startedAt ??= now;
    step.hidden = false;
    if (plan.lock !== undefined && !this.acquire(build, step, plan.lock, now)) return;
    step.state = 'running';
    step.locksAcquiredAt = now;
    step.blocker = null;
    if (plan.triggers === undefined) {
      beginLog(this.world, step, 3, false);
      step.pid = 4000 + build.id;
      const failures = this.world.plans.get(build.builder)?.failures ?? 0;
      const doomed = step.number === 1 && this.random() * 100 < failures;
      const ms = (plan.seconds * 1000 * (0.7 + this.random() * 0.6) * (doomed ? 0.5 : 1)) / this.speed;
      const result = doomed ? 'FAILURE' : plan.noisy === true && this.random() < 0.3 ? 'WARNINGS' : 'SUCCESS';
      this.running.set(`${build.id}.${step.number}`, { endsAt: now + ms, result });
    } else {
      const requests = plan.triggers.map((builder) =>
        submit(
          this.world,
          {
            builder,
            scheduler: plan.name,
            reason: `triggered by ${build.builder} #${build.number}`,
            parentBuildId: build.id,
            parentStepNumber: step.number,
            ...this.changeOf(build),
          },
          now,
        ),
      );
      step.triggeredRequestIds = requests.map((request) => request.id);
      build.state = 'waiting';
      for (const request of requests) this.request(request, now);
    }
    this.world.emit('step', `${build.id}.${step.number}`, step, now);
    this.world.emitBuild(build, now);
  }

  private changeOf(build: Build) {
    const change = this.world.changes.get(build.changeIds[0] ?? 0);
    return change === undefined ? {} : { change };
  }

  private watchChildren(build: Build, step: Step, now: number): void {
    const children = step.triggeredRequestIds.flatMap((id) => this.world.requests.get(id) ?? []);
    const finished = children.filter((child) => child.state === 'finished').length;
    if (finished === children.length) {
      build.state = 'running';
      const bad = children.some((child) => child.result !== 'SUCCESS' && child.result !== 'WARNINGS');
      this.endStep(build, step, bad ? 'FAILURE' : 'SUCCESS', now);
      return;
    }
    if (step.blocker?.kind === 'children' && step.blocker.finished === finished) return;
    step.blocker = { kind: 'children', requestIds: step.triggeredRequestIds, total: children.length, finished };
    this.world.emit('step', `${build.id}.${step.number}`, step, now);
  }

  private grow(step: Step): void {
    const log = step.logs[0] && this.world.logs.get(step.logs[0].id);
    if (log === undefined) return;
    log.lines += 1 + Math.floor(this.random() * 12);
    log.bytes = log.lines * 58;
  }

  private endStep(build: Build, step: Step, result: Result, now: number): void {
    step.startedAt ??= now;
    step.locksAcquiredAt ??= now;
    Object.assign(step, {
      state: 'finished',
      result,
      finishedAt: now,
      blocker: null,
      summary: result === 'FAILURE' ? 'exit code 2' : '',
    });
    if (result === 'SKIPPED') step.hidden = true;
    for (const log of step.logs) log.complete = true;
    for (const lock of this.world.locks.values()) this.release(lock, build.id, step.number, now);
    this.world.emit('step', `${build.id}.${step.number}`, step, now);
  }

  private finish(build: Build, now: number): void {
    const results = build.steps.map((step) => step.result);
    const worst = (['CANCELLED', 'EXCEPTION', 'FAILURE', 'WARNINGS'] as const).find((result) =>
      results.includes(result),
    );
    finishBuild(build, worst ?? 'SUCCESS', now);
    const worker = this.world.workers.get(build.worker);
    if (worker !== undefined) {
      worker.buildIds = worker.buildIds.filter((id) => id !== build.id);
      this.world.emit('worker', worker.name, worker, now);
    }
    const request = this.world.requests.get(build.requestId);
    if (request !== undefined) {
      Object.assign(request, { state: 'finished', result: build.result, finishedAt: now });
      this.world.emit('request', request.id, request, now);
    }
    this.world.emitBuild(build, now);
    this.builderChanged(build.builder, now, build.result);
  }

  private builderChanged(name: string, now: number, result: Result | null = null): void {
    const builder = this.world.builders.get(name);
    if (builder === undefined) return;
    builder.pendingRequests = [...this.world.requests.values()].filter(
      (r) => r.builder === name && r.state === 'pending',
    ).length;
    builder.runningBuilds = [...this.world.builds.values()].filter(
      (b) => b.builder === name && b.finishedAt === null,
    ).length;
    builder.lastResult = result ?? builder.lastResult;
    this.world.emit('builder', name, builder, now);
  }

  private acquire(build: Build, step: Step, wanted: NonNullable<StepPlan['lock']>, now: number): boolean {
    const lock = this.world.locks.get(wanted.name);
    if (lock === undefined) return true;
    const mine = lock.waiters.findIndex((waiter) => waiter.buildId === build.id && waiter.stepNumber === step.number);
    const first = mine === 0 || (mine < 0 && lock.waiters.length === 0);
    const free =
      wanted.mode === 'exclusive'
        ? lock.holders.length === 0
        : lock.holders.every((holder) => holder.mode === 'counting');
    const who = {
      buildId: build.id,
      builder: build.builder,
      buildNumber: build.number,
      stepNumber: step.number,
      stepName: step.name,
      mode: wanted.mode,
      count: 1,
      since: now,
    };
    if (first && free) {
      lock.waiters = lock.waiters.filter((_, i) => i !== mine).map((waiter, i) => ({ ...waiter, position: i + 1 }));
      lock.holders.push(who);
      this.world.emit('lock', lock.name, lock, now);
      return true;
    }
    if (mine < 0) {
      lock.waiters.push({ ...who, requestId: null, position: lock.waiters.length + 1 });
      step.state = 'waitingForLocks';
      step.blocker = {
        kind: 'lock',
        lock: lock.name,
        mode: wanted.mode,
        position: lock.waiters.length,
        holders: [...lock.holders],
      };
      this.world.emit('lock', lock.name, lock, now);
      this.world.emit('step', `${build.id}.${step.number}`, step, now);
    }
    return false;
  }

  private release(lock: Lock, buildId: number, stepNumber: number, now: number): void {
    const holders = lock.holders.filter((holder) => holder.buildId !== buildId || holder.stepNumber !== stepNumber);
    const waiters = lock.waiters.filter((waiter) => waiter.buildId !== buildId || waiter.stepNumber !== stepNumber);
    if (holders.length === lock.holders.length && waiters.length === lock.waiters.length) return;
    lock.holders = holders;
    lock.waiters = waiters.map((waiter, i) => ({ ...waiter, position: i + 1 }));
    this.world.emit('lock', lock.name, lock, now);
  }
}

/** After a failure only clean-up runs, and clean-up only then. */
function skips(build: Build, plan: StepPlan): boolean {
  const failed = build.steps.some((step) => step.result === 'FAILURE' || step.result === 'EXCEPTION');
  return plan.cleanUp === true ? !failed : failed;
}
